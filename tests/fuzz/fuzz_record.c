/* The reader of what the recorder writes: a page that may be a header, and chunks. Nothing outside
 * the arrays is written (the sanitizer sees it), and the counts are those of the rows. */
#include "fuzz.h"
#include "rns_record.h"

#define EVENTS     24u
#define DEPTH      3u
#define MODULES    2u
#define CHUNKS_MAX 4u
#define ROOM       512u

static uint64_t* frames; /* RNS_TRACE_SITES_MAX sites: too much to make anew for each input. */

static void check_info(const uint8_t* data, size_t size)
{
    static uint8_t page[RNS_RECORD_PAGE_BYTES];
    static rns_record_info_t info;
    memset(page, 0, sizeof page);
    memcpy(page, data, size < sizeof page ? size : sizeof page);
    DEMAND(!rns_record_info(page, sizeof page - 1u, &info));
    if (rns_record_info(page, sizeof page, &info)) {
        DEMAND(info.depth >= 1 && info.depth <= RNS_RECORD_DEPTH_MAX);
        DEMAND(memchr(info.program, 0, sizeof info.program) != NULL);
        DEMAND(memchr(info.command, 0, sizeof info.command) != NULL);
    }
}

/// Read one chunk in memory of exactly its length; its front says itself how much of it is used.
static void read_chunk(rns_record_reader_t* reader, fuzz_input_t* input)
{
    const size_t left = (size_t)(input->end - input->next);
    const size_t wanted = fuzz_pair(input) % ROOM;
    const size_t bytes = wanted < left ? wanted : left;
    uint64_t* const chunk = malloc(bytes + 8u);
    DEMAND(chunk != NULL);
    const size_t there = (size_t)(input->end - input->next);
    const size_t copied = bytes < there ? bytes : there;
    memset(chunk, 0, bytes + 8u);
    memcpy(chunk, input->next, copied);
    input->next += copied;
    uint64_t* const exact = realloc(chunk, copied > 0 ? copied : 1u);
    DEMAND(exact != NULL);
    const bool is_whole = rns_record_read_chunk(reader, exact, copied);
    DEMAND(copied >= sizeof(rns_record_chunk_t) || !is_whole);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size)
{
    if (frames == NULL) {
        frames = malloc(RNS_TRACE_SITES_MAX * DEPTH * sizeof *frames);
        DEMAND(frames != NULL);
    }
    check_info(data, size);
    rns_event_t* const event = malloc(EVENTS * sizeof *event);
    rns_record_module_t* const module = malloc(MODULES * sizeof *module);
    DEMAND(event != NULL && module != NULL);
    for (uint32_t i = 0; i < EVENTS; ++i) {
        event[i] = (rns_event_t){.op = RNS_RECORD_MISSING};
    }
    rns_record_reader_t reader = {.event = event,
                                  .event_capacity = EVENTS,
                                  .frame = frames,
                                  .depth = DEPTH,
                                  .module = module,
                                  .module_capacity = MODULES};
    fuzz_input_t input = {data, data + size};
    for (uint32_t i = 0; i < CHUNKS_MAX && input.next < input.end; ++i) {
        read_chunk(&reader, &input);
    }
    uint64_t filled = 0;
    uint64_t voids = 0;
    for (uint32_t i = 0; i < EVENTS; ++i) {
        filled += event[i].op != RNS_RECORD_MISSING;
        voids += event[i].op == RNS_RECORD_VOID_OP;
        DEMAND(event[i].site < RNS_TRACE_SITES_MAX);
    }
    DEMAND(filled == reader.event_count && voids == reader.void_count);
    DEMAND(reader.module_count <= MODULES);
    for (uint32_t i = 0; i < reader.module_count; ++i) {
        DEMAND(memchr(module[i].path, 0, sizeof module[i].path) != NULL);
    }
    free(event);
    free(module);
    return 0;
}
