/// @file explore_main.h
/// What the programs that explore have in common: scenarios by name, each explored one way or
/// both, and counts. Include it first, once: it compiles the sources that are explored.
///
/// Modes of a program, its first argument:
///   both    small scenarios schedule by schedule and by states, which must count the same
///   each    the same for all scenarios that have a few million schedules at most
///   states  all scenarios but those with millions of states, by states
///   all     those, too
/// A second argument is how the name of a scenario begins; others are left out.
#ifndef EXPLORE_MAIN_H
#define EXPLORE_MAIN_H

#include "explore_sources.h"

#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum { SIZE_SMALL, SIZE_EACH, SIZE_LARGE, SIZE_HUGE } scenario_size_t;

typedef struct {
    const char* name;
    scenario_size_t size; ///< The least mode that explores it.
} scenario_name_t;

static inline uint32_t count_threads(const char* const programs[EXPLORE_THREADS_MAX])
{
    uint32_t count = 0;
    while (count < EXPLORE_THREADS_MAX && programs[count] != NULL) {
        ++count;
    }
    return count;
}

/// Explore a scenario one way; return the number of schedules.
static inline uint64_t explore_once(explore_world_t threads, const char* name, bool merges)
{
    const explore_result_t result = explore(&threads, merges);
    CHECK(result.is_good);
    const uint64_t looked_at = merges ? result.states : result.schedules;
    (void)printf("  %-32s %20" PRIu64 " schedules, %" PRIu64 " %s, %" PRIu64 " steps taken\n",
                 name, result.schedules, looked_at, merges ? "states" : "run", result.steps);
    check_state.operations += looked_at;
    return result.schedules;
}

/// The main() of a program. `begin` makes the world of a scenario.
static inline int explore_scenarios(int argument_count, char** arguments,
                                    explore_world_t (*begin)(uint32_t scenario),
                                    const scenario_name_t* list, size_t count)
{
    const char* const mode = argument_count > 1 ? arguments[1] : "both";
    const char* const name = argument_count > 2 ? arguments[2] : "";
    static const char* const modes[] = {"both", "each", "states", "all"};
    uint32_t most = SIZE_SMALL;
    while (most < SIZE_HUGE && strcmp(mode, modes[most]) != 0) {
        ++most;
    }
    for (uint32_t i = 0; i < count && check_state.failures == 0; ++i) {
        if (strncmp(list[i].name, name, strlen(name)) != 0 || list[i].size > most) {
            continue;
        }
        ++check_state.tests;
        check_state.test = list[i].name;
        const uint64_t schedules = explore_once(begin(i), list[i].name, true);
        if (most <= SIZE_EACH && check_state.failures == 0) {
            CHECK_EQUAL(explore_once(begin(i), list[i].name, false), schedules);
        }
    }
    return check_finish();
}

#endif
