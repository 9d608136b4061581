/// @file rns_heap.h
/// Models of the heaps that small devices use, in an arena of the device's size: where each of
/// them would put a block, when it would refuse one, and how it fragments.
///
/// Every kind takes from its arena the bytes that the original takes there. Offsets are from the
/// start of the arena, which stands for an address that every alignment divides. Bytes where words
/// are of 32 bits:
///
///   kind       header  smallest  whole block          besides
///   first_fit       8        16  8 + size, rounded    8 for the end
///   best_fit        8        16  8 + size, rounded    8 for the end
///   tlsf            4        16  4 + size, rounded    56 + 4 F (1 + S), and 4 for the end
///   half_fit       16        32  16 + size, to 2^n    160
///   buddy           0        32  size, to 2^n         1 for every 32
///
/// rounded is to the alignment, 4 or 8. F and S are TLSF's first and second levels of lists: for
/// an arena of up to 16 KiB S is 8, up to 256 KiB 16, else 32; F is 12 for 64 KiB. With words of
/// 64 bits header, smallest block and end double; half_fit takes 576, TLSF 84 + 4 F (1 + 2 S)
/// rounded to 8, with F one less.
///
/// Written from: Knuth, The Art of Computer Programming 1, 2.5 (first fit, best fit, buddies), and
/// the FreeRTOS manual for heap_4; Masmano, Ripoll, Crespo, Real, TLSF (ECRTS 2004), with the
/// lists of ESP-IDF; Ogasawara, half-fit (RTCSA 1995), with the powers of two of o1heap; Knowlton
/// (CACM 8, 1965), with one control byte a unit behind the blocks, as SQLite's memsys5 has.
///
/// Where they differ from the original: with alignment 4 a first-fit block is never below 16
/// bytes (heap_4: 12). A request of 0 bytes takes the smallest block; most originals refuse it,
/// which would count as a failure. Best fit takes the lowest of equal blocks.
///
/// Owns: the arena's contents (headers, links of free blocks), and an index of the free blocks
/// beside it, which no device has: it finds the first fit and the largest free block without the
/// walk through a list that the original does. The answers are the same, the time is not.
/// Does not: own memory, write to live blocks, or tell how long an original would take.
/// Cost: take, give and fits O(log arena) and some ten nanoseconds on a desktop processor, but
/// best_fit, which searches one list; largest_free and total_free a load; walk and check O(arena).
/// Threads: one.
///
/// Invariants between calls (buddy: I3 for its control bytes):
///   I1  Blocks lie one behind the other from begin_bytes to end_bytes; each is a multiple of
///       unit_bytes and at least block_min_bytes; its payload is aligned.
///   I2  No two neighbours (buddy: no two buddies) are both free.
///   I3  A block's header says whether the one before is free; a free block ends with its size.
///   I4  free_bytes is the sum of the free blocks.
///   I5  The index holds the free blocks and no others, and every node the maximum below it.
///   I6  A free block is in the list of its class and in no other; links go both ways, and a bit
///       is set where a list is not empty (first_fit: there are no lists).
#ifndef RNS_HEAP_H
#define RNS_HEAP_H

#include "rns_heap_bins.h"
#include "rns_heap_index.h"
#include "rns_pool.h"

/// Largest arena. Sizes and offsets then fit in 32 bits with room to add.
#define RNS_HEAP_ARENA_BYTES_MAX (1u << 30)

typedef enum {
    RNS_HEAP_FIRST_FIT,
    RNS_HEAP_BEST_FIT,
    RNS_HEAP_TLSF,
    RNS_HEAP_HALF_FIT,
    RNS_HEAP_BUDDY,
} rns_heap_kind_t;

#define RNS_HEAP_KIND_COUNT 5u

typedef struct {
    rns_heap_kind_t kind;
    uint32_t arena_bytes;     ///< Of the device, control structure included.
    uint32_t alignment_bytes; ///< Of payloads, 4 or 8 and not below word_bytes; some give more.
    uint32_t word_bytes;      ///< Of the device's size_t and pointers: 4 or 8.
} rns_heap_config_t;

/// One heap. Read the fields up to `index`; change none.
typedef struct {
    rns_heap_kind_t kind;
    uint32_t arena_bytes;
    uint32_t alignment_bytes; ///< Of payloads, as the kind gives it.
    uint32_t header_bytes;    ///< In front of each live block.
    uint32_t block_min_bytes;
    uint32_t unit_bytes;      ///< Every block is a multiple of it.
    uint32_t split_min_bytes; ///< A remainder below this stays with the block.
    uint32_t begin_bytes;     ///< The first block.
    uint32_t end_bytes;       ///< Behind the last.
    uint32_t free_bytes;
    uint32_t class_less_bytes; ///< What the lists leave out of a block's size: TLSF its header.
    uint32_t word_shift;       ///< log2 of word_bytes, less 2.
    uint32_t* words;           ///< The arena.
    uint8_t* orders;           ///< buddy: of each block_min_bytes of the arena; at its end.
    rns_heap_index_t index;
    rns_heap_bins_t bins;
} rns_heap_t;

