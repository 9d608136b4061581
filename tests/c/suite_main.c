/* Runs the suites named on the command line, or all but those with threads.
 *
 * Usage: suite_main [SUITE[=ITERATIONS]]...
 */
#include "check.h"
#include "suites.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char* name;
    void (*run)(void);
    bool is_default;
} suites[] = {
    {"tier", suite_tier, true},
    {"tier_locate", suite_tier_locate, true},
    {"tier_check", suite_tier_check, true},
    {"pool", suite_pool, true},
    {"pool_low_water", suite_pool_low_water, true},
    {"pool_stats", suite_pool_stats, true},
    {"pool_random", suite_pool_random, true},
    {"pool_config", suite_pool_config, true},
    {"pool_memory", suite_pool_memory, true},
    {"pool_misuse", suite_pool_misuse, true},
    {"pool_guard", suite_pool_guard, true},
    {"preset", suite_preset, true},
    {"status", suite_status, true},
    {"pool_threads", suite_pool_threads, false},
    {"pool_races", suite_pool_races, false},
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
