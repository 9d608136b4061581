"""A slow estimator of bandwidth for RTP, written from draft-ietf-rmcat-gcc-02 in floats.

The oracle for csrc/node/rns_rtp_receiver: every step is recomputed from whole lists, and nothing
is tuned. Section numbers are the draft's. Where the draft leaves a choice, the headers in
csrc/node say which one was made; it is repeated here with its source.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import NamedTuple

TRENDLINE, KALMAN = 0, 1
NORMAL, OVERUSE, UNDERUSE = 0, 1, 2
INCREASE, HOLD, DECREASE = 0, 1, 2

TICK_MS = 1000 / 2**18
BURST_MS = 5
CLOSE_MS = 0.05
WINDOW_NS, BUCKETS = 10**9, 100
SIGNALS = {  # 5.5, the table: (state, signal) to state
    (HOLD, OVERUSE): DECREASE,
    (INCREASE, OVERUSE): DECREASE,
    (DECREASE, OVERUSE): DECREASE,
    (HOLD, NORMAL): INCREASE,
    (INCREASE, NORMAL): INCREASE,
    (DECREASE, NORMAL): HOLD,
    (HOLD, UNDERUSE): HOLD,
    (INCREASE, UNDERUSE): HOLD,
    (DECREASE, UNDERUSE): HOLD,
}


class Packet(NamedTuple):
    """What arrives: `send_time` is 24 bits of 2^-18 s."""

    arrival_ns: int
    send_time: int
    ssrc: int
    sequence: int
    payload_bytes: int


class Sent(NamedTuple):
    """A packet with its send time unwrapped."""

    packet: Packet
    ticks: int

    def after(self, other):
        """Return (arrival step, send step) in ms since another packet."""
        arrival_ns = self.packet.arrival_ns - other.packet.arrival_ns
        return arrival_ns / 1e6, (self.ticks - other.ticks) * TICK_MS


@dataclass
class Trendline:
    """The filter of libwebrtc: a line through the accumulated delay, smoothed, of 20 groups."""

    arrivals: list = field(default_factory=list)  # ms since the first group
    smoothed: list = field(default_factory=list)
    delay: float = 0.0

    def add(self, arrival_step, send_step):
        self.delay += arrival_step - send_step
        before = self.smoothed[-1] if self.smoothed else 0.0
        self.smoothed.append(0.9 * before + 0.1 * self.delay)
        self.arrivals.append(arrival_step + (self.arrivals[-1] if self.arrivals else 0.0))
        if len(self.arrivals) < 20:
            return 0.0
        xs, ys = self.arrivals[-20:], self.smoothed[-20:]
        x_mean, y_mean = math.fsum(xs) / 20, math.fsum(ys) / 20
        products = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys))
        squares = math.fsum((x - x_mean) ** 2 for x in xs)
        return 4 * min(len(self.arrivals), 60) * products / squares


@dataclass
class Kalman:
    """The filter of 5.3, with chi = 0.01 and K = 1, times min(groups, 60) as in libwebrtc."""

    m: float = 0.0
    groups: int = 0
    e: float = 0.1
    variance: float = 1.0

    def add(self, arrival_step, send_step):
        z = arrival_step - send_step - self.m
        most = 3 * math.sqrt(self.variance)
        capped = max(-most, min(z, most))
        alpha = (1 - 0.01) ** (30 / 1000 * send_step)
        self.variance = max(alpha * self.variance + (1 - alpha) * capped**2, 1.0)
        gain = (self.e + 1e-3) / (self.variance + self.e + 1e-3)
        self.e = (1 - gain) * (self.e + 1e-3)
        self.m += z * gain
        self.groups += 1
        return min(self.groups, 60) * self.m


@dataclass
class Detector:
    """The over-use detector of 5.4."""

    threshold: float = 12.5
    trend: float = 0.0
    above_ms: float | None = None  # for how long the trend has been above the threshold
    signal: int = NORMAL
    followed: int = 0  # how often another's signal decided against the own one

    def add(self, trend, arrival_step, other=None):
        """Return the signal; where it is a matter of less than CLOSE_MS, an `other` one decides.

        A queue that grows evenly makes one trend like the last, and whether the next is above is
        then a matter of the last bit.
        """
        before, self.trend = self.trend, trend
        margin = abs(abs(trend) - self.threshold)
        if trend > self.threshold:
            margin = min(margin, abs(trend - before))
        if trend > self.threshold:
            self.above_ms = 0.0 if self.above_ms is None else self.above_ms + arrival_step
            lasts = self.above_ms >= 10
            self.signal = OVERUSE if lasts and trend >= before else NORMAL
        else:
            self.above_ms = None
            self.signal = UNDERUSE if trend < -self.threshold else NORMAL
        if abs(trend) - self.threshold <= 15:
            k = 0.00018 if abs(trend) < self.threshold else 0.01
            step = min(arrival_step, 100)  # libwebrtc: with K_u more would overshoot
            self.threshold += step * k * (abs(trend) - self.threshold)
            self.threshold = max(6.0, min(self.threshold, 600.0))
        if other not in (None, self.signal) and margin < CLOSE_MS:
            self.followed += 1
            self.signal = other
        return self.signal


@dataclass
class Rate:
    """The rate control of 5.5 without its additive increase, over a window in buckets."""

    packets: list = field(default_factory=list)
    since_ns: int = 0
    state: int = INCREASE
    estimate: float = 300e3
    updated_ns: int | None = None

    def add(self, now_ns, size):
        start_ns = self._start_ns(now_ns)
        self.packets = [(at_ns, held) for at_ns, held in self.packets if at_ns >= start_ns]
        if not self.packets:
            self.since_ns = now_ns
        self.packets.append((now_ns, size))

    def _start_ns(self, now_ns):
        """Return when the oldest of the buckets began that are held now."""
        width = WINDOW_NS // BUCKETS
        current = (now_ns - self.since_ns) // width
        return self.since_ns + max(0, current - (BUCKETS - 1)) * width

    def incoming(self, now_ns):
        """Return bit/s, or None while it is unknown."""
        start_ns = self._start_ns(now_ns)
        held = [size for at_ns, size in self.packets if at_ns >= start_ns]
        if not held or now_ns - start_ns < WINDOW_NS / 2:
            return None
        return 8e9 * sum(held) / (now_ns - start_ns)

    def update(self, signal, now_ns):
        passed_s = 0.0 if self.updated_ns is None else (now_ns - self.updated_ns) / 1e9
        self.updated_ns = now_ns
        self.state = SIGNALS[self.state, signal]
        incoming = self.incoming(now_ns)
        if incoming is None:
            return
        if self.state == DECREASE:
            self.estimate = 0.85 * incoming
        elif self.state == INCREASE:
            self.estimate *= 1.08 ** min(passed_s, 1.0)
        self.estimate = max(10e3, min(self.estimate, 1.5 * incoming, 30e6))


class Receiver:
    """The whole of section 5, for packets with abs-send-time."""

    def __init__(self, kind=TRENDLINE):
        self.kind = kind
        self.rate = Rate()
        self.group = []
        self.settled = None
        self.groups = self.late = self.duplicates = self.restarts = self.overuses = 0
        self.remb = None
        self._forget()

    def _forget(self):
        self.filter = Kalman() if self.kind == KALMAN else Trendline()
        self.detector = Detector()

    def receive(self, packet, signal=None):
        """Take in a packet; return the REMB that is due then, or None.

        The signal of another receiver decides where the model is close to that one.
        """
        self.other = signal
        seen = [(sent.packet.ssrc, sent.packet.sequence) for sent in self.group[-6:]]
        if (packet.ssrc, packet.sequence) in seen:
            self.duplicates += 1
        else:
            self.rate.add(packet.arrival_ns, packet.payload_bytes)
            self._place(packet)
        return self._remb(packet.arrival_ns)

    def _place(self, packet):
        last = self.group[-1] if self.group else self.settled
        sent = Sent(packet, self._unwrap(packet.send_time, last))
        if last is not None:
            gap_ms, sent_ms = sent.after(last)
            if gap_ms > 2000 or abs(sent_ms) > 3000:
                self.restarts += 1
                self.group, self.settled = [], None
                self._forget()
            elif sent_ms < 0:  # 5.1: ignored by the arrival-time model
                self.late += 1
                return
        if self.group and not self._belongs(sent):
            self._settle(packet.arrival_ns)
        self.group.append(sent)

    @staticmethod
    def _unwrap(send_time, last):
        """Return the tick count nearest to the last one that has these low 24 bits."""
        if last is None:
            return 2**32 + send_time
        base = last.ticks // 2**24 * 2**24
        nearest = [base + turn * 2**24 + send_time for turn in (-1, 0, 1)]
        return min(nearest, key=lambda ticks: abs(ticks - last.ticks))

    def _belongs(self, sent):
        """Tell by the rules of 5.2; the 100 ms are libwebrtc's, the tick is the clock's error."""
        first, last = self.group[0], self.group[-1]
        if sent.ticks - first.ticks <= math.ceil(BURST_MS / TICK_MS):
            return True
        gap_ms, sent_ms = sent.after(last)
        is_nearer = gap_ms - sent_ms < -TICK_MS
        return gap_ms < BURST_MS and is_nearer and sent.after(first)[0] < 100

    def _settle(self, now_ns):
        last, before = self.group[-1], self.settled
        self.group, self.settled = [], last
        self.groups += 1
        if before is None:
            return
        arrival_step, send_step = last.after(before)
        if max(arrival_step, send_step) > 3000:
            self.restarts += 1
            self._forget()
            return
        trend = self.filter.add(arrival_step, send_step)
        signal = self.detector.add(trend, arrival_step, self.other)
        self.overuses += signal == OVERUSE
        self.rate.update(signal, now_ns)

    def _remb(self, now_ns):
        """Section 3: once a second, and at once after a decrease (here, of 3 %)."""
        if self.remb is not None:
            at_ns, sent = self.remb
            if now_ns - at_ns < 10**9 and self.rate.estimate > 0.97 * sent:
                return None
        self.remb = (now_ns, self.rate.estimate)
        return self.rate.estimate
