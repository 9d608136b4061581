/* The faults found in the Bytes and pools that came before: ours has none of them. First eight of
 * attermann/microReticulum Bytes, then seven of the pooled one of its fork (BytesPool.h). */
#include "bytes_fixture.h"

#include <string.h>

static void test_peer_1_writing_one_byte_does_not_write_through_to_sharers(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "Hello");
    rns_bytes_t b = rns_bytes_share(&a, &f.store);
    CHECK_STATUS(rns_bytes_set(&b, &f.store, 0, 'J'), RNS_OK);
    CHECK(bytes_read(&a, "Hello"));
    CHECK(bytes_read(&b, "Jello"));
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_fixture_end(&f);
}

static void test_peer_2_writable_keeps_the_content_shared_or_not(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "content");
    uint8_t* data = NULL;
    CHECK_STATUS(rns_bytes_writable(&a, &f.store, 7, &data), RNS_OK);
    CHECK(memcmp(data, "content", 7) == 0);
    rns_bytes_t b = rns_bytes_share(&a, &f.store);
    CHECK_STATUS(rns_bytes_writable(&b, &f.store, 7, &data), RNS_OK);
    CHECK(memcmp(data, "content", 7) == 0);
    CHECK(data != rns_bytes_data(&a));
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_fixture_end(&f);
}

static void test_peer_3_empty_equals_empty_with_capacity(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    const rns_bytes_t empty = {0};
    rns_bytes_t reserved = {0};
    CHECK_STATUS(rns_bytes_reserve(&reserved, &f.store, 100), RNS_OK);
    CHECK(rns_bytes_equal(&empty, &reserved));
    CHECK(rns_bytes_equal(&reserved, &empty));
    CHECK(rns_bytes_compare_bytes(&empty, &reserved) == 0);
    bytes_end(&f, &reserved);
    bytes_fixture_end(&f);
}

static void test_peer_4_who_was_shared_once_writes_in_place_when_alone_again(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "abc");
    const rns_bytes_t source = a;
    rns_bytes_t b = rns_bytes_share(&source, &f.store); /* from a const handle, which stays so */
    CHECK(memcmp(&source, &a, sizeof a) == 0);
    rns_bytes_t sum = {0};
    CHECK_STATUS(rns_bytes_concat(&sum, &f.store, &a, &b), RNS_OK);
    bytes_end(&f, &b);
    const uint64_t requests = requests_of(&f);
    CHECK(!rns_bytes_will_copy(&a, &f.store));
    CHECK_STATUS(rns_bytes_set(&a, &f.store, 0, 'x'), RNS_OK);
    CHECK_EQUAL(requests_of(&f), requests);
    CHECK(bytes_read(&a, "xbc"));
    CHECK(bytes_read(&sum, "abcabc"));
    bytes_end(&f, &a);
    bytes_end(&f, &sum);
    bytes_fixture_end(&f);
}

static void test_peer_5_reserve_leaves_the_storage_of_others_alone(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "abc");
    rns_bytes_t b = rns_bytes_share(&a, &f.store);
    const uint8_t* const data = rns_bytes_data(&a);
    CHECK_STATUS(rns_bytes_reserve(&b, &f.store, 1000), RNS_OK);
    CHECK(rns_bytes_data(&a) == data);
    CHECK_EQUAL(rns_bytes_refs(&a, &f.store), 1);
    CHECK_EQUAL(a.buffer->capacity, 64);
    CHECK(bytes_read(&a, "abc"));
    CHECK(bytes_read(&b, "abc"));
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_fixture_end(&f);
}

static void test_peer_6_assigning_from_inside_oneself_after_a_share_reads_live_memory(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "Hello World");
    rns_bytes_t b = rns_bytes_share(&a, &f.store);
    bytes_end(&f, &b);
    CHECK_STATUS(rns_bytes_assign(&a, &f.store, rns_bytes_data(&a) + 6, 5), RNS_OK);
    CHECK(bytes_read(&a, "World"));
    b = rns_bytes_share(&a, &f.store);
    CHECK_STATUS(rns_bytes_assign(&a, &f.store, rns_bytes_data(&a) + 1, 3), RNS_OK);
    CHECK(bytes_read(&a, "orl"));
    CHECK(bytes_read(&b, "World"));
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_fixture_end(&f);
}

