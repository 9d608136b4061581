/* rns_handle: pins, clamped windows, and one handle in the hands of many threads.
 *
 * Usage: handle_main [CALLS]  of each thread
 */
#include "bytes_fixture.h"
#include "rns_handle.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS 4u

static bool handle_reads(rns_handle_t* self, const char* text)
{
    return rns_handle_compare(self, 0, SIZE_MAX, text, strlen(text)) == 0;
}

static void test_a_new_handle_says_in_errno_why_there_is_none(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 1});
    rns_handle_t* const only = rns_handle_new(&f.store, "a", 1);
    CHECK(handle_reads(only, "a"));
    errno = 0;
    CHECK(rns_handle_new(&f.store, "b", 1) == NULL);
    CHECK_EQUAL((uint64_t)errno, RNS_MISS_EXHAUSTED);
    CHECK(rns_handle_new(&f.store, NULL, 5000) == NULL);
    CHECK_EQUAL((uint64_t)errno, RNS_MISS_OVERSIZE);
    rns_handle_drop(only);
    bytes_fixture_end(&f);
}

static void test_a_pinned_handle_refuses_every_write_until_it_is_unpinned(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_handle_t* const handle = rns_handle_new(&f.store, "content", 7);
    const char* const content = rns_handle_pin(handle, 3, 4);
    CHECK(memcmp(content, "tent", 4) == 0);
    CHECK_EQUAL(rns_handle_info(handle).refs, 2);
    CHECK_STATUS(rns_handle_narrow(handle, 0, 1), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_set(handle, 0, 0), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_write(handle, 0, "x", 1), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_append(handle, "x", 1), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_prepend(handle, "x", 1), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_assign(handle, "x", 1), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_resize(handle, 1), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_reserve(handle, 9, 9), RNS_MISS_SHARED);
    CHECK_STATUS(rns_handle_compact(handle), RNS_MISS_SHARED);
    CHECK(handle_reads(handle, "content"));
    rns_handle_unpin(handle);
    CHECK_STATUS(rns_handle_set(handle, 0, 'C'), RNS_OK);
    CHECK(handle_reads(handle, "Content"));
    rns_handle_drop(handle);
    bytes_fixture_end(&f);
}

static void test_a_handle_that_is_dropped_while_it_is_pinned_goes_with_the_last_pin(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.slot_count = 1});
    rns_handle_t* const handle = rns_handle_new(&f.store, "content", 7);
    const char* const content = rns_handle_pin(handle, 0, 7);
    CHECK(rns_handle_pin(handle, 3, 4) == content + 3);
    rns_handle_drop(handle);
    rns_handle_unpin(handle);
    CHECK(memcmp(content, "content", 7) == 0);
    CHECK(rns_handle_new(&f.store, "a", 1) == NULL);
    rns_handle_unpin(handle);
    rns_handle_t* const next = rns_handle_new(&f.store, "a", 1);
    CHECK(handle_reads(next, "a"));
    rns_handle_drop(next);
    bytes_fixture_end(&f);
}

static void test_windows_outside_the_content_are_clamped_or_refused(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_handle_t* const handle = rns_handle_new(&f.store, "abc", 3);
    CHECK(rns_handle_pin(handle, 3, 1) == NULL);
    CHECK(rns_handle_pin(handle, 4, 0) == NULL);
    CHECK(rns_handle_pin(handle, 1, SIZE_MAX) == NULL);
    CHECK_EQUAL(rns_handle_info(handle).refs, 1);
    CHECK(rns_handle_get(handle, 2) == 'c');
    CHECK(rns_handle_get(handle, 3) == -1);
    CHECK_STATUS(rns_handle_set(handle, 3, 0), RNS_INPUT_RANGE);
    CHECK_STATUS(rns_handle_write(handle, 2, "xy", 2), RNS_INPUT_RANGE);
    CHECK_STATUS(rns_handle_write(handle, SIZE_MAX, "x", 1), RNS_INPUT_RANGE);
    CHECK(rns_handle_compare(handle, 1, SIZE_MAX, "bc", 2) == 0);
    CHECK(rns_handle_compare(handle, 9, 9, "", 0) == 0);
    CHECK_STATUS(rns_handle_narrow(handle, 1, 9), RNS_OK);
    CHECK(handle_reads(handle, "bc"));
    rns_handle_t* const nothing = rns_handle_slice(handle, 2, 1);
    CHECK(rns_handle_pin(nothing, 0, 0) != NULL);
    rns_handle_unpin(nothing);
    CHECK_EQUAL(rns_handle_info(nothing).buffer, 0);
    rns_handle_drop(nothing);
    rns_handle_drop(handle);
    bytes_fixture_end(&f);
}