/// What a broken invariant looks like.
typedef struct {
    rns_status_t status;   ///< RNS_OK or RNS_DAMAGE_INVARIANT.
    const char* invariant; ///< "I1" and so on, "" if there is no damage.
    uint32_t offset_bytes; ///< Of the block concerned.
} rns_heap_damage_t;

/// Return the name of a kind as above, NULL if there is no such kind.
const char* rns_heap_kind_name(uint32_t kind);

/// Tell how much memory a heap of this configuration needs on this machine: arena and index.
///
/// @param out  Receives the bytes, 0 unless RNS_OK is returned.
///
/// @retval RNS_OK
/// @retval RNS_CONFIG_POLICY         There is no such kind.
/// @retval RNS_CONFIG_HEADER         word_bytes is neither 4 nor 8.
/// @retval RNS_CONFIG_STORAGE_ALIGN  alignment_bytes is neither 4 nor 8, or below word_bytes.
/// @retval RNS_CONFIG_STORAGE_SMALL  The arena does not hold control structure and one block.
/// @retval RNS_CONFIG_OVERFLOW       The arena is above RNS_HEAP_ARENA_BYTES_MAX.
RNS_MUST_USE rns_status_t rns_heap_storage_bytes(const rns_heap_config_t* config, size_t* out);

/// Make an empty heap.
///
/// @param storage  The arena, and behind it the index; stays the caller's, aligned to 8.
///
/// @return As rns_heap_storage_bytes(), and RNS_CONFIG_STORAGE_SMALL or RNS_CONFIG_STORAGE_ALIGN
///         for the storage itself.
RNS_MUST_USE rns_status_t rns_heap_init(rns_heap_t* self, const rns_heap_config_t* config,
                                        rns_memory_t storage);

/// Take a block.
///
/// @param size_bytes  0 is served as the smallest request.
/// @param out         Receives the offset of the payload, RNS_HEAP_NONE unless RNS_OK is returned.
///
/// @retval RNS_OK              The payload is the caller's until rns_heap_give().
/// @retval RNS_MISS_EXHAUSTED  This kind of heap finds no block for it now.
RNS_MUST_USE rns_status_t rns_heap_take(rns_heap_t* self, size_t size_bytes, uint32_t* out);

/// Give back what was taken.
///
/// @param offset_bytes  As rns_heap_take() returned it. An offset inside a live block is not
///                      recognised, as by the originals, and destroys the heap.
///
/// @retval RNS_OK
/// @retval RNS_MISUSE_OUT_OF_RANGE  No payload can lie there.
/// @retval RNS_MISUSE_MISALIGNED    It is not aligned as payloads are.
/// @retval RNS_MISUSE_DOUBLE_GIVE   The block is free; seen until the memory is used again.
RNS_MUST_USE rns_status_t rns_heap_give(rns_heap_t* self, uint32_t offset_bytes);

/// Return whether rns_heap_take() of that size would succeed now.
bool rns_heap_fits(const rns_heap_t* self, size_t size_bytes);

/// Return the bytes that a take of that size needs at least, header included.
uint64_t rns_heap_block_bytes(const rns_heap_t* self, size_t size_bytes);

/// Return the bytes of the largest free block, header included; 0 if there is none.
static inline uint32_t rns_heap_largest_free(const rns_heap_t* self)
{
    return rns_heap_index_largest(&self->index);
}

/// Return the bytes of all free blocks, headers included.
static inline uint32_t rns_heap_total_free(const rns_heap_t* self)
{
    return self->free_bytes;
}

/// Return external fragmentation, 1 - largest_free / total_free, in millionths rounded down;
/// 0 where nothing is free.
static inline uint32_t rns_heap_fragmentation_ppm(const rns_heap_t* self)
{
    const uint64_t rest = self->free_bytes - rns_heap_largest_free(self);
    return self->free_bytes == 0 ? 0 : (uint32_t)(rest * 1000000u / self->free_bytes);
}

/// Called with each block: where it starts, header included, and its bytes.
typedef void (*rns_heap_visitor_t)(void* context, uint32_t offset_bytes, uint32_t block_bytes,
                                   bool is_free);

/// Visit all blocks in the order of addresses. The visitor must not change the heap.
void rns_heap_walk(const rns_heap_t* self, rns_heap_visitor_t visit, void* context);

/// Verify the invariants; safe on a heap whose arena was overwritten.
rns_heap_damage_t rns_heap_check(const rns_heap_t* self);

#endif
