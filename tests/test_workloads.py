"""Generated traffic: the same bytes for the same seed, close to the recording, and bounded."""

import hashlib
from collections import Counter

import numpy as np
import pytest

import pyrns_pool as rp
from pyrns_pool.errors import ConfigError
from pyrns_pool.packets import DIRECTIONS, TYPES
from pyrns_pool.workloads import node_packets, rtp_stream

SECOND = 10**9
HASHES = {
    # Of the arrays' bytes. Another version of NumPy, or another machine, gives the same.
    "node": "1987e71a807c5c0de3dda1b6ccd6287436a1ad95236687bff273211516c70f98",
    "rtp": "f7f40050d7619ad4b66909f59db36280f23a4a3d08e7b684858937ec28c678fb",
}
SEEDS = range(5)


def sha256(array):
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def arriving(log):
    """Return the packets of a log that arrive, by (type, context): their lengths."""
    rows = log.packets[log.packets["direction"] == DIRECTIONS.index("in")]
    kinds = {}
    for kind, context, length in zip(rows["type"], rows["context"], rows["length"].tolist()):
        kinds.setdefault((TYPES[kind], log.contexts[context]), []).append(length)
    return kinds, rows


@pytest.fixture(scope="module")
def recorded():
    return arriving(rp.load_packets(rp.shipped("reticulum_mtu500_transport.csv.gz")))


def test_a_seed_gives_the_same_packets_everywhere():
    log = node_packets(7, 30, bursts=2)
    packed = log.packets.astype([(n, log.packets.dtype[n]) for n in log.packets.dtype.names])
    assert len(log) == len(packed) > 500
    assert sha256(packed) == HASHES["node"]
    assert sha256(rtp_stream(7, 30, streams=3)) == HASHES["rtp"]


def test_other_seeds_give_other_traffic():
    assert len({sha256(node_packets(seed, 5).packets) for seed in range(20)}) == 20
    assert len({sha256(rtp_stream(seed, 5)) for seed in range(20)}) == 20


