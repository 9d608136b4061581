/* The path of an RTP packet through the receiver of a bandwidth estimator, at every spacing from 1
 * to 100 ms: below 5 ms packets share a group, above each opens one of its own. */
#include "allocs.h"
#include "rns_rtp_receiver.h"
#include <stdio.h>
#include <string.h>

#define SPACING_COUNT   100u
#define MILLISECOND_NS  1000000u
#define PACKET_BYTES    1000u
#define EXTENSION_AT    12u
#define CHECK(call)     allocs_require_ok((call), #call)
#define OPERATIONS_MOST 20000u
#define NAME_BYTES      32u
#define STORAGE_BYTES   65536u
#define SECOND_NS       ((uint64_t)1000000000)

static rns_rtp_receiver_t receiver;
static uint64_t spacing_ns;
static uint64_t now_ns;
static uint32_t sequence;
static uint8_t packet[PACKET_BYTES];

/* A header with one extension element, abs-send-time. */
static void write_header(uint8_t extension_id)
{
    static const uint8_t front[] = {0x90, 96, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0xBE, 0xDE, 0, 1};
    memset(packet, 0xA5, sizeof packet);
    memcpy(packet, front, sizeof front);
    packet[EXTENSION_AT + 4u] = (uint8_t)(extension_id << 4 | 2u);
}

static void stamp(void)
{
    const uint64_t ticks = now_ns * RNS_RTP_TICKS_SECOND / SECOND_NS;
    ++sequence;
    packet[2] = (uint8_t)(sequence >> 8);
    packet[3] = (uint8_t)sequence;
    packet[EXTENSION_AT + 5u] = (uint8_t)(ticks >> 16);
    packet[EXTENSION_AT + 6u] = (uint8_t)(ticks >> 8);
    packet[EXTENSION_AT + 7u] = (uint8_t)ticks;
}

static void open_receiver(allocs_world_t* world, uint32_t spacing_ms)
{
    static _Alignas(64) uint8_t storage[STORAGE_BYTES];
    const rns_rtp_config_t config = rns_rtp_config_default(&world->pool);
    CHECK(rns_rtp_receiver_init(&receiver, &config, (rns_memory_t){storage, sizeof storage}));
    write_header(config.extension_id);
    spacing_ns = (uint64_t)spacing_ms * MILLISECOND_NS;
    now_ns = SECOND_NS;
    sequence = 0;
}

static void run_receiver(allocs_world_t* world, uint64_t operations)
{
    (void)world;
    for (uint64_t i = 0; i < operations; ++i) {
        uint32_t bits_second = 0;
        now_ns += spacing_ns;
        stamp();
        CHECK(rns_rtp_receiver_receive(&receiver, (rns_span_t){packet, sizeof packet}, now_ns));
        const rns_status_t status = rns_rtp_receiver_remb(&receiver, now_ns, &bits_second);
        allocs_require(status == RNS_OK || status == RNS_MISS_ABSENT, "REMB");
    }
}

static uint64_t count_grouped(void)
{
    rns_rtp_stats_t stats;
    rns_rtp_receiver_stats(&receiver, &stats);
    return stats.counts.grouped - stats.counts.refusals;
}

static void close_receiver(allocs_world_t* world)
{
    (void)world;
    allocs_require(rns_rtp_receiver_check(&receiver).status == RNS_OK, "the receiver is sound");
    rns_rtp_receiver_reset(&receiver);
}

allocs_group_t allocs_rtp_paths(void)
{
    static allocs_path_t paths[SPACING_COUNT];
    static char names[SPACING_COUNT][NAME_BYTES];
    for (uint32_t i = 0; i < SPACING_COUNT; ++i) {
        (void)snprintf(names[i], sizeof names[i], "RTP receive, %u ms", i + 1u);
        paths[i] = (allocs_path_t){.name = names[i],
                                   .operation = "1000 bytes arrive, is a REMB due",
                                   .open = open_receiver,
                                   .run = run_receiver,
                                   .close = close_receiver,
                                   .done = count_grouped,
                                   .parameter = i + 1u,
                                   .operations_most = OPERATIONS_MOST,
                                   .is_raw = true};
    }
    return (allocs_group_t){"path", paths, SPACING_COUNT};
}
