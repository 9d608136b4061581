/* One allocation, four calls deep. */
#include <stdlib.h>

#define APART __attribute__((noinline, noclone, visibility("default")))

static void* volatile sink;
void leaf(size_t size);
void middle(size_t size);
void outer(size_t size);

APART void leaf(size_t size)
{
    sink = malloc(size);
    free(sink);
}

APART void middle(size_t size)
{
    leaf(size + 1);
    sink = NULL;
}

APART void outer(size_t size)
{
    middle(size + 1);
    sink = NULL;
}

int main(void)
{
    outer(5000);
    return 0;
}
