/* Runs the suites of the heap models. The first argument is the number of random operations for
 * each kind and layout. */
#include "heap_fixture.h"

#include <stdlib.h>

int main(int argument_count, char** arguments)
{
    const uint32_t operations =
        argument_count > 1 ? (uint32_t)strtoul(arguments[1], NULL, 10) : 20000u;
    suite_heap();
    suite_heap_check();
    suite_heap_random(operations);
    suite_packet_node();
    return check_finish();
}
