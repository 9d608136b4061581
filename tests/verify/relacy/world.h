/// @file world.h
/// What the threads of a test under Relacy do, in C, over the core that cells.h is put into.
#ifndef WORLD_H
#define WORLD_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stdbool.h>

#define WORLD_THREADS 3
#define WORLD_SLOTS   4 ///< Most that a world has.

/// Make a pool of so many slots. All cells there will ever be are used once.
void world_begin(int slot_count);

/// Return the index of a slot that was taken, or -1.
int world_take(void);

/// Give a slot; return whether that was right.
bool world_give(int slot);

/// Make a buffer, and a handle of it for each of the threads.
void world_begin_bytes(int slot_count, int thread_count);

/// Return the index of the slot that a thread's handle reads, or -1.
int world_slot(int thread);

/// Drop a thread's handle; return whether that was right.
bool world_drop(int thread);

/// Write to a thread's handle by copying it if need be; return whether that was done.
bool world_write(int thread);

/// Return whether a thread's handle may be written without a copy.
bool world_may_write(int thread);

/// Share a thread's handle, and drop the other again; return whether that was right.
bool world_share(int thread);

/// Give a thread, which has none, a handle of a buffer of its own; return whether there was one.
bool world_make(int thread);

/// Return whether nothing is in use any more and every invariant holds.
bool world_is_sound(void);

#ifdef __cplusplus
}
#endif

#endif
