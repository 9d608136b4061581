/// @file check.h
/// The harness of the C suites: checks that say what failed and where, tests named by sentences.
///
/// Owns: the counts of tests, checks and random operations, which the driver compares with what
/// it expects so that no suite passes by doing nothing.
/// Does not: catch crashes (the sanitizers do) or serve threads: CHECK in the main thread only.
#ifndef CHECK_H
#define CHECK_H

#include "rns_status.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/// What this run has done so far.
typedef struct {
    uint64_t tests;
    uint64_t checks;
    uint64_t failures;
    uint64_t operations; ///< Of tests that draw them at random.
    uint64_t iterations; ///< How often a thread of test_pool_threads.c repeats itself.
    const char* test;
} check_state_t;

extern check_state_t check_state;

/// Count a check; print `text` and where it stands if it failed. Return `passed`.
bool check_true(bool passed, const char* text, const char* file, int line);

/// As check_true() for two numbers, which are printed.
bool check_equal(uint64_t actual, uint64_t expected, const char* text, const char* file, int line);

/// As check_true() for two statuses, whose names are printed.
bool check_status(rns_status_t actual, rns_status_t expected, const char* text, const char* file,
                  int line);

/// As check_true() for two strings, which are printed; either may be NULL.
bool check_text(const char* actual, const char* expected, const char* text, const char* file,
                int line);

/// Print a test's name as a sentence and run it.
void check_run(void (*test)(void), const char* name);

/// Print the counts; return what main() returns.
int check_finish(void);

/// A suite that a program has.
typedef struct {
    const char* name;
    void (*run)(void);
    bool is_default; ///< Runs if the command line names none; not so those with threads.
} check_suite_t;

/// Run the suites that the arguments name, NAME or NAME=ITERATIONS, or else the default ones.
/// Return what main() returns.
int check_main(int argument_count, char** arguments, const check_suite_t* suites,
               size_t suite_count);

/// Return the pointer to an address; never read through it.
static inline void* pointer_to(uintptr_t address)
{
    void* pointer = NULL;
    memcpy(&pointer, &address, sizeof pointer);
    return pointer;
}

#define CHECK(expression) check_true((expression), #expression, __FILE__, __LINE__)
#define CHECK_EQUAL(actual, expected)                                                             \
    check_equal((actual), (expected), #actual, __FILE__, __LINE__)
#define CHECK_STATUS(call, expected) check_status((call), (expected), #call, __FILE__, __LINE__)
#define CHECK_TEXT(actual, expected) check_text((actual), (expected), #actual, __FILE__, __LINE__)
#define RUN(test)                    check_run((test), #test)

/// Number of elements of an array.
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif
