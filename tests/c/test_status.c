/* rns_status: every status has its own name. */
#include "check.h"
#include "suites.h"
#include <string.h>

/// Tell whether a name begins as those of its sign do.
static bool has_kind(const char* name, int status)
{
    static const char* const faults[] = {"CONFIG_", "MISUSE_", "DAMAGE_", "INPUT_"};
    if (status >= 0) {
        return strncmp(name, status == 0 ? "OK" : "MISS_", status == 0 ? 3 : 5) == 0;
    }
    bool found = false;
    for (size_t i = 0; i < COUNT_OF(faults); ++i) {
        found = found || strncmp(name, faults[i], strlen(faults[i])) == 0;
    }
    return found;
}

static void test_every_status_has_its_own_name(void)
{
    uint32_t named = 0;
    for (int a = -100; a <= 100; ++a) {
        const char* const name = rns_status_name((rns_status_t)a);
        if (strcmp(name, "UNKNOWN") == 0) {
            continue;
        }
        ++named;
        CHECK(has_kind(name, a));
        for (int b = a + 1; b <= 100; ++b) {
            CHECK(strcmp(name, rns_status_name((rns_status_t)b)) != 0);
        }
    }
    CHECK(named >= 26);
}

static void test_names_are_the_enumerators(void)
{
#define CHECK_NAME(name) CHECK_TEXT(rns_status_name(RNS_##name), #name)
    CHECK_NAME(OK);
    CHECK_NAME(MISS_EXHAUSTED);
    CHECK_NAME(MISS_OVERSIZE);
    CHECK_NAME(CONFIG_TIER_COUNT);
    CHECK_NAME(CONFIG_TIER_ORDER);
    CHECK_NAME(CONFIG_SLOT_BYTES);
    CHECK_NAME(CONFIG_SLOT_COUNT);
    CHECK_NAME(CONFIG_OVERFLOW);
    CHECK_NAME(CONFIG_RESERVE);
    CHECK_NAME(CONFIG_LOW_WATER);
    CHECK_NAME(CONFIG_REGION);
    CHECK_NAME(CONFIG_POLICY);
    CHECK_NAME(CONFIG_HEADER);
    CHECK_NAME(CONFIG_FALLBACK);
    CHECK_NAME(CONFIG_STORAGE_SMALL);
    CHECK_NAME(CONFIG_STORAGE_ALIGN);
    CHECK_NAME(CONFIG_STORAGE_OVERLAP);
    CHECK_NAME(CONFIG_INTERFACES);
    CHECK_NAME(CONFIG_HOOKS);
    CHECK_NAME(CONFIG_RTP);
    CHECK_NAME(MISUSE_FOREIGN);
    CHECK_NAME(MISUSE_OUT_OF_RANGE);
    CHECK_NAME(MISUSE_INTERIOR);
    CHECK_NAME(MISUSE_MISALIGNED);
    CHECK_NAME(MISUSE_DOUBLE_GIVE);
    CHECK_NAME(MISUSE_WRONG_POOL);
    CHECK_NAME(DAMAGE_CANARY);
    CHECK_NAME(DAMAGE_WRITE_AFTER_GIVE);
    CHECK_NAME(DAMAGE_INVARIANT);
    CHECK_NAME(INPUT_SHORT);
    CHECK_NAME(INPUT_LONG);
    CHECK_NAME(INPUT_FLAGS);
    CHECK_NAME(INPUT_IFAC);
    CHECK_NAME(INPUT_VERSION);
    CHECK_NAME(INPUT_EXTENSION);
    CHECK_NAME(INPUT_PADDING);
#undef CHECK_NAME
}

void suite_status(void)
{
    RUN(test_every_status_has_its_own_name);
    RUN(test_names_are_the_enumerators);
}
