/// @file rns_watch.h
/// A threshold that a device watches: says once when a value has become bad, and once when it is
/// good again.
///
/// Owns: whether its alarm is on.
/// Does not: measure, or keep what it said.
///
/// Two values apart, the *hysteresis*, keep a value that wavers from raising an alarm each time.
///
/// Cost: O(1).  Threads: one.
#ifndef RNS_WATCH_H
#define RNS_WATCH_H

#include "rns_port.h"

typedef struct {
    bool is_above; ///< Bad is at or above `bad`, good below `good`; else bad is below `bad`,
                   ///< and good at or above `good`.
    uint64_t bad;  ///< Raises the alarm.
    uint64_t good; ///< Ends it. Not above `bad` if is_above, else not below.
    bool is_on;    ///< The alarm is raised.
} rns_watch_t;

typedef enum { RNS_WATCH_SAME, RNS_WATCH_RAISED, RNS_WATCH_ENDED } rns_watch_change_t;

/// Look at a value, and tell whether the alarm has changed.
static inline rns_watch_change_t rns_watch_step(rns_watch_t* self, uint64_t value)
{
    const uint64_t limit = self->is_on ? self->good : self->bad;
    const bool is_bad = self->is_above ? value >= limit : value < limit;
    if (is_bad == self->is_on) {
        return RNS_WATCH_SAME;
    }
    self->is_on = is_bad;
    return is_bad ? RNS_WATCH_RAISED : RNS_WATCH_ENDED;
}

#endif
