/* rns_preset: the published tables, and that each makes a pool. */
#include "check.h"
#include "pool_fixture.h"
#include "rns_preset.h"
#include "suites.h"
#include <string.h>

static const struct {
    const char* name;
    rns_policy_t policy;
    struct {
        uint32_t slot_bytes;
        uint32_t slot_count;
    } tiers[4];
} expected[] = {
    {"design", RNS_POLICY_STRICT, {{256, 16}, {512, 16}, {1024, 16}, {0, 0}}},
    {"prism", RNS_POLICY_SPILL, {{256, 32}, {1024, 16}, {4096, 8}, {0, 0}}},
    {"fork", RNS_POLICY_STRICT, {{64, 48}, {256, 24}, {512, 16}, {1024, 16}}},
    {"pyxis", RNS_POLICY_STRICT, {{64, 1024}, {256, 16}, {512, 12}, {1024, 12}}},
};

static void test_presets_have_the_published_numbers(void)
{
    CHECK_EQUAL(RNS_PRESET_COUNT, COUNT_OF(expected));
    for (size_t i = 0; i < COUNT_OF(expected); ++i) {
        const rns_preset_t* const preset = rns_preset_find(expected[i].name);
        if (!CHECK(preset == &rns_presets[i])) {
            continue;
        }
        CHECK_TEXT(preset->name, expected[i].name);
        CHECK(strlen(preset->origin) > 10);
        CHECK_EQUAL(preset->policy, expected[i].policy);
        for (uint32_t k = 0; k < COUNT_OF(preset->tiers); ++k) {
            CHECK_EQUAL(preset->tiers[k].slot_bytes, expected[i].tiers[k].slot_bytes);
            CHECK_EQUAL(preset->tiers[k].slot_count, expected[i].tiers[k].slot_count);
#if RNS_EXTRAS
            CHECK_EQUAL(preset->tiers[k].reserve_count, 0);
#endif
            CHECK_EQUAL(k<preset->tier_count, expected[i].tiers[k].slot_count> 0);
        }
    }
}

static void test_prism_has_57344_bytes_of_slots(void)
{
    const rns_preset_t* const prism = rns_preset_find("prism");
    size_t bytes = 0;
    for (uint32_t i = 0; prism != NULL && i < prism->tier_count; ++i) {
        bytes += prism->tiers[i].slot_bytes * prism->tiers[i].slot_count;
    }
    CHECK_EQUAL(bytes, 57344);
}

static void test_every_preset_makes_a_pool_that_serves_its_slots(void)
{
    for (size_t i = 0; i < RNS_PRESET_COUNT; ++i) {
        const rns_preset_t* const preset = &rns_presets[i];
        const rns_pool_config_t config = {
            .tiers = preset->tiers, .tier_count = preset->tier_count, .policy = preset->policy};
        pool_fixture_t f;
        pool_fixture_init(&f, &config);
        uint32_t taken = 0;
        for (uint32_t k = 0; k < preset->tier_count; ++k) {
            for (uint32_t n = 0; n < preset->tiers[k].slot_count; ++n) {
                taken += pool_take(&f, preset->tiers[k].slot_bytes) != NULL;
            }
        }
        CHECK_EQUAL(pool_stats(&f).in_use, taken);
        CHECK(taken >= 48);
        CHECK(pool_take(&f, preset->tiers[preset->tier_count - 1u].slot_bytes) == NULL);
        pool_fixture_end(&f);
    }
}

static void test_an_unknown_name_is_no_preset(void)
{
    static const char* const names[] = {"",        "d",     "desig", "designs", "Design",
                                        "design ", "prisn", "pyxi",  "forks",   "unknown"};
    for (size_t i = 0; i < COUNT_OF(names); ++i) {
        CHECK(rns_preset_find(names[i]) == NULL);
    }
}

void suite_preset(void)
{
    RUN(test_presets_have_the_published_numbers);
    RUN(test_prism_has_57344_bytes_of_slots);
    RUN(test_every_preset_makes_a_pool_that_serves_its_slots);
    RUN(test_an_unknown_name_is_no_preset);
}