static void test_peer_7_bad_hex_is_an_error_and_changes_nothing(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "kept");
    CHECK_STATUS(rns_bytes_assign_hex(&a, &f.store, "zz!!", 4), RNS_INPUT_HEX_DIGIT);
    CHECK_STATUS(rns_bytes_assign_hex(&a, &f.store, "abc", 3), RNS_INPUT_HEX_ODD);
    CHECK(bytes_read(&a, "kept"));
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_peer_8_find_reads_a_const_handle_from_any_position(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "abcabc");
    const rns_bytes_t* const reader = &a;
    CHECK_EQUAL(rns_bytes_find(reader, 0, "ca", 2), 2);
    CHECK_EQUAL(rns_bytes_find(reader, 4, "a", 1), RNS_BYTES_NOT_FOUND);
    CHECK_EQUAL(rns_bytes_find(reader, (size_t)INT32_MAX + 1u, "a", 1), RNS_BYTES_NOT_FOUND);
    CHECK_EQUAL(rns_bytes_find(reader, SIZE_MAX, "a", 1), RNS_BYTES_NOT_FOUND);
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_fork_1_a_bytes_is_one_slot_and_nothing_else(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true});
    rns_bytes_t a = bytes_filled(&f, 'a', 500);
    rns_bytes_t b = rns_bytes_share(&a, &f.store);
    rns_bytes_t c = rns_bytes_left(&b, &f.store, 16);
    const rns_pool_stats_t stats = pool_stats(&f.pool);
    CHECK_EQUAL(stats.in_use, 1);
    CHECK_EQUAL(stats.tiers[2].in_use, 1); /* 500 bytes do fit the slot of 512 */
    CHECK_EQUAL(stats.fallbacks, 0);
    CHECK_EQUAL(f.heap.out_count, 0);
    bytes_end(&f, &a);
    bytes_end(&f, &b);
    bytes_end(&f, &c);
    bytes_fixture_end(&f);
}

static void test_fork_2_growth_moves_to_the_right_tier(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true});
    uint8_t payload[480] = {0};
    rns_bytes_t a = {0};
    CHECK_STATUS(rns_bytes_append_byte(&a, &f.store, 1), RNS_OK);
    CHECK_EQUAL(a.buffer->capacity, 64);
    CHECK_STATUS(rns_bytes_append(&a, &f.store, payload, sizeof payload), RNS_OK);
    CHECK_EQUAL(a.buffer->capacity, 512);
    rns_pool_stats_t stats = pool_stats(&f.pool);
    CHECK_EQUAL(stats.tiers[0].in_use, 0);
    CHECK_EQUAL(stats.tiers[2].in_use, 1);
    CHECK_STATUS(rns_store_check(&f.store).status, RNS_OK); /* I14 */
    bytes_end(&f, &a);
    a = bytes_filled(&f, 'b', 64); /* the slot it left is as small as ever */
    CHECK_EQUAL(a.buffer->capacity, 64);
    CHECK_EQUAL(f.heap.out_count, 0);
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_fork_3_a_sole_owner_never_copies(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t a = bytes_of(&f, "abc");
    for (int i = 0; i < 3; ++i) {
        rns_bytes_t b = rns_bytes_share(&a, &f.store);
        rns_bytes_t c = rns_bytes_mid(&b, &f.store, 1);
        bytes_end(&f, &c);
        bytes_end(&f, &b);
        CHECK_STATUS(rns_bytes_set(&a, &f.store, 0, 'z'), RNS_OK);
    }
    CHECK_EQUAL(requests_of(&f), 1);
    CHECK_EQUAL(rns_store_stats(&f.store).cow_copies, 0);
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_fork_4_a_thousand_appends_of_one_byte_take_one_slot_of_each_tier(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true});
    rns_bytes_t a = {0};
    for (uint32_t i = 0; i < 1024; ++i) {
        CHECK_STATUS(rns_bytes_append_byte(&a, &f.store, (uint8_t)i), RNS_OK);
    }
    CHECK_EQUAL(requests_of(&f), 4);
#if RNS_STATS
    CHECK_EQUAL(rns_store_stats(&f.store).grows, 3);
#endif
    for (uint32_t i = 1024; i < 100000; ++i) { /* and beyond the tiers still in long steps */
        CHECK_STATUS(rns_bytes_append_byte(&a, &f.store, (uint8_t)i), RNS_OK);
    }
    CHECK(requests_of(&f) < 4 + 14);
    for (uint32_t i = 0; i < 100000; ++i) {
        CHECK_EQUAL(rns_bytes_data(&a)[i], (uint8_t)i);
    }
    bytes_end(&f, &a);
    bytes_fixture_end(&f);
}

