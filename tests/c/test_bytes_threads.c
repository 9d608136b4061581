/* rns_bytes shared by threads: content never torn, counts exact, hand-over between threads. */
#include "bytes_fixture.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#define THREADS 4u
#define BUFFERS 3u
#define LENGTH  100u

#define VISIT_OPERATIONS 21u ///< Calls in a visit() that share, write or drop.

typedef struct {
    bytes_fixture_t f;
    pthread_mutex_t mutex;
    rns_bytes_t mailbox; ///< Under the mutex: made by one thread, dropped by another.
} square_t;

typedef struct {
    square_t* square;
    uint8_t id;
    uint64_t iterations;
    rns_bytes_t base[BUFFERS]; ///< This thread's own handles of the shared buffers.
    uint64_t shares;
    uint64_t slices;
    uint64_t failures;
} worker_t;

static void expect(worker_t* self, bool is_true)
{
    self->failures += is_true ? 0u : 1u;
}

/// Append to a handle, perhaps while another thread appends behind the same content, and drop it.
static void extend_and_drop(worker_t* self, rns_bytes_t* bytes)
{
    rns_store_t* const store = &self->square->f.store;
    const uint8_t tail[2] = {self->id, self->id};
    const uint32_t length = bytes->length;
    const uint8_t first = rns_bytes_data(bytes)[0];
    expect(self, bytes_are_all(bytes, first, length));
    expect(self, rns_bytes_append(bytes, store, tail, 2) == RNS_OK);
    expect(self, memcmp(rns_bytes_data(bytes) + length, tail, 2) == 0);
    expect(self, rns_bytes_resize(bytes, store, length) == RNS_OK);
    expect(self, bytes_are_all(bytes, first, length));
    expect(self, rns_bytes_drop(bytes, store) == RNS_OK);
}

/// Put a handle in the mailbox; extend and drop the one that was there.
static void hand_over(worker_t* self, rns_bytes_t handle)
{
    square_t* const square = self->square;
    (void)pthread_mutex_lock(&square->mutex);
    rns_bytes_t other = square->mailbox;
    square->mailbox = handle;
    (void)pthread_mutex_unlock(&square->mutex);
    if (other.length > 0) {
        extend_and_drop(self, &other);
    }
}

/// Write to one copy, append to another, slice a third.
static void visit(worker_t* self, uint32_t buffer)
{
    rns_store_t* const store = &self->square->f.store;
    const rns_bytes_t* const base = &self->base[buffer];
    const uint8_t original = (uint8_t)(buffer + 1u);

    rns_bytes_t written = rns_bytes_share(base, store);
    uint8_t* data = NULL;
    if (rns_bytes_writable(&written, store, LENGTH, &data) == RNS_OK) {
        memset(data, 100 + self->id, LENGTH);
        expect(self, bytes_are_all(&written, (uint8_t)(100 + self->id), LENGTH));
    } else {
        expect(self, false);
    }
    rns_bytes_t kept = rns_bytes_share(&written, store);
    hand_over(self, written);
    /* Whoever has the other one wants the same tail, and who is last gives the slot to a third. */
    extend_and_drop(self, &kept);

    rns_bytes_t longer = rns_bytes_share(base, store);
    for (uint32_t i = 0; i < 3; ++i) {
        const uint8_t tail[2] = {self->id, self->id};
        expect(self, rns_bytes_append(&longer, store, tail, 2) == RNS_OK);
    }
    for (uint32_t i = 0; i < longer.length; ++i) {
        expect(self, rns_bytes_data(&longer)[i] == (i < LENGTH ? original : self->id));
    }
    expect(self, longer.length == LENGTH + 6);
    expect(self, rns_bytes_drop(&longer, store) == RNS_OK);

    rns_bytes_t part = rns_bytes_slice(base, store, 10, 20);
    const rns_bytes_view_t view = rns_bytes_export(&part, store);
    self->shares += 4; /* written, kept, longer, view */
    self->slices += 1;
    expect(self, rns_bytes_resize(&part, store, 10) == RNS_OK);
    expect(self, view.data[0] == original && view.length == 20);
    expect(self, rns_store_unexport(store, view.pin) == RNS_OK);
    hand_over(self, part);
    expect(self, bytes_are_all(base, original, LENGTH));
}

static void* work(void* context)
{
    worker_t* const self = context;
    for (uint64_t i = 0; i < self->iterations; ++i) {
        visit(self, (uint32_t)(i % BUFFERS));
    }
    return NULL;
}

