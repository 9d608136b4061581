// For madvise.
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
#define _GNU_SOURCE
#include "rns_recorder.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SPARE_MAX  64u
#define LEAST_ROOM (2 * RNS_RECORD_NOTE_MAX + 4 * RNS_RECORD_BYTES_MAX)

/// What happened with the recording of this process.
typedef enum {
    PHASE_NEW = 0, ///< Also in a child of fork, where the memory is wiped.
    PHASE_OPENING,
    PHASE_READY,
    PHASE_OFF, ///< No folder, or no file could be made in it.
} phase_t;

typedef struct {
    _Atomic(uint32_t) phase;
    uint32_t pid;
    rns_record_file_t* file;
    _Atomic(rns_record_chunk_t*) spare[SPARE_MAX]; ///< Chunks of threads that ended.
    char path[RNS_RECORDER_PATH_CHARS];
    sites_t sites;
} recording_t;

/// What a thread knows. Initial-exec, so that no access to it allocates.
typedef struct {
    rns_record_chunk_t* chunk;
    uint32_t pid; ///< Of the recording that chunk and number belong to; another's after fork.
    uint32_t number;
    bool is_inside; ///< In the middle of a record.
    bool is_own;    ///< What is allocated is the recorder's.
    bool is_ending; ///< Keeps no chunk any more.
    const void* new_caller;
} thread_t;

static _Thread_local thread_t thread __attribute__((tls_model("initial-exec")));
static _Atomic(recording_t*) recording_of_process;
static pthread_key_t end_of_thread;
static bool has_key; // Made by whoever opens the first recording; a child of fork inherits it.
static char folder[RNS_RECORDER_PATH_CHARS]; // Kept, since a program may clear its environment.
static uint32_t depth_wanted;
static uint64_t events_max; // Numbers from here on have no record.

/* ---- Chunks of threads that ended ------------------------------------------------------------
 */

static rns_record_chunk_t* take_spare(recording_t* self)
{
    for (uint32_t i = 0; i < SPARE_MAX; ++i) {
        rns_record_chunk_t* const chunk = atomic_exchange(&self->spare[i], NULL);
        if (chunk != NULL) {
            return chunk;
        }
    }
    return NULL;
}

static void give_spare(recording_t* self, rns_record_chunk_t* chunk)
{
    for (uint32_t i = 0; i < SPARE_MAX; ++i) {
        rns_record_chunk_t* expected = NULL;
        if (atomic_compare_exchange_strong(&self->spare[i], &expected, chunk)) {
            return;
        }
    }
    (void)munmap(chunk, RNS_RECORD_CHUNK_BYTES);
}

/// Pass on the chunk of a thread that ends; what it still allocates borrows one for each event.
static void drop_chunk(void* unused)
{
    (void)unused;
    recording_t* const self = atomic_load(&recording_of_process);
    thread.is_ending = true;
    if (self != NULL && self->pid == thread.pid && thread.chunk != NULL) {
        give_spare(self, thread.chunk);
    }
    thread.chunk = NULL;
}

/* ---- The recording of this process ------------------------------------------------------------
 */

static void read_environment(void)
{
    // At the first allocation, when nobody can change the environment.
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* const wanted = getenv("RNS_RECORD_DIR");
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    const char* const depth = getenv("RNS_RECORD_DEPTH");
    // NOLINTNEXTLINE(concurrency-mt-unsafe)
    const bool is_endless = getenv("RNS_RECORD_ENDLESS") != NULL;
    if (wanted != NULL && strlen(wanted) < sizeof folder - 64) {
        memcpy(folder, wanted, strlen(wanted) + 1);
    }
    const unsigned long number = depth == NULL ? 1 : strtoul(depth, NULL, 10);
    depth_wanted = (uint32_t)(number < 1                      ? 1
                              : number > RNS_RECORD_DEPTH_MAX ? RNS_RECORD_DEPTH_MAX
                                                              : number);
    events_max = is_endless ? UINT64_MAX : RNS_TRACE_EVENTS_MAX;
}

