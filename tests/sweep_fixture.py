"""What the tests of sweeps share: a small recording, a packet log, pools, and the slow answer."""

import csv
import json

import pyrns_pool as rp
from pyrns_pool.sweep_results import COUNTS

PACKETS = rp.shipped("reticulum_mtu500_transport.csv.gz")
POOLS = [
    rp.PoolConfig.parse(f"64x{small},512x{large}", policy)
    for small in (4, 16, 40)
    for large in (2, 8)
    for policy in ("strict", "spill")
]


def small_trace(path, events=3000, seed=1):
    """Write a recording of a packet node and return its path."""
    rp.save_trace(rp.packet_node(16_384, events=events, seed=seed), path)
    return path


def short_log(path, packets=1500):
    """Write the first packets of the shipped log and return its path."""
    rows = rp.load_packets(PACKETS)
    names = ("pack", "out", "in"), ("DATA", "ANNOUNCE", "LINKREQUEST", "PROOF")
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["t_s", "dir", "type", "context", "length"])
        for t_ns, length, direction, kind, context in rows.packets[:packets].tolist():
            time = f"{t_ns // 10**9}.{t_ns % 10**9:09d}"
            words = names[0][direction], names[1][kind], rows.contexts[context]
            writer.writerow([time, *words, length])
    return path


def counts(result):
    """Return what a sweep keeps of one result, from the summary that its verb prints."""
    plain = result.to_dict()
    kept = {name: plain[name] for name in COUNTS[:7]}
    marks = [tier["high_water"] * tier["slot_bytes"] for tier in plain["tiers"]]
    copies = plain.get("bytes") or {"cow_copies": 0, "cow_bytes": 0}
    kept.update(high_water_bytes=sum(marks))
    kept.update({name: copies[name] for name in ("cow_copies", "cow_bytes")})
    kept.update(dropped_no_memory=plain.get("counts", {}).get("dropped_no_memory", 0))
    return kept


def journal_lines(path):
    """Return the runs that a journal holds."""
    with open(path) as file:
        return [json.loads(line) for line in file][1:]
