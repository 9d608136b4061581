"""The RTP receiver in C against the slow model in floats, over streams through a bottleneck."""

import random
import re

import cbuild
import pytest
import rtp_model as model

CORE = "status tier pool pool_init pool_stats table table_init table_check".split()
NODE = "rtp rtp_delay rtp_rate rtp_receiver".split()
DRIVER = [f"tests/c/{name}.c" for name in "rtp_driver rtp_fixture pool_fixture check".split()]
DRIVER += [f"csrc/core/rns_{name}.c" for name in CORE] + [
    f"csrc/node/rns_{name}.c" for name in NODE
]
FILTERS = {"trendline": model.TRENDLINE, "kalman": model.KALMAN}
SLOTS = 6  # RNS_RTP_GROUP_PACKETS

# How near the integers come to the floats. Arrivals enter the regression in steps of 8 us.
TREND_REL, TREND_MS, THRESHOLD_MS, RATE_REL = 1e-3, 0.05, 0.02, 1e-4

MS = 10**6
S = 10**9


class Link:
    """A bottleneck: packets queue in order for `bps`, then take 20 ms and some jitter."""

    def __init__(self, seed, bps, jitter_ms=0.0):
        self.random = random.Random(seed)
        self.bps = bps
        self.jitter_ms = jitter_ms
        self.free_ns = 0

    def carry(self, sent_ns, size):
        """Return when a packet arrives."""
        self.free_ns = max(self.free_ns, sent_ns) + size * 8 * S // self.bps
        late = abs(self.random.gauss(0, self.jitter_ms))
        return self.free_ns + 20 * MS + int(late * MS)


def make_packet(sent_ns, arrival_ns, sequence, size=1000, ssrc=1):
    return model.Packet(
        arrival_ns, sent_ns * 2**18 // S % 2**24, ssrc, sequence % 2**16, size
    )


def paced(link, spacing_ns, seconds, size=1000, start_ns=S, bps_at=None):
    """Return what arrives of packets sent at a constant spacing; `bps_at` changes the link."""
    packets = []
    for i in range(int(seconds * S / spacing_ns)):
        sent_ns = start_ns + i * spacing_ns
        link.bps = bps_at((sent_ns - start_ns) / S) if bps_at else link.bps
        packets.append(make_packet(sent_ns, link.carry(sent_ns, size), i, size))
    return sorted(packets)


@pytest.fixture(scope="module")
def driver(tmp_path_factory):
    return cbuild.build(tmp_path_factory.mktemp("rtp"), DRIVER)