static recording_t* make_recording(void)
{
    recording_t* const made = mmap(NULL, sizeof(recording_t), PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (made == MAP_FAILED) {
        return NULL;
    }
    recording_t* expected = NULL;
    if (madvise(made, sizeof *made, MADV_WIPEONFORK) != 0 ||
        !atomic_compare_exchange_strong(&recording_of_process, &expected, made)) {
        (void)munmap(made, sizeof *made);
        return expected;
    }
    return made;
}

/// Return the recording of this process if it was begun, else NULL.
static recording_t* begun_recording(void)
{
    recording_t* const self = atomic_load_explicit(&recording_of_process, memory_order_acquire);
    const bool is_ready =
        self != NULL && atomic_load_explicit(&self->phase, memory_order_acquire) == PHASE_READY;
    return is_ready ? self : NULL;
}

/// Begin the recording of this process, or wait until another thread has. Return NULL if there is
/// to be none.
RNS_COLD static recording_t* begin_recording(void)
{
    const int error = errno;
    recording_t* self = atomic_load(&recording_of_process);
    uint32_t phase = PHASE_NEW;
    if (folder[0] == '\0') {
        read_environment();
    }
    if (folder[0] == '\0' || (self == NULL && (self = make_recording()) == NULL)) {
        errno = error;
        return NULL;
    }
    if (atomic_compare_exchange_strong(&self->phase, &phase, PHASE_OPENING)) {
        // Here, since constructors of other libraries may allocate before those of this one run.
        has_key = has_key || pthread_key_create(&end_of_thread, drop_chunk) == 0;
        self->file = rns_recorder_make_file(folder, depth_wanted, self->path);
        self->pid = self->file == NULL ? 0 : self->file->pid;
        phase = self->file == NULL ? PHASE_OFF : PHASE_READY;
        atomic_store(&self->phase, phase);
    }
    while (phase == PHASE_OPENING) {
        (void)sched_yield();
        phase = atomic_load(&self->phase);
    }
    errno = error;
    return phase == PHASE_READY ? self : NULL;
}

/* ---- Chunks ----------------------------------------------------------------------------------
 */

static bool has_room(const rns_record_chunk_t* chunk)
{
    return chunk->used_bytes + LEAST_ROOM <= RNS_RECORD_CHUNK_BYTES;
}

/// Return this thread's chunk with room for a record of every kind, or NULL: the event is lost.
static rns_record_chunk_t* chunk_with_room(recording_t* self)
{
    const int error = errno;
    if (thread.pid != self->pid) {
        thread.pid = self->pid;
        thread.chunk = NULL;
        thread.number = atomic_fetch_add(&self->file->thread_count, 1);
        // glibc calls the destructor only where a value is set; it allocates none for early keys.
        if (has_key) {
            (void)pthread_setspecific(end_of_thread, &thread);
        }
    }
    rns_record_chunk_t* chunk = thread.chunk;
    while (chunk == NULL || !has_room(chunk)) {
        if (chunk != NULL) {
            (void)munmap(chunk, RNS_RECORD_CHUNK_BYTES);
        }
        chunk = take_spare(self);
        if (chunk == NULL && (chunk = rns_recorder_make_chunk(self->file, self->path)) == NULL) {
            uint32_t none = 0;
            (void)atomic_compare_exchange_strong(&self->file->error, &none, (uint32_t)errno);
            break;
        }
    }
    thread.chunk = chunk;
    if (chunk != NULL && chunk->thread != thread.number) {
        uint8_t* next = chunk_end(chunk);
        next = rns_record_put(next, RNS_RECORD_THREAD << 2 | RNS_RECORD_OTHER);
        chunk_commit(chunk, rns_record_put(next, thread.number));
        chunk->thread = thread.number;
    }
    errno = error;
    return chunk;
}

/* ---- Events -----------------------------------------------------------------------------------
 */

/// Return the recording in which this thread's events count, NULL if they do not.
static recording_t* recording_for_thread(void)
{
    recording_t* self = thread.is_own ? NULL : begun_recording();
    if (self == NULL && !thread.is_own && !thread.is_inside) {
        thread.is_inside = true; // A signal handler must not wait for what it interrupted.
        atomic_signal_fence(memory_order_seq_cst);
        self = begin_recording();
        atomic_signal_fence(memory_order_seq_cst);
        thread.is_inside = false;
    }
    return self;
}

/// Begin a record: return the chunk to write it to, NULL if it is lost. end_record() is due then.
static rns_record_chunk_t* begin_record(recording_t* self)
{
    if (thread.is_inside) {
        return NULL;
    }
    thread.is_inside = true;
    atomic_signal_fence(memory_order_seq_cst);
    rns_record_chunk_t* chunk = thread.chunk;
    if (thread.pid != self->pid || chunk == NULL || !has_room(chunk)) {
        chunk = chunk_with_room(self);
        thread.is_inside = chunk != NULL;
    }
    return chunk;
}

static void end_record(recording_t* self)
{
    if (thread.is_ending) {
        give_spare(self, thread.chunk);
        thread.chunk = NULL;
    }
    atomic_signal_fence(memory_order_seq_cst);
    thread.is_inside = false;
}

static uint64_t take_number(recording_t* self)
{
    return atomic_fetch_add(&self->file->event_count, 1);
}

static uint8_t* put_event(rns_record_chunk_t* chunk, uint8_t* next, rns_record_op_t op,
                          uint64_t number)
{
    const uint64_t step = rns_record_zigzag(number - chunk->event);
    chunk->event = number;
    return rns_record_put(next, step << 2 | op);
}

static uint8_t* put_block(recording_t* self, rns_record_chunk_t* chunk, uint8_t* next,
                          const void* block)
{
    const int64_t t_ns = rns_recorder_now_ns() - self->file->start_ns;
    const uint64_t address = rns_record_rotate((uintptr_t)block);
    next = rns_record_put(next, rns_record_zigzag((uint64_t)(t_ns - chunk->t_ns)));
    next = rns_record_put(next, rns_record_zigzag(address - chunk->address));
    chunk->t_ns = t_ns;
    chunk->address = address;
    return next;
}

static void write_free(recording_t* self, rns_record_chunk_t* chunk, uint64_t number,
                       const void* block)
{
    if (number < events_max) {
        uint8_t* const next = put_event(chunk, chunk_end(chunk), RNS_RECORD_FREE, number);
        chunk_commit(chunk, put_block(self, chunk, next, block));
    }
}

static void write_alloc(recording_t* self, rns_record_chunk_t* chunk, uint64_t number,
                        const void* block, size_t size_bytes, const void* caller)
{
    if (number < events_max) {
        const void* const asker = thread.new_caller == NULL ? caller : thread.new_caller;
        const uint32_t site = rns_recorder_site(&self->sites, self->file, chunk, asker);
        uint8_t* next = put_event(chunk, chunk_end(chunk), RNS_RECORD_ALLOC, number);
        next = put_block(self, chunk, next, block);
        next = rns_record_put(next, size_bytes);
        chunk_commit(chunk, rns_record_put(next, site));
    }
    thread.new_caller = NULL;
}

void rns_recorder_free(const void* block)
{
    recording_t* const self = block == NULL ? NULL : recording_for_thread();
    if (self == NULL) {
        return;
    }
    rns_record_chunk_t* const chunk = begin_record(self);
    const uint64_t number = take_number(self); // Also of an event that is lost.
    if (chunk != NULL) {
        write_free(self, chunk, number, block);
        end_record(self);
    }
}

void rns_recorder_alloc(const void* block, size_t size_bytes, const void* caller)
{
    recording_t* const self = block == NULL ? NULL : recording_for_thread();
    if (self == NULL) {
        // operator new may leave by an exception; what the recorder itself asks for is no reason.
        thread.new_caller = thread.is_own ? thread.new_caller : NULL;
        return;
    }
    rns_record_chunk_t* const chunk = begin_record(self);
    const uint64_t number = take_number(self);
    if (chunk != NULL) {
        write_alloc(self, chunk, number, block, size_bytes, caller);
        end_record(self);
    }
}

uint64_t rns_recorder_take_number(void)
{
    recording_t* const self = recording_for_thread();
    return self == NULL ? UINT64_MAX : take_number(self);
}

void rns_recorder_realloc(uint64_t number, const void* old, bool old_freed, const void* block,
                          size_t size_bytes, const void* caller)
{
    recording_t* const self = number == UINT64_MAX ? NULL : recording_for_thread();
    if (self == NULL) {
        return;
    }
    rns_record_chunk_t* const chunk = begin_record(self);
    if (chunk != NULL && old_freed) {
        write_free(self, chunk, number, old);
    } else if (chunk != NULL && number < events_max) {
        chunk_commit(chunk, put_event(chunk, chunk_end(chunk), RNS_RECORD_VOID, number));
    }
    const uint64_t next_number = block == NULL ? 0 : take_number(self);
    if (chunk != NULL && block != NULL) {
        write_alloc(self, chunk, next_number, block, size_bytes, caller);
    }
    if (chunk != NULL) {
        end_record(self);
    }
}

bool rns_recorder_begin_new(const void* caller)
{
    if (thread.new_caller != NULL) {
        return false; // operator new[] calls operator new.
    }
    thread.new_caller = caller;
    return true;
}

void rns_recorder_end_new(void)
{
    thread.new_caller = NULL;
}

bool rns_recorder_enter(void)
{
    const bool was_own = thread.is_own;
    thread.is_own = true;
    return !was_own;
}

void rns_recorder_leave(void)
{
    thread.is_own = false;
}

__attribute__((constructor)) static void start(void)
{
    (void)recording_for_thread();
}
