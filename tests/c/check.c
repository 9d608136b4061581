#include "check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAILURES_SHOWN 20u

check_state_t check_state = {.iterations = 1000, .test = "no test"};

/// Count a check; return true if it failed and has to be shown.
static bool has_to_be_shown(bool passed, const char* file, int line)
{
    ++check_state.checks;
    if (passed) {
        return false;
    }
    ++check_state.failures;
    if (check_state.failures > FAILURES_SHOWN) {
        return false;
    }
    (void)printf("%s:%d: %s\n", file, line, check_state.test);
    return true;
}

bool check_true(bool passed, const char* text, const char* file, int line)
{
    if (has_to_be_shown(passed, file, line)) {
        (void)printf("    not true: %s\n", text);
    }
    return passed;
}

bool check_equal(uint64_t actual, uint64_t expected, const char* text, const char* file, int line)
{
    if (has_to_be_shown(actual == expected, file, line)) {
        (void)printf("    %s is %" PRIu64 ", not %" PRIu64 "\n", text, actual, expected);
    }
    return actual == expected;
}

bool check_status(rns_status_t actual, rns_status_t expected, const char* text, const char* file,
                  int line)
{
    if (has_to_be_shown(actual == expected, file, line)) {
        (void)printf("    %s is %s, not %s\n", text, rns_status_name(actual),
                     rns_status_name(expected));
    }
    return actual == expected;
}

bool check_text(const char* actual, const char* expected, const char* text, const char* file,
                int line)
{
    const bool passed =
        actual == NULL || expected == NULL ? actual == expected : strcmp(actual, expected) == 0;
    if (has_to_be_shown(passed, file, line)) {
        (void)printf("    %s is \"%s\", not \"%s\"\n", text, actual == NULL ? "NULL" : actual,
                     expected == NULL ? "NULL" : expected);
    }
    return passed;
}

void check_run(void (*test)(void), const char* name)
{
    const uint64_t failures = check_state.failures;
    ++check_state.tests;
    check_state.test = name;
    test();
    (void)printf("%s ", failures == check_state.failures ? "ok  " : "FAIL");
    for (const char* c = name + strlen("test_"); *c != '\0'; ++c) {
        (void)putchar(*c == '_' ? ' ' : *c);
    }
    (void)putchar('\n');
    (void)fflush(stdout);
}

int check_finish(void)
{
    (void)printf("%" PRIu64 " tests, %" PRIu64 " checks, %" PRIu64 " random operations, %" PRIu64
                 " failures\n",
                 check_state.tests, check_state.checks, check_state.operations,
                 check_state.failures);
    return check_state.failures == 0 && check_state.tests > 0 ? 0 : 1;
}

/// Run the suite that an argument names; return false if there is none.
static bool run_named(const char* argument, const check_suite_t* suites, size_t suite_count)
{
    const char* const number = strchr(argument, '=');
    const size_t length = number == NULL ? strlen(argument) : (size_t)(number - argument);
    if (number != NULL) {
        check_state.iterations = strtoull(number + 1, NULL, 10);
    }
    for (size_t i = 0; i < suite_count; ++i) {
        if (strlen(suites[i].name) == length && memcmp(suites[i].name, argument, length) == 0) {
            suites[i].run();
            return true;
        }
    }
    (void)printf("no suite \"%s\"\n", argument);
    return false;
}

int check_main(int argument_count, char** arguments, const check_suite_t* suites,
               size_t suite_count)
{
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* what a crash follows on is shown, too */
    for (int i = 1; i < argument_count; ++i) {
        if (!run_named(arguments[i], suites, suite_count)) {
            return 2;
        }
    }
    for (size_t i = 0; argument_count == 1 && i < suite_count; ++i) {
        if (suites[i].is_default) {
            suites[i].run();
        }
    }
    return check_finish();
}
