/* Runs the suites of Bytes named on the command line, or all but the one with threads.
 *
 * Usage: bytes_main [SUITE[=ITERATIONS]]...
 */
#include "bytes_fixture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char* name;
    void (*run)(void);
    bool is_default;
} suites[] = {
    {"bytes", suite_bytes, true},
    {"bytes_shape", suite_bytes_shape, true},
    {"bytes_text", suite_bytes_text, true},
    {"bytes_peers", suite_bytes_peers, true},
    {"bytes_random", suite_bytes_random, true},
    {"bytes_fault", suite_bytes_fault, true},
    {"store", suite_store, true},
    {"bytes_threads", suite_bytes_threads, false},
};

/// Run the suite that an argument names; return false if there is none.
static bool run_named(const char* argument)
{
    const char* const number = strchr(argument, '=');
    const size_t length = number == NULL ? strlen(argument) : (size_t)(number - argument);
    if (number != NULL) {
        check_state.iterations = strtoull(number + 1, NULL, 10);
    }
    for (size_t i = 0; i < COUNT_OF(suites); ++i) {
        if (strlen(suites[i].name) == length && memcmp(suites[i].name, argument, length) == 0) {
            suites[i].run();
            return true;
        }
    }
    (void)printf("no suite \"%s\"\n", argument);
    return false;
}

int main(int argument_count, char** arguments)
{
    for (int i = 1; i < argument_count; ++i) {
        if (!run_named(arguments[i])) {
            return 2;
        }
    }
    for (size_t i = 0; argument_count == 1 && i < COUNT_OF(suites); ++i) {
        if (suites[i].is_default) {
            suites[i].run();
        }
    }
    return check_finish();
}
