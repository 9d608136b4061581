/* For clock_gettime(). NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */
#define _POSIX_C_SOURCE 200809L
#include "rns_recording.h"

#include <time.h>

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static uint16_t thread_number(rns_recording_t* self)
{
    static _Thread_local char mark; // Its address tells threads apart.
    const uintptr_t thread = (uintptr_t)&mark;
    for (uint32_t i = 0; i < RNS_RECORDING_THREADS_MAX; ++i) {
        uintptr_t known = atomic_load_explicit(&self->thread[i], memory_order_relaxed);
        if (known == thread ||
            (known == 0 && (atomic_compare_exchange_strong(&self->thread[i], &known, thread) ||
                            known == thread))) {
            return (uint16_t)i;
        }
    }
    return RNS_RECORDING_THREADS_MAX;
}

static void write_row(rns_recording_t* self, uint64_t number, rns_event_t row, const void* slot)
{
    if (number < self->capacity) {
        row.t_ns = now_ns() - self->start_ns;
        row.id = (uintptr_t)slot;
        row.thread = thread_number(self);
        self->event[number] = row;
    }
}

static void took(void* context, const void* slot, size_t size_bytes)
{
    rns_recording_t* const self = context;
    const rns_event_t row = {.op = RNS_EVENT_ALLOC,
                             .size_bytes = size_bytes,
                             .site = atomic_load_explicit(&self->site, memory_order_relaxed)};
    write_row(self, atomic_fetch_add(&self->count, 1), row, slot);
}

static uint64_t giving(void* context)
{
    rns_recording_t* const self = context;
    return atomic_fetch_add(&self->count, 1);
}

static void gave(void* context, uint64_t number, const void* slot, rns_status_t status)
{
    rns_recording_t* const self = context;
    const rns_event_t row = {.op = status == RNS_OK ? RNS_EVENT_FREE : RNS_RECORD_VOID_OP};
    write_row(self, number, row, slot);
}

void rns_recording_init(rns_recording_t* self, rns_event_t* event, uint64_t capacity)
{
    self->observer =
        (rns_observer_t){.took = took, .giving = giving, .gave = gave, .context = self};
    self->event = event;
    self->capacity = capacity;
    self->start_ns = now_ns();
    atomic_init(&self->count, 0);
    atomic_init(&self->site, 0);
    for (uint32_t i = 0; i < RNS_RECORDING_THREADS_MAX; ++i) {
        atomic_init(&self->thread[i], 0);
    }
}

void rns_recording_set_site(rns_recording_t* self, uint32_t site)
{
    atomic_store(&self->site, site);
}

uint64_t rns_recording_count(rns_recording_t* self)
{
    return atomic_load(&self->count);
}
