/* Every function of the malloc family once, in an order that tests/test_record.py knows. */
#define _GNU_SOURCE
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void use(void* block)
{
    if (block == NULL) {
        abort();
    }
    *(volatile char*)block = 1;
    free(block);
}

int main(void)
{
    void* block = NULL;
    volatile size_t huge = SIZE_MAX / 2;
    use(malloc(1001));
    use(calloc(10, 101));
    use(realloc(NULL, 1003));
    use(realloc(malloc(1004), 1005));
    use(reallocarray(malloc(1006), 10, 107));
    use(aligned_alloc(64, 1088));
    use(memalign(256, 1009));
    use(valloc(1010));
    use(pvalloc(1011));
    if (posix_memalign(&block, 32, 1012) != 0) {
        return 1;
    }
    use(block);
    use(strdup("twelve chars"));
    /* What fails changes nothing: the block is freed once, at the end. */
    block = malloc(1013);
    if (realloc(block, huge) != NULL || reallocarray(block, huge, 3) != NULL ||
        malloc(huge) != NULL || calloc(huge, 3) != NULL) {
        return 2;
    }
    use(block);
    free(NULL);
    if (realloc(malloc(1014), 0) != NULL) {
        return 3;
    }
    return 0;
}
