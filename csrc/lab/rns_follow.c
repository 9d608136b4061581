#include "rns_follow.h"

static rns_event_t* place_of(const rns_follow_t* self, uint64_t number)
{
    return &self->window[number & (self->capacity - 1u)];
}

/// Put the event that a chunk holds into the window; return false if it lies behind that.
static bool put(rns_follow_t* self, const rns_follow_chunk_t* chunk)
{
    if (chunk->number < self->due) {
        self->late_count += 1u;
        return true;
    }
    if (chunk->number - self->due >= self->capacity) {
        return false;
    }
    *place_of(self, chunk->number) = chunk->event;
    return true;
}

void rns_follow_begin(rns_follow_t* self)
{
    for (uint64_t i = 0; i < self->capacity; ++i) {
        self->window[i].op = RNS_RECORD_MISSING;
    }
}

rns_follow_chunk_t rns_follow_chunk(void)
{
    return (rns_follow_chunk_t){
        .last = {.used_bytes = sizeof(rns_record_chunk_t), .thread = UINT32_MAX}};
}

bool rns_follow_read(rns_follow_t* self, rns_follow_chunk_t* chunk, const void* bytes,
                     size_t count)
{
    const uint8_t* const first = bytes;
    rns_record_cursor_t cursor = {
        .next = first, .end = first + count, .last = chunk->last, .is_whole = true};
    while (!chunk->has_event || put(self, chunk)) {
        chunk->has_event = rns_record_next(&self->reader, &cursor, &chunk->number, &chunk->event);
        if (!chunk->has_event) {
            break;
        }
    }
    chunk->last = cursor.last;
    chunk->last.used_bytes += (uint32_t)(cursor.next - first);
    return cursor.is_whole;
}

size_t rns_follow_take(rns_follow_t* self, rns_event_t* out, size_t capacity)
{
    size_t count = 0;
    while (count < capacity) {
        rns_event_t* const event = place_of(self, self->due);
        if (event->op == RNS_RECORD_MISSING) {
            break;
        }
        if (event->op == RNS_RECORD_VOID_OP) {
            self->void_count += 1u;
        } else {
            out[count++] = *event;
        }
        event->op = RNS_RECORD_MISSING;
        self->due += 1u;
    }
    return count;
}

void rns_follow_skip(rns_follow_t* self, uint64_t end)
{
    // What lies behind the window was not looked at.
    const uint64_t behind = self->due + self->capacity;
    end = end < behind ? end : behind;
    while (self->due < end && place_of(self, self->due)->op == RNS_RECORD_MISSING) {
        self->due += 1u;
        self->lost_count += 1u;
    }
}