@pytest.mark.parametrize("seed", SEEDS)
def test_the_traffic_of_a_node_has_the_shape_of_the_recording(seed, recorded):
    kinds, rows = recorded
    made, made_rows = arriving(node_packets(seed, 240))
    assert set(made) == set(kinds)
    for kind, lengths in kinds.items():
        share, mine = len(lengths) / len(rows), len(made[kind]) / len(made_rows)
        assert abs(share - mine) < 0.08, kind
        if len(lengths) >= 100:
            assert 0.6 < mine / share < 1.6, kind
        assert abs(min(made[kind]) - min(lengths)) <= 64, kind
        assert abs(max(made[kind]) - max(lengths)) <= 64, kind
        assert 0.85 < np.mean(made[kind]) / np.mean(lengths) < 1.2, kind
    for length in (64, 128, 256, 482):
        shares = [float((r["length"] <= length).mean()) for r in (rows, made_rows)]
        assert abs(shares[0] - shares[1]) < 0.09, length
    busiest = [int(np.bincount(r["t_ns"] // SECOND).max()) for r in (rows, made_rows)]
    assert 0.6 < busiest[1] / busiest[0] < 1.4
    print(f"seed {seed}: {len(made_rows):,} packets, recorded {len(rows):,}")


def test_links_are_opened_used_and_closed_and_resources_are_whole():
    kinds, rows = arriving(node_packets(3, 600, announces_per_s=0, packets_per_s=0))
    counts = Counter({kind: len(lengths) for kind, lengths in kinds.items()})
    assert counts["LINKREQUEST", "NONE"] == 70
    assert counts["PROOF", "LRPROOF"] == counts["DATA", "LRRTT"] == 70
    assert 60 < counts["DATA", "LINKCLOSE"] <= 70  # Some end after the log does.
    whole = counts["PROOF", "RESOURCE_PRF"]
    assert whole <= counts["DATA", "RESOURCE_ADV"] <= whole + 10
    assert counts["DATA", "RESOURCE"] > 30 * whole > 10_000
    assert counts["DATA", "RESOURCE_HMU"] > 100


def test_a_burst_is_forty_announces_within_a_second():
    kinds, rows = arriving(node_packets(2, 3600, announces_per_s=0, packets_per_s=0, bursts=9))
    times = np.sort(rows["t_ns"][rows["type"] == TYPES.index("ANNOUNCE")])
    assert len(times) == 9 * 40
    assert np.diff(times.reshape(9, 40)[:, [0, -1]], axis=1).max() < SECOND


@pytest.mark.parametrize(
    "values, text",
    [
        ({"seed": -1}, "seed: -1 is not in 0 to 4294967295"),
        ({"seed": 1.0}, "seed: 1.0 is not in"),
        ({"seed": 1, "duration_s": 0}, "duration_s: 0 is not in 1 to 86400"),
        ({"seed": 1, "links_per_min": 10_001}, "links_per_min: 10001 is not in 0 to 10000"),
        ({"seed": 1, "bursts": True}, "bursts: True is not in"),
        (
            {"seed": 1, "announces_per_s": 0, "packets_per_s": 0, "links_per_min": 0},
            "announces_per_s, packets_per_s and links_per_min: nothing arrives",
        ),
    ],
)
def test_wrong_values_for_a_node_are_refused_by_name(values, text):
    with pytest.raises(ConfigError) as caught:
        node_packets(**values)
    assert str(caught.value).startswith(text)


def test_packets_arrive_in_order_after_they_were_sent_and_none_twice():
    stream = rtp_stream(5, 60, streams=4)
    assert (np.diff(stream["arrival_ns"]) >= 0).all()
    assert ((stream["arrival_ns"] - stream["send_ns"]) > 20_000_000).all()
    assert len(np.unique(stream[["ssrc", "seq"]])) == len(stream)  # No wrap in so few.
    assert len(np.unique(stream["ssrc"])) == 4
    assert stream["size"].min() >= 20 and stream["size"].max() <= 1200


def test_a_narrow_link_delays_then_loses_and_recovers():
    stream = rtp_stream(1)
    seconds = stream["send_ns"] // SECOND
    delay_ms = (stream["arrival_ns"] - stream["send_ns"]) // 1_000_000
    assert delay_ms[seconds < 20].max() < 60 and delay_ms[seconds >= 42].max() < 60
    assert delay_ms[(seconds >= 25) & (seconds < 40)].min() > 400
    bps = np.bincount(seconds, stream["size"] * 8.0)
    assert 0.65e6 < bps[25:39].mean() < 0.71e6 and 0.95e6 < bps[:19].mean() < 1.02e6


def test_without_jitter_loss_and_narrowness_everything_arrives_in_the_order_sent():
    stream = rtp_stream(1, 10, capacity_bps=[(0, 10**9)], jitter_ns=0, loss_per_mille=0)
    assert (np.diff(stream["send_ns"]) >= 0).all()
    assert stream["seq"].tolist() == list(range(len(stream)))
    lossy = rtp_stream(1, 10, capacity_bps=[(0, 10**9)], jitter_ns=0, loss_per_mille=200)
    assert 0.75 < len(lossy) / len(stream) < 0.85
    assert len(rtp_stream(1, 10, loss_per_mille=1000)) == 0
    jittery = rtp_stream(1, 10, jitter_ns=SECOND)
    assert (np.diff(jittery["send_ns"]) < 0).any()


@pytest.mark.parametrize(
    "values, text",
    [
        ({"seed": 1 << 32}, "seed: 4294967296 is not in 0 to 4294967295"),
        ({"seed": 1, "bitrate_bps": 0}, "bitrate_bps: 0 is not in 1 to 1000000000"),
        ({"seed": 1, "loss_per_mille": 1001}, "loss_per_mille: 1001 is not in 0 to 1000"),
        ({"seed": 1, "streams": 65}, "streams: 65 is not in 1 to 64"),
        ({"seed": 1, "capacity_bps": []}, r"capacity_bps: the seconds [] do not ascend from 0"),
        ({"seed": 1, "capacity_bps": [(0, 9), (0, 8)]}, "capacity_bps: the seconds [0, 0] do"),
        ({"seed": 1, "capacity_bps": [(0, 0)]}, "capacity_bps: 0 is not in 1 to 1000000000"),
    ],
)
def test_wrong_values_for_a_stream_are_refused_by_name(values, text):
    with pytest.raises(ConfigError) as caught:
        rtp_stream(**values)
    assert str(caught.value).startswith(text)