static void test_threads_share_buffers_and_no_content_is_torn_and_no_count_is_lost(void)
{
    static square_t square;
    memset(&square, 0, sizeof square);
    bytes_fixture_init(&square.f, &(bytes_setup_t){.slot_count = 64});
    (void)pthread_mutex_init(&square.mutex, NULL);
    rns_store_t* const store = &square.f.store;
    rns_bytes_t buffers[BUFFERS];
    worker_t workers[THREADS] = {{0}};
    for (uint32_t b = 0; b < BUFFERS; ++b) {
        buffers[b] = bytes_filled(&square.f, (uint8_t)(b + 1u), LENGTH);
        for (uint32_t t = 0; t < THREADS; ++t) {
            workers[t].base[b] = rns_bytes_share(&buffers[b], store);
        }
    }
    pthread_t threads[THREADS];
    for (uint32_t t = 0; t < THREADS; ++t) {
        workers[t].square = &square;
        workers[t].id = (uint8_t)(t + 1u);
        workers[t].iterations = check_state.iterations;
        CHECK(pthread_create(&threads[t], NULL, work, &workers[t]) == 0);
    }
    uint64_t shares = (uint64_t)THREADS * BUFFERS;
    uint64_t slices = 0;
    for (uint32_t t = 0; t < THREADS; ++t) {
        (void)pthread_join(threads[t], NULL);
        CHECK_EQUAL(workers[t].failures, 0);
        shares += workers[t].shares;
        slices += workers[t].slices;
    }
    CHECK(shares >= check_state.iterations * 4u * THREADS);
    (void)rns_bytes_drop(&square.mailbox, store);
    for (uint32_t b = 0; b < BUFFERS; ++b) {
        CHECK_EQUAL(rns_bytes_refs(&buffers[b], store), THREADS + 1u);
        for (uint32_t t = 0; t < THREADS; ++t) {
            bytes_end(&square.f, &workers[t].base[b]);
        }
        CHECK_EQUAL(rns_bytes_refs(&buffers[b], store), 1);
        bytes_end(&square.f, &buffers[b]);
    }
#if RNS_STATS
    const rns_store_stats_t stats = rns_store_stats(store);
    CHECK_EQUAL(stats.shares, shares);
    CHECK_EQUAL(stats.slices, slices);
    CHECK(stats.tail_appends > 0);
#else
    (void)slices;
#endif
    check_state.operations += (uint64_t)THREADS * check_state.iterations * VISIT_OPERATIONS;
    (void)pthread_mutex_destroy(&square.mutex);
    bytes_fixture_end(&square.f);
}

/// A fresh buffer each round, of which every thread has one handle and no one else has any.
typedef struct {
    bytes_fixture_t f;
    atomic_ullong arrivals;
    rns_bytes_t handle[THREADS];
    uint64_t rounds;
} arena_t;

typedef struct {
    arena_t* arena;
    uint32_t id;
    uint64_t failures;
} fighter_t;

/// Wait until all threads have come here for the `count`-th time; a spin, so that they leave at
/// once.
static void meet(arena_t* arena, uint64_t count)
{
    atomic_fetch_add(&arena->arrivals, 1);
    while (atomic_load(&arena->arrivals) < count * THREADS) {
        (void)sched_yield();
    }
}

/// Make the buffer of a round and share it; the first thread does it for all.
static bool deal(arena_t* arena)
{
    uint8_t content[LENGTH];
    memset(content, 1, sizeof content);
    rns_store_t* const store = &arena->f.store;
    bool is_made = rns_bytes_init(&arena->handle[0], store, content, LENGTH) == RNS_OK;
    for (uint32_t t = 1; t < THREADS; ++t) {
        arena->handle[t] = rns_bytes_share(&arena->handle[0], store);
    }
    return is_made;
}

/// Append to the handle, or overwrite it, while the others do the same.
static bool fight(rns_bytes_t* handle, rns_store_t* store, uint8_t mark, bool is_append)
{
    uint8_t marks[8];
    memset(marks, mark, sizeof marks);
    uint8_t* data = NULL;
    if (is_append) {
        bool is_good = rns_bytes_append(handle, store, marks, sizeof marks) == RNS_OK;
        is_good = is_good && rns_bytes_ends_with(handle, marks, sizeof marks);
        for (uint32_t i = 0; i < LENGTH && is_good; ++i) {
            is_good = rns_bytes_data(handle)[i] == 1;
        }
        return is_good;
    }
    bool is_good = bytes_are_all(handle, 1, LENGTH);
    if (rns_bytes_writable(handle, store, LENGTH, &data) != RNS_OK) {
        return false;
    }
    memset(data, mark, LENGTH);
    return is_good && bytes_are_all(handle, mark, LENGTH);
}

static void* enter(void* context)
{
    fighter_t* const self = context;
    arena_t* const arena = self->arena;
    rns_bytes_t* const handle = &arena->handle[self->id];
    for (uint64_t i = 0; i < arena->rounds; ++i) {
        if (self->id == 0) {
            self->failures += deal(arena) ? 0u : 1u;
        }
        meet(arena, 3u * i + 1u);
        const uint8_t mark = (uint8_t)(self->id + 10u);
        const bool is_append = i % 2 == 0;
        bool is_good = fight(handle, &arena->f.store, mark, is_append);
        meet(arena, 3u * i + 2u);
        /* When all have written, each still has what it wrote. */
        is_good = is_good && (is_append ? rns_bytes_data(handle)[LENGTH + 7u] == mark
                                        : bytes_are_all(handle, mark, LENGTH));
        is_good = rns_bytes_drop(handle, &arena->f.store) == RNS_OK && is_good;
        meet(arena, 3u * i + 3u);
        self->failures += is_good ? 0u : 1u;
    }
    return NULL;
}

static void test_threads_that_write_the_same_buffer_at_once_each_get_their_own(void)
{
    static arena_t arena;
    memset(&arena, 0, sizeof arena);
    bytes_fixture_plain(&arena.f);
    arena.rounds = check_state.iterations;
    pthread_t threads[THREADS];
    fighter_t fighters[THREADS] = {{0}};
    for (uint32_t t = 0; t < THREADS; ++t) {
        fighters[t].arena = &arena;
        fighters[t].id = t;
        CHECK(pthread_create(&threads[t], NULL, enter, &fighters[t]) == 0);
    }
    for (uint32_t t = 0; t < THREADS; ++t) {
        (void)pthread_join(threads[t], NULL);
        CHECK_EQUAL(fighters[t].failures, 0);
    }
    check_state.operations += (uint64_t)THREADS * arena.rounds * 2u; /* write, drop */
    bytes_fixture_end(&arena.f);
}

void suite_bytes_threads(void)
{
    RUN(test_threads_share_buffers_and_no_content_is_torn_and_no_count_is_lost);
    RUN(test_threads_that_write_the_same_buffer_at_once_each_get_their_own);
}