static void test_fork_5_every_request_is_counted_and_every_refusal_has_a_name(void)
{
    bytes_fixture_t f;
    bytes_fixture_init(&f, &(bytes_setup_t){.has_fallback = true, .slot_count = 1});
    rns_bytes_t nothing = {0};
    CHECK_STATUS(rns_bytes_init(&nothing, &f.store, NULL, 0), RNS_OK); /* 0 bytes: no request */
    rns_bytes_t a = bytes_of(&f, "abc");
    rns_bytes_t b = bytes_of(&f, "def"); /* from the heap */
    f.heap.is_off = true;
    rns_bytes_t c = a;
    CHECK_STATUS(rns_bytes_init(&c, &f.store, "ghi", 3), RNS_MISS_EXHAUSTED); /* both failed */
    CHECK(c.buffer == NULL && c.length == 0);
    rns_bytes_t stale = a;
    bytes_end(&f, &a);
    CHECK_STATUS(rns_bytes_drop(&stale, &f.store), RNS_MISUSE_DOUBLE_GIVE);
    rns_bytes_t foreign = {.buffer = (rns_buffer_t*)(void*)&f.store, .length = 1};
    bytes_end(&f, &b);
    CHECK_STATUS(rns_store_unexport(&f.store, foreign.buffer), RNS_MISUSE_FOREIGN);
    const rns_pool_stats_t stats = pool_stats(&f.pool);
#if RNS_STATS
    CHECK_EQUAL(stats.requests, 3);
    CHECK_EQUAL(stats.hits, 1);
    CHECK_EQUAL(stats.failures, 1);
    CHECK_EQUAL(stats.misuse.double_give, 1);
    CHECK_EQUAL(stats.misuse.foreign, 1);
#endif
    CHECK_EQUAL(stats.fallbacks, 1);
    bytes_fixture_end(&f);
}

static void test_fork_6_reading_fields_of_a_packet_takes_no_slot(void)
{
    bytes_fixture_t f;
    bytes_fixture_plain(&f);
    rns_bytes_t packet = bytes_filled(&f, 'p', 500);
    for (int i = 0; i < 100; ++i) {
        rns_bytes_t destination = rns_bytes_slice(&packet, &f.store, 2, 16);
        rns_bytes_t payload = rns_bytes_mid(&packet, &f.store, 19);
        CHECK_EQUAL(rns_bytes_length(&payload), 481);
        bytes_end(&f, &destination);
        bytes_end(&f, &payload);
    }
    CHECK_EQUAL(requests_of(&f), 1);
    bytes_end(&f, &packet);
    bytes_fixture_end(&f);
}

#if RNS_EXTRAS
static void test_fork_7_pools_are_the_callers_and_know_their_own(void)
{
    bytes_fixture_t first;
    bytes_fixture_t second;
    bytes_fixture_plain(&first);
    bytes_fixture_plain(&second);
    rns_pool_link(&first.pool.pool, &second.pool.pool);
    rns_bytes_t a = bytes_of(&first, "abc");
    rns_bytes_t wrong = a;
    CHECK_STATUS(rns_bytes_drop(&wrong, &second.store), RNS_MISUSE_WRONG_POOL);
    CHECK(bytes_read(&a, "abc"));
    rns_pool_unlink(&second.pool.pool);
    bytes_fixture_end(&second); /* the other lives on */
    CHECK_STATUS(rns_bytes_append(&a, &first.store, "def", 3), RNS_OK);
    CHECK(bytes_read(&a, "abcdef"));
    bytes_end(&first, &a);
    bytes_fixture_end(&first);
}
#endif

void suite_bytes_peers(void)
{
    RUN(test_peer_1_writing_one_byte_does_not_write_through_to_sharers);
    RUN(test_peer_2_writable_keeps_the_content_shared_or_not);
    RUN(test_peer_3_empty_equals_empty_with_capacity);
    RUN(test_peer_4_who_was_shared_once_writes_in_place_when_alone_again);
    RUN(test_peer_5_reserve_leaves_the_storage_of_others_alone);
    RUN(test_peer_6_assigning_from_inside_oneself_after_a_share_reads_live_memory);
    RUN(test_peer_7_bad_hex_is_an_error_and_changes_nothing);
    RUN(test_peer_8_find_reads_a_const_handle_from_any_position);
    RUN_WITH_FALLBACK(test_fork_1_a_bytes_is_one_slot_and_nothing_else);
    RUN_WITH_FALLBACK(test_fork_2_growth_moves_to_the_right_tier);
    RUN(test_fork_3_a_sole_owner_never_copies);
    RUN_WITH_FALLBACK(test_fork_4_a_thousand_appends_of_one_byte_take_one_slot_of_each_tier);
    RUN_WITH_FALLBACK(test_fork_5_every_request_is_counted_and_every_refusal_has_a_name);
    RUN(test_fork_6_reading_fields_of_a_packet_takes_no_slot);
#if RNS_EXTRAS
    RUN(test_fork_7_pools_are_the_callers_and_know_their_own);
#endif
}
