/* Paths of the library whose heap allocations are counted: what one is, and the pool it runs on.
 *
 * A path is opened, run many times over, and closed, three times: on a pool with slots to spare,
 * whose high-water marks give the pool of the second time; and on that one with a slot of each
 * tier held back, where malloc serves the misses. allocs_main.c does that, allocs.py judges it. */
#ifndef ALLOCS_H
#define ALLOCS_H

#include <stddef.h>
#include <stdint.h>

#define ALLOCS_PLANT_EVERY 8u /* The planted allocation comes once in so many operations. */

#ifdef __cplusplus
extern "C" {
#else
#    include "rns_bytes.h"

/* Where a path runs. */
typedef struct {
    rns_pool_t pool;
    rns_store_t store;
} allocs_world_t;

typedef struct {
    const char* name;
    const char* operation; /* What one operation is, in words. */
    void (*open)(allocs_world_t* world, uint32_t parameter);
    void (*run)(allocs_world_t* world, uint64_t operations);
    void (*close)(allocs_world_t* world);
    uint64_t (*done)(void); /* Operations done since open(), as the code under test counts them. */
    uint32_t parameter;
    uint64_t operations_least; /* In a round. */
    uint64_t operations_most;  /* Likewise; 0: any number. */
    bool notes_sites;          /* Of a control; a path on its exact pool always does. */
    bool is_raw; /* Its pool is one of plain slots, not of Bytes; there is no store. */
} allocs_path_t;

/* Paths of one kind. */
typedef struct {
    const char* kind; /* "control", "path" or "peer" */
    const allocs_path_t* paths;
    size_t count;
} allocs_group_t;

extern const allocs_group_t allocs_controls;
extern const allocs_group_t allocs_bytes_paths;
extern const allocs_group_t allocs_packet_paths;
extern const allocs_group_t allocs_node_paths;
extern const allocs_group_t allocs_peers;
allocs_group_t allocs_rtp_paths(void);
allocs_group_t allocs_log_paths(const char* log_path); /* Rows of rns_traffic_row_t. */

/* End the program, saying so, unless a call that cannot fail here did what it should. */
void allocs_require(bool is_right, const char* what);

/* The same of a status. */
void allocs_require_ok(rns_status_t status, const char* what);
#endif

/* Let the compiler believe that memory was read and written. */
static inline void allocs_touch(const void* memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

/* The packet path of the peers (allocs_peers.cc). */
void allocs_peer_shared_ptr(uint64_t operations);
void allocs_peer_make_shared(uint64_t operations);

/* operator new and new[] once each, and delete. */
void allocs_plant_new(void);

#ifdef __cplusplus
}
#endif
#endif
