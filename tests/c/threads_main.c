/* Runs the suites with threads that are named on the command line, of pool and Bytes.
 *
 * Usage: threads_main SUITE[=ITERATIONS]...
 */
#include "bytes_fixture.h"
#include "suites.h"

static const check_suite_t suites[] = {
    {"pool_relay", suite_pool_relay, false},
    {"pool_races", suite_pool_races, false},
    {"bytes_threads", suite_bytes_threads, false},
};

int main(int argument_count, char** arguments)
{
    return check_main(argument_count, arguments, suites, COUNT_OF(suites));
}