def outage(packets, start_ns, pause_ns):
    """Hold back what arrives in a pause and whatever queues behind it: then 5 packets a ms."""
    out, end_ns, held = [], start_ns + pause_ns, 0
    for packet in packets:
        arrival_ns = packet.arrival_ns
        if arrival_ns >= start_ns:
            free_ns = max(end_ns, out[-1].arrival_ns + MS // 5)
            held += arrival_ns < free_ns
            arrival_ns = max(arrival_ns, free_ns)
        out.append(packet._replace(arrival_ns=arrival_ns))
    print(f"{held} packets held back")
    assert held > 20
    return out


def disordered(packets, seed, lost=0.0, late=0.0, doubled=0.0):
    """Return the packets with these parts of them lost, up to 90 ms late, or there twice."""
    draw, out = random.Random(seed), []
    for packet in packets:
        if draw.random() < lost:
            continue
        delay_ns = draw.randrange(90 * MS) if draw.random() < late else 0
        out.append(packet._replace(arrival_ns=packet.arrival_ns + delay_ns))
        if draw.random() < doubled:
            out.append(out[-1]._replace(arrival_ns=out[-1].arrival_ns + MS // 2))
    return sorted(out)


def closed_loop(kind, seconds, bps_at):
    """Return what arrives of a sender that sends what the model's last REMB said."""
    link, receiver = Link(11, 10**6, 0.2), model.Receiver(kind)
    packets, sent_ns, arrival_ns, target_bps = [], S, 0, 300e3
    while sent_ns < S + seconds * S:
        link.bps = bps_at((sent_ns - S) / S)
        arrival_ns = max(arrival_ns, link.carry(sent_ns, 600))
        packets.append(make_packet(sent_ns, arrival_ns, len(packets), 600))
        target_bps = receiver.receive(packets[-1]) or target_bps
        sent_ns += int(600 * 8 * S / target_bps)
    return packets


class Agreement:
    """A stream through both receivers: the packets, what C printed, and the model at its end."""

    def __init__(self, driver, tmp_path, packets, kind, slots=SLOTS):
        self.packets = packets
        self.kind = kind
        stream = tmp_path / "packets.csv"
        stream.write_text("".join(",".join(map(str, packet)) + "\n" for packet in packets))
        *self.lines, last = cbuild.run(driver, kind, slots, stream).splitlines()
        assert len(self.lines) == len(packets) > 0
        self.counts = {name: int(n) for name, n in re.findall(r"(\w+) (\d+)", last)}
        self.states = [int(line.split()[2]) for line in self.lines]
        self.estimates = [int(line.split()[6]) for line in self.lines]

    def check(self):
        """Compare both after every packet; return the model."""
        receiver = model.Receiver(self.kind)
        for packet, line in zip(self.packets, self.lines):
            status, *numbers = line.split()
            signal, state, trend, threshold, incoming, estimate, remb, in_use, groups = map(
                int, numbers
            )
            due = receiver.receive(packet, signal)
            detector, rate = receiver.detector, receiver.rate
            assert (status, signal, state) == ("OK", detector.signal, rate.state)
            assert groups == receiver.groups and in_use <= SLOTS
            assert trend / 1e6 == pytest.approx(detector.trend, rel=TREND_REL, abs=TREND_MS)
            assert threshold / 1e6 == pytest.approx(detector.threshold, abs=THRESHOLD_MS)
            assert incoming == pytest.approx(rate.incoming(packet.arrival_ns) or 0, rel=RATE_REL)
            assert estimate == pytest.approx(rate.estimate, rel=RATE_REL, abs=1)
            assert remb == pytest.approx(due or 0, rel=RATE_REL, abs=1)
        for name in "groups late duplicates restarts overuses".split():
            assert self.counts[name] == getattr(receiver, name), name
        print(f"{self.counts}, followed {receiver.detector.followed}")
        assert receiver.detector.followed <= receiver.groups / 50
        return receiver


@pytest.fixture(params=FILTERS)
def kind(request):
    return FILTERS[request.param]


def test_every_spacing_from_1_to_100_ms_agrees_and_raises_the_estimate(driver, tmp_path, kind):
    packets = 0
    for spacing_ms in range(1, 101):
        agreement = Agreement(driver, tmp_path, paced(Link(1, 10**8), spacing_ms * MS, 5), kind)
        receiver = agreement.check()
        packets += agreement.counts["packets"]
        assert agreement.counts["exhausted"] == receiver.overuses == 0
        incoming = 8e6 / spacing_ms
        assert receiver.rate.estimate > min(300e3, 1.3 * incoming)
    print(f"{packets} packets")
    assert packets > 25_000


@pytest.mark.parametrize("spacing_ms", [120, 250, 450])
def test_groups_far_apart_agree(driver, tmp_path, kind, spacing_ms):
    packets = paced(Link(4, 10**7, 20.0), spacing_ms * MS, spacing_ms / 4)
    agreement = Agreement(driver, tmp_path, packets, kind)
    agreement.check()
    thresholds = {line.split()[4] for line in agreement.lines}
    print(f"{len(thresholds)} thresholds")
    assert len(thresholds) > 40


def test_congestion_is_found_and_the_rate_falls_below_what_comes_in(driver, tmp_path, kind):
    def capacity(second):
        return 2_000_000 if second < 5 else 700_000

    agreement = Agreement(driver, tmp_path, paced(Link(3, 1), 10 * MS, 10, bps_at=capacity), kind)
    receiver = agreement.check()
    end = next(i for i, packet in enumerate(agreement.packets) if packet.arrival_ns > 5.9 * S)
    before, after = agreement.estimates[:end], agreement.estimates[end:]
    print(f"{before[-1]} bit/s before, {min(after)} at least after")
    assert model.DECREASE not in agreement.states[:end]
    assert before[-1] > 400_000
    assert receiver.overuses > 10
    assert agreement.states.count(model.DECREASE) > 10
    assert agreement.states.count(model.HOLD) > 0
    assert min(after) < 0.86 * 705_000


def test_a_sender_that_obeys_finds_the_capacity_after_it_fell_and_rose(driver, tmp_path, kind):
    def capacity(second):
        return 300_000 if 30 <= second < 60 else 1_000_000

    packets = closed_loop(kind, 100, capacity)
    agreement = Agreement(driver, tmp_path, packets, kind)
    receiver = agreement.check()
    seconds = [(packet.arrival_ns - S) / S for packet in packets]

    def mean(first, end):
        chosen = [e for at, e in zip(seconds, agreement.estimates) if first <= at < end]
        return sum(chosen) / len(chosen)

    means = mean(20, 30), mean(45, 60), mean(90, 100)
    print("mean estimates", *(int(value) for value in means), "overuses", receiver.overuses)
    assert 600_000 < means[0] < 1_100_000
    assert 150_000 < means[1] < 330_000
    assert 600_000 < means[2] < 1_100_000
    assert agreement.states.count(model.INCREASE) > agreement.states.count(model.DECREASE) > 0


def test_the_wrap_of_abs_send_time_changes_nothing(driver, tmp_path, kind):
    link = Link(5, 10**7, 0.5)
    packets = paced(link, 20 * MS, 140, start_ns=60 * S)
    wraps = sum(a.send_time > b.send_time + 2**23 for a, b in zip(packets, packets[1:]))
    receiver = Agreement(driver, tmp_path, packets, kind).check()
    print(f"{wraps} wraps")
    assert wraps >= 3
    assert receiver.restarts == receiver.late == receiver.overuses == 0


@pytest.mark.parametrize("spacing_ms", [2, 10, 30])
def test_loss_disorder_and_doubled_packets_agree(driver, tmp_path, kind, spacing_ms):
    packets = paced(Link(6, 10**7, 1.0), spacing_ms * MS, 2000 * spacing_ms / 1000)
    packets = disordered(packets, 7, lost=0.1, late=0.05, doubled=0.05)
    agreement = Agreement(driver, tmp_path, packets, kind)
    agreement.check()
    assert agreement.counts["late"] > 20
    assert agreement.counts["duplicates"] > 20
    assert agreement.counts["exhausted"] == 0


def test_a_burst_after_an_outage_is_one_group_and_no_overuse(driver, tmp_path):
    packets = outage(paced(Link(8, 10**7), 20 * MS, 12), 6 * S, S * 9 // 10)
    agreement = Agreement(driver, tmp_path, packets, model.TRENDLINE)
    receiver = agreement.check()
    assert agreement.counts["beyond"] > 30
    assert agreement.counts["high_water"] == SLOTS
    assert agreement.counts["exhausted"] == 0
    assert receiver.overuses == 0


def test_a_silence_starts_the_delay_filter_anew(driver, tmp_path, kind):
    packets = paced(Link(9, 10**7), 20 * MS, 5)
    packets += paced(Link(9, 10**7), 20 * MS, 5, start_ns=9 * S)
    receiver = Agreement(driver, tmp_path, packets, kind).check()
    assert receiver.restarts == 1
    assert receiver.overuses == 0


def test_one_slot_fewer_misses_and_changes_no_estimate(driver, tmp_path, kind):
    packets = paced(Link(10, 10**7, 0.05), MS, 5, size=200)
    whole = Agreement(driver, tmp_path, packets, kind)
    short = Agreement(driver, tmp_path, packets, kind, slots=SLOTS - 1)
    print(whole.counts, short.counts)
    assert whole.counts["exhausted"] == 0
    assert short.counts["exhausted"] == short.counts["refusals"] > 100
    assert short.counts["missed"] == 0
    assert short.estimates == whole.estimates
