/* Runs the suites named on the command line, or all but those with threads.
 *
 * Usage: suite_main [SUITE[=ITERATIONS]]...
 */
#include "check.h"
#include "rns_port.h"
#include "suites.h"

/// The longest come last: a mutant ends with the first test that fails.
static const check_suite_t suites[] = {
    {"pool", suite_pool, true},
    {"pool_config", suite_pool_config, true},
    {"pool_misuse", suite_pool_misuse, true},
    {"pool_stats", suite_pool_stats, true},
    {"preset", suite_preset, true},
    {"status", suite_status, true},
#if RNS_PROFILE == RNS_PROFILE_FULL
    {"tier", suite_tier, true},
    {"tier_locate", suite_tier_locate, true},
    {"pool_guard", suite_pool_guard, true},
    {"pool_observe", suite_pool_observe, true},
    {"pool_shaken", suite_pool_shaken, true},
#endif
#if RNS_EXTRAS
    {"pool_low_water", suite_pool_low_water, true},
    {"pool_memory", suite_pool_memory, true},
    {"pool_threads", suite_pool_threads, false},
    {"pool_races", suite_pool_races, false},
#endif
    {"pool_random", suite_pool_random, true},
#if RNS_PROFILE == RNS_PROFILE_FULL
    {"tier_check", suite_tier_check, true},
#endif
};

int main(int argument_count, char** arguments)
{
    return check_main(argument_count, arguments, suites, COUNT_OF(suites));
}
