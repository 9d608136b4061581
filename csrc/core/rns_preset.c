#include "rns_preset.h"

const rns_preset_t rns_presets[RNS_PRESET_COUNT] = {
    {.name = "design",
     .origin = "plan for a Bytes pool in microReticulum on an ESP32-S3 (January 2026)",
     .policy = RNS_POLICY_STRICT,
     .tier_count = 3,
     .tiers = {{.slot_bytes = 256, .slot_count = 16},
               {.slot_bytes = 512, .slot_count = 16},
               {.slot_bytes = 1024, .slot_count = 16}}},
    {.name = "prism",
     .origin = "PRISM.k1 LED firmware on an ESP32-S3: 57,344 bytes of slots",
     .policy = RNS_POLICY_SPILL,
     .tier_count = 3,
     .tiers = {{.slot_bytes = 256, .slot_count = 32},
               {.slot_bytes = 1024, .slot_count = 16},
               {.slot_bytes = 4096, .slot_count = 8}}},
    {.name = "fork",
     .origin = "first tuning of that Bytes pool for the T-Deck (January 2026)",
     .policy = RNS_POLICY_STRICT,
     .tier_count = 4,
     .tiers = {{.slot_bytes = 64, .slot_count = 48},
               {.slot_bytes = 256, .slot_count = 24},
               {.slot_bytes = 512, .slot_count = 16},
               {.slot_bytes = 1024, .slot_count = 16}}},
    {.name = "pyxis",
     .origin = "its last known tuning, in Pyxis (February 2026)",
     .policy = RNS_POLICY_STRICT,
     .tier_count = 4,
     .tiers = {{.slot_bytes = 64, .slot_count = 1024},
               {.slot_bytes = 256, .slot_count = 16},
               {.slot_bytes = 512, .slot_count = 12},
               {.slot_bytes = 1024, .slot_count = 12}}},
};

const rns_preset_t* rns_preset_find(const char* name)
{
    for (uint32_t i = 0; i < RNS_PRESET_COUNT; ++i) {
        const char* a = rns_presets[i].name;
        const char* b = name;
        while (*a != '\0' && *a == *b) {
            ++a;
            ++b;
        }
        if (*a == *b) {
            return &rns_presets[i];
        }
    }
    return NULL;
}
