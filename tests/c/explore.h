/// @file explore.h
/// Runs every schedule of a few threads over real code: at each step any of them may go on.
///
/// Owns: the threads' stacks, the switch between them, the search, what was counted.
/// Does not: know what runs. A world says what its threads do and what must hold; interleave.h
/// puts the steps into the code.
///
/// How: between two steps the whole state is memory: the world and the stacks of the threads, at
/// fixed addresses. The search copies it away, lets one thread take a step, goes on from there,
/// copies it back and lets the next one. A search that merges follows a state once only, however
/// it was reached, and adds the number of schedules that lead on from it. A state is known by 128
/// bits of hash over all its bytes, so that states which differ in a dead byte are two.
///
/// Limits: x86-64. One thread runs at a time, as if all were sequentially consistent. A thread
/// must not leave anything behind but in the world: no heap, no files.
#ifndef EXPLORE_H
#define EXPLORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "interleave.h"

#define EXPLORE_THREADS_MAX 3u
#define EXPLORE_STEPS_MAX   1000u ///< Of one schedule.

typedef struct {
    void* memory; ///< All that the threads and the checks change.
    size_t memory_bytes;
    uint32_t thread_count;
    void (*run)(uint32_t thread); ///< What a thread does.
    void (*check)(void);          ///< Verifies what holds after each step.
    void (*check_at_end)(void);   ///< Verifies what holds when all threads have ended.
    void (*watch)(uint32_t thread,
                  bool is_after); ///< Told of each step, before and after; or NULL.
} explore_world_t;

typedef struct {
    uint64_t schedules; ///< Saturates at UINT64_MAX.
    uint64_t states;    ///< Different ones; 0 unless the search merges.
    uint64_t steps;     ///< Taken.
    uint32_t longest;   ///< Steps of the longest schedule.
    bool is_good;       ///< No fault was found.
} explore_result_t;

/// Run every schedule from the world's present state, which is there again afterwards. Prints the
/// first fault and the schedule that led to it.
explore_result_t explore(const explore_world_t* world, bool merges);

/// Report a fault in the present schedule, which ends the search.
void explore_fault(const char* text);

/// explore_fault() unless a condition holds.
#define EXPECT(condition) ((condition) ? (void)0 : explore_fault(#condition))

/// Return the thread that runs; EXPLORE_THREADS_MAX if none does.
uint32_t explore_thread(void);

/// Return the operation that a thread will do when it goes on, and on what cell; NULL at its
/// start and after its end.
const char* explore_next(uint32_t thread, const volatile void** cell);

/// Take a step once a word is 0.
void explore_wait(const uint32_t* word);

#endif
