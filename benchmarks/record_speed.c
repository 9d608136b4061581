/* A program that does little but allocate: COUNT frees and COUNT allocations from four sites, of
 * 1024 blocks at random. Prints the nanoseconds of processor time that an event took. */
#include <mcheck.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define LIVE 1024u

static double now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static void* make(uint32_t random)
{
    const size_t size = 16 + random % 497;
    switch (random >> 30) {
    case 0:
        return malloc(size);
    case 1:
        return calloc(1, size);
    case 2:
        return malloc(24);
    default:
        return realloc(NULL, size);
    }
}

int main(int argc, char** argv)
{
    static void* live[LIVE];
    const long count = argc > 1 ? strtol(argv[1], NULL, 10) : 1;
    uint32_t random = 1;
    if (getenv("MALLOC_TRACE") != NULL) {
        mtrace();
    }
    for (uint32_t i = 0; i < LIVE; ++i) {
        live[i] = malloc(24); /* So that each free is one. */
    }
    const double begin = now_ns();
    for (long i = 0; i < count; ++i) {
        random = random * 1664525u + 1013904223u;
        void** const block = &live[(random >> 8) % LIVE];
        free(*block);
        *block = make(random);
    }
    printf("%.1f\n", (now_ns() - begin) / (2.0 * (double)count));
    return 0;
}