static void test_a_slice_is_another_handle_of_the_buffer(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_handle_t* const handle = rns_handle_new(&f.store, "abcdef", 6);
    rns_handle_t* const slice = rns_handle_slice(handle, 2, 2);
    CHECK(handle_reads(slice, "cd"));
    CHECK(rns_handle_info(slice).buffer == rns_handle_info(handle).buffer);
    CHECK_STATUS(rns_handle_write(slice, 1, "D", 1), RNS_OK);
    CHECK(handle_reads(slice, "cD"));
    CHECK(handle_reads(handle, "abcdef"));
    CHECK_EQUAL(rns_store_stats(&f.store).cow_bytes, 2);
    rns_handle_drop(handle);
    rns_handle_drop(slice);
    bytes_fixture_end(&f);
}

#if RNS_SYNC != RNS_SYNC_NONE
typedef struct {
    rns_handle_t* handle;
    uint64_t calls;
    uint64_t random;
    uint64_t pinned;
    uint64_t written;
    uint64_t changed; ///< Pinned content that was not the same when read again.
    pthread_t thread;
} worker_t;

static uint64_t draw(worker_t* self, uint64_t below)
{
    self->random = self->random * 6364136223846793005u + 1442695040888963407u;
    return (self->random >> 33) % below;
}

static void read_pinned(worker_t* self, size_t from, size_t length)
{
    const char* const content = rns_handle_pin(self->handle, from, length);
    if (content != NULL) {
        char copy[64];
        (void)memcpy(copy, content, length);
        (void)rns_handle_get(self->handle, from);
        self->changed += memcmp(copy, content, length) == 0 ? 0u : 1u;
        self->pinned += 1u;
        rns_handle_unpin(self->handle);
    }
}

static rns_status_t write_any(worker_t* self, const char* data, size_t length)
{
    switch (draw(self, 8)) {
    case 0:
        return rns_handle_append(self->handle, data, length);
    case 1:
        return rns_handle_prepend(self->handle, data, length);
    case 2:
        return rns_handle_assign(self->handle, data, length);
    case 3:
        return rns_handle_resize(self->handle, length * 8u);
    case 4:
        return rns_handle_compact(self->handle);
    case 5:
        return rns_handle_narrow(self->handle, length / 4u, 40);
    case 6:
        return rns_handle_reserve(self->handle, length, length);
    default:
        return rns_handle_write(self->handle, length, data, length);
    }
}

static void* work(void* argument)
{
    worker_t* const self = argument;
    static const char data[64] = "from one of the threads";
    for (uint64_t i = 0; i < self->calls; ++i) {
        const size_t length = (size_t)draw(self, sizeof data);
        if (draw(self, 3) == 0) {
            read_pinned(self, (size_t)draw(self, 20), length);
        } else if (draw(self, 8) == 0) {
            rns_handle_drop(rns_handle_slice(self->handle, length / 2u, length));
        } else {
            self->written += write_any(self, data, length) == RNS_OK ? 1u : 0u;
        }
    }
    return NULL;
}

static void test_threads_with_one_handle_lose_no_memory_and_nothing_pinned_changes(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = false, .is_spilling = true});
    rns_handle_t* const handle = rns_handle_new(&f.store, "begin", 5);
    worker_t workers[THREADS];
    for (uint32_t i = 0; i < THREADS; ++i) {
        workers[i] =
            (worker_t){.handle = handle, .calls = check_state.iterations, .random = i + 1u};
        CHECK(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    uint64_t pinned = 0;
    uint64_t written = 0;
    for (uint32_t i = 0; i < THREADS; ++i) {
        CHECK(pthread_join(workers[i].thread, NULL) == 0);
        CHECK_EQUAL(workers[i].changed, 0);
        CHECK(workers[i].pinned > 0);
        pinned += workers[i].pinned;
        written += workers[i].written;
    }
    CHECK(written > 0);
    (void)printf("     %llu pins, %llu writes\n", (unsigned long long)pinned,
                 (unsigned long long)written);
    rns_handle_drop(handle);
    bytes_fixture_end(&f);
}
#endif

int main(int argument_count, char** arguments)
{
    check_state.iterations = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : 20000u;
    RUN(test_a_new_handle_says_in_errno_why_there_is_none);
    RUN(test_a_pinned_handle_refuses_every_write_until_it_is_unpinned);
    RUN(test_a_handle_that_is_dropped_while_it_is_pinned_goes_with_the_last_pin);
    RUN(test_windows_outside_the_content_are_clamped_or_refused);
    RUN(test_a_slice_is_another_handle_of_the_buffer);
#if RNS_SYNC != RNS_SYNC_NONE
    RUN(test_threads_with_one_handle_lose_no_memory_and_nothing_pinned_changes);
#endif
    return check_finish();
}
