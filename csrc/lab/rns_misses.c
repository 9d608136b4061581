#include "rns_misses.h"

void rns_misses_add(rns_misses_t* self, int64_t t_ns, uint64_t size_bytes, uint32_t site)
{
    const rns_miss_t* const before = &self->last[(self->count - 1u) % RNS_MISSES_KEPT];
    if (self->count == 0 || t_ns - before->t_ns >= RNS_MISSES_QUIET_NS) {
        self->episodes += 1u;
        self->episode_ns = t_ns;
    }
    self->last[self->count % RNS_MISSES_KEPT] =
        (rns_miss_t){.t_ns = t_ns, .size_bytes = size_bytes, .site = site};
    self->count += 1u;
}

static void* refuse(void* context, size_t size_bytes)
{
    rns_misses_t* const self = context;
    rns_misses_add(self, *self->now_ns, size_bytes - self->header_bytes, 0);
    return NULL;
}

static bool give(void* context, void* block)
{
    (void)context;
    (void)block;
    return false;
}

rns_fallback_t rns_misses_fallback(rns_misses_t* self)
{
    return (rns_fallback_t){.take = refuse, .give = give, .context = self};
}
