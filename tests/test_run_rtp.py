"""RTP streams through the receiver: the estimate follows the link, and slots are bounded."""

import sys

import numpy as np
import pytest
from model import broken_identities

from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import ConfigError, TraceError
from pyrns_pool.workloads import RTP_DTYPE, rtp_stream, run_rtp
from pyrns_pool.workloads.run_rtp import RTP_FILTERS, RTP_SIGNALS, RTP_STATES
from pyrns_pool.workload_results import WorkloadResult

# The module; the package has a function of that name.
run_module = sys.modules["pyrns_pool.workloads.run_rtp"]

SECOND = 10**9
ENOUGH = PoolConfig.parse("32x6")
OUTCOMES = ("malformed", "rejected", "duplicates", "timeless", "late", "missed", "grouped")


def spaced(spacing_ns, count, size=500):
    """Return packets sent and arriving at equal distances."""
    stream = np.zeros(count, RTP_DTYPE)
    stream["send_ns"] = np.arange(count) * spacing_ns
    stream["arrival_ns"] = stream["send_ns"] + 20_000_000
    stream["seq"] = np.arange(count) % (1 << 16)
    stream["size"], stream["ssrc"] = size, 7
    return stream


@pytest.mark.parametrize("name", RTP_FILTERS)
def test_the_estimate_falls_when_the_link_narrows_and_recovers(name):
    stream = rtp_stream(1)
    result = run_rtp(stream, ENOUGH, filter=name)
    rate, seconds = result.series["rate"], stream["arrival_ns"] // SECOND
    assert len(rate) == len(stream) == result.workload.events
    assert (rate["t_ns"] == stream["arrival_ns"]).all()
    narrow = seconds == 20
    overuse = rate["signal"] == RTP_SIGNALS.index("overuse")
    assert (overuse & narrow).sum() > 20 and not overuse[seconds < 20].any()
    assert (rate["state"][overuse] == RTP_STATES.index("decrease")).all()
    assert rate["estimate_bps"][narrow].min() < 650_000
    assert rate["estimate_bps"][seconds < 20].max() > 1_000_000
    assert rate["estimate_bps"][-1] > 1_300_000
    known = rate["incoming_bps"][(seconds >= 25) & (seconds < 40)].astype(float)
    assert (abs(known / 700_000 - 1) < 0.05).all()
    assert result.counts["overuses"] > 10 and result.counts["rembs"] >= 60


@pytest.mark.parametrize("spacing_ms", [1, 2, 5, 6, 33, 100])
def test_six_slots_never_miss_and_every_slot_comes_back(spacing_ms):
    stream = spaced(spacing_ms * 1_000_000, 3000)
    result = run_rtp(stream, ENOUGH)
    counts, tier = result.counts, result.stats.tiers[0]
    assert broken_identities(result.stats) == []
    assert result.stats.misses == 0 and counts["refusals"] == 0
    assert counts["packets"] == 3000 == sum(counts[name] for name in OUTCOMES)
    assert (counts["takes"], counts["gives"]) == (tier.takes, tier.gives)
    assert tier.high_water == result.timeline.bins["in_use_max"].max() <= 6
    assert (tier.high_water == 6) == (spacing_ms == 1)
    if spacing_ms == 1:
        fewer = run_rtp(stream, PoolConfig.parse("32x5"))
        assert fewer.counts["refusals"] == fewer.stats.misses == fewer.stats.exhausted > 100
        assert fewer.tier_times[0].first_miss_ns == 25_000_000  # The sixth packet.


def test_a_result_is_the_same_again_and_survives_its_file(tmp_path, monkeypatch):
    stream = rtp_stream(4, 20, streams=3)
    told = []
    for name, chunk in (("a", 1 << 16), ("b", 777)):
        monkeypatch.setattr(run_module, "CHUNK_PACKETS", chunk)
        run_rtp(stream, ENOUGH, bins=50, progress=told.append).save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert told[0] == 1.0 and len(told) == 1 + -(-len(stream) // 777)
    loaded = WorkloadResult.load(tmp_path / "a")
    assert loaded.bytes is None and loaded.tables[0].name == "streams"
    assert loaded.tables[0].count == loaded.tables[0].inserts == 3
    assert (loaded.series["rate"]["estimate_bps"] > 0).all()


def test_a_fallback_that_serves_misses_gets_everything_back():
    stream = spaced(1_000_000, 200)
    result = run_rtp(stream, PoolConfig.parse("32x1", fallback="malloc"))
    assert result.stats.fallbacks > 0 and result.counts["refusals"] == 0
    assert result.stats.in_use <= 1


def changed(name, row, value):
    def change(stream):
        stream[name][row] = value
        return stream

    return change


REFUSED = {
    "is no one-dimensional array of RTP_DTYPE": lambda stream: stream["size"],
    "value '0' is not 1 to 67108864 packets (PACKETS_MAX)": lambda stream: stream[:0],
    "event 3: field 'size': value '19' is outside 20 to 65535": changed("size", 3, 19),
    "event 3: field 'size': value '65536' is outside": changed("size", 3, 65536),
    "event 0: field 'send_ns': value '-1' is outside 0 to": changed("send_ns", 0, -1),
    "event 9: field 'arrival_ns': value '18014398509481985'": changed(
        "arrival_ns", 9, (1 << 54) + 1
    ),
    "event 5: field 'arrival_ns': value '0' is earlier than the packet": changed(
        "arrival_ns", 5, 0
    ),
}


@pytest.mark.parametrize("text", REFUSED)
def test_wrong_packets_are_refused_by_row_field_value_and_limit(text):
    with pytest.raises(TraceError) as caught:
        run_rtp(REFUSED[text](spaced(1_000_000, 10)), ENOUGH)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "config, values, text",
    [
        (ENOUGH, {"filter": "median"}, "filter: 'median' is not one of trendline, kalman"),
        (ENOUGH, {"bins": 0}, "bins: 0 is not in 1 to 1000000"),
        (PoolConfig.parse("16x9"), {}, "16x9 strict: refused (CONFIG_SLOT_BYTES)"),
    ],
)
def test_a_pool_or_a_value_that_does_not_fit_is_refused_by_name(config, values, text):
    with pytest.raises(ConfigError) as caught:
        run_rtp(spaced(1_000_000, 10), config, **values)
    assert str(caught.value) == text


def test_the_largest_and_latest_packets_run():
    stream = spaced(1_000_000, 50, size=65535)
    for name in ("arrival_ns", "send_ns"):
        stream[name] += (1 << 54) - int(stream["arrival_ns"][-1])
    result = run_rtp(stream, ENOUGH)
    assert result.counts["grouped"] == 50
