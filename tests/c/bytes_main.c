/* Runs the suites of Bytes named on the command line, or all but the one with threads.
 *
 * Usage: bytes_main [SUITE[=ITERATIONS]]...
 */
#include "bytes_fixture.h"

/// The longest come last: a mutant ends with the first test that fails.
static const check_suite_t suites[] = {
    {"bytes", suite_bytes, true},
    {"bytes_shape", suite_bytes_shape, true},
    {"bytes_text", suite_bytes_text, true},
    {"bytes_peers", suite_bytes_peers, true},
    {"bytes_fault", suite_bytes_fault, true},
    {"store", suite_store, true},
    {"bytes_random", suite_bytes_random, true},
    {"bytes_threads", suite_bytes_threads, false},
};

int main(int argument_count, char** arguments)
{
    return check_main(argument_count, arguments, suites, COUNT_OF(suites));
}
