"""What `pyrns-pool info` shows, against counting by hand."""

import collections

import pyrns_pool as rp
from pyrns_pool.trace_info import packet_info, trace_info

NODE = rp.shipped("microreticulum_node_a.npz")


def small_trace():
    columns = {
        "t_ns": [0, 1, 2, 5, 9, 9],
        "op": [0, 0, 0, 1, 0, 1],
        "id": [1, 2, 3, 1, 4, 3],
        "size": [0, 16, 17, 0, 5000, 0],
        "site": [0, 0, 1, 0, 1, 0],
    }
    return rp.Trace.from_events(columns, ["app:a", "app:b"])


def test_size_classes_are_bounded_by_powers_of_two_from_16():
    classes = trace_info(small_trace()).size_classes
    rows = [(c.size_bytes_max, c.requests, c.bytes, c.peak_live_blocks) for c in classes]
    assert rows == [(16, 2, 16, 2), (32, 1, 17, 1), (8192, 1, 5000, 1)]
    assert [c.lifetime_median_ns for c in classes] == [5, 7, -1]


def test_extent_and_flags_are_those_of_the_trace():
    info = trace_info(small_trace(), top=1)
    assert (info.events, info.requests, info.frees, info.never_freed) == (6, 4, 2, 2)
    assert (info.largest_request_bytes, info.sites, info.threads) == (5000, 2, 1)
    assert (info.has_time, info.has_identity, info.has_frees) == (True, True, True)
    assert [site.site for site in info.top_sites] == ["app:b"]


def test_the_classes_of_the_recorded_node_add_up_to_the_trace():
    trace = rp.load_trace(NODE)
    info = trace_info(trace)
    assert sum(row.requests for row in info.size_classes) == info.requests == trace.block_count
    assert sum(row.bytes for row in info.size_classes) == int(trace.block_sizes.sum())
    live, peak = collections.Counter(), collections.Counter()
    sizes = trace.block_sizes.tolist()
    for op, block in zip(trace.events["op"].tolist(), trace.blocks.tolist()):
        bound = max(16, 1 << (sizes[block] - 1).bit_length()) if sizes[block] else 16
        live[bound] += -1 if op else 1
        peak[bound] = max(peak[bound], live[bound])
    assert {row.size_bytes_max: row.peak_live_blocks for row in info.size_classes} == peak


def test_the_kinds_of_a_packet_log_add_up():
    log = rp.load_packets(rp.shipped("reticulum_mtu500_transport.csv.gz"))
    info = packet_info(log)
    assert sum(kind.packets for kind in info.kinds) == info.packets == len(log) == 41_969
    assert sum(kind.bytes for kind in info.kinds) == info.bytes
    assert all(kind.length_min <= kind.length_median <= kind.length_max for kind in info.kinds)
