#include "rns_status.h"

const char* rns_status_name(rns_status_t status)
{
    switch (status) {
    case RNS_OK:
        return "OK";
    case RNS_MISS_EXHAUSTED:
        return "MISS_EXHAUSTED";
    case RNS_MISS_OVERSIZE:
        return "MISS_OVERSIZE";
    case RNS_CONFIG_TIER_COUNT:
        return "CONFIG_TIER_COUNT";
    case RNS_CONFIG_TIER_ORDER:
        return "CONFIG_TIER_ORDER";
    case RNS_CONFIG_SLOT_BYTES:
        return "CONFIG_SLOT_BYTES";
    case RNS_CONFIG_SLOT_COUNT:
        return "CONFIG_SLOT_COUNT";
    case RNS_CONFIG_OVERFLOW:
        return "CONFIG_OVERFLOW";
    case RNS_CONFIG_RESERVE:
        return "CONFIG_RESERVE";
    case RNS_CONFIG_LOW_WATER:
        return "CONFIG_LOW_WATER";
    case RNS_CONFIG_REGION:
        return "CONFIG_REGION";
    case RNS_CONFIG_POLICY:
        return "CONFIG_POLICY";
    case RNS_CONFIG_HEADER:
        return "CONFIG_HEADER";
    case RNS_CONFIG_FALLBACK:
        return "CONFIG_FALLBACK";
    case RNS_CONFIG_STORAGE_SMALL:
        return "CONFIG_STORAGE_SMALL";
    case RNS_CONFIG_STORAGE_ALIGN:
        return "CONFIG_STORAGE_ALIGN";
    case RNS_CONFIG_STORAGE_OVERLAP:
        return "CONFIG_STORAGE_OVERLAP";
    case RNS_MISUSE_FOREIGN:
        return "MISUSE_FOREIGN";
    case RNS_MISUSE_OUT_OF_RANGE:
        return "MISUSE_OUT_OF_RANGE";
    case RNS_MISUSE_INTERIOR:
        return "MISUSE_INTERIOR";
    case RNS_MISUSE_MISALIGNED:
        return "MISUSE_MISALIGNED";
    case RNS_MISUSE_DOUBLE_GIVE:
        return "MISUSE_DOUBLE_GIVE";
    case RNS_MISUSE_WRONG_POOL:
        return "MISUSE_WRONG_POOL";
    case RNS_DAMAGE_CANARY:
        return "DAMAGE_CANARY";
    case RNS_DAMAGE_WRITE_AFTER_GIVE:
        return "DAMAGE_WRITE_AFTER_GIVE";
    case RNS_DAMAGE_INVARIANT:
        return "DAMAGE_INVARIANT";
    }
    return "UNKNOWN";
}
