"""Results of workloads for the tests: small, large, without Bytes, without tables."""

from dataclasses import replace

import numpy as np

import pyrns_pool as rp
from pyrns_pool.stats import TableStats
from pyrns_pool.workload_results import COW_DTYPE
from pyrns_pool.workloads import rtp_stream


def table(name="paths", policy="reject", capacity=8, count=0, high_water=0, **counts):
    """Return a table's statistics; what is not named is 0."""
    names = ("puts", "inserts", "updates", "rejects", "finds", "hits", "removes", "culls")
    zeros = dict.fromkeys((*names, "cull_runs", "overwrites", "expired"), 0)
    return TableStats(name, policy, capacity, count, high_water, **{**zeros, **counts})


TABLES = (
    table("paths", "cull", 2048, 1700, 1844, culls=12_345, cull_runs=45, puts=20_000),
    table("reverse", "reject", 512, 500, 512, rejects=1_234_567, expired=998_877, puts=2_233_944),
    table("hashes", "ring", 4096, 4096, 4096, overwrites=1_000_000, puts=1_004_096),
    table("links", "reject", 32),
)


def packets(count=400, seed=3):
    """Return operations: packets that are shared, written, extended and dropped."""
    packet = rp.Workload()
    whole = packet.create(200)
    reply = packet.share(whole)
    part = packet.slice(whole, 16, 64)
    packet.at(2_000_000)
    packet.write(reply, 0, 16)
    packet.append(part, 10)
    packet.at(60_000_000)
    packet.drop(whole, reply, part)
    rng = np.random.default_rng(seed)
    ops = packet.repeat(np.sort(rng.integers(0, 4_000_000_000, count)))
    made = ops["op"] == rp.Op.CREATE
    ops["length"][made] = rng.integers(20, 600, made.sum())
    return ops


def ops_result(config="64x8,256x12,512x8", policy="spill", tables=TABLES):
    """Return a run of `packets`; the tables are made up, since operations have none."""
    result = rp.run_ops(packets(), rp.PoolConfig.parse(config, policy), bins=700)
    return replace(result, tables=tables)


def extreme_result():
    """Return one with larger counts than any device reaches."""
    result = ops_result()
    cow = np.zeros(len(result.cow), COW_DTYPE)
    cow["copies_avoided"][5], cow["cow_bytes"][-1] = 10**14, 10**12
    counts = replace(
        result.bytes,
        shares=10**10,
        slices=10**9,
        copies_avoided=11 * 10**9,
        tail_appends=10**8,
    )
    counts = replace(
        counts, cow_copies=10**9, cow_bytes=10**12, grows=10**8, compactions=10**9
    )
    full = 1 << 24
    culled = {"culls": 10**9, "cull_runs": 10**7}
    tables = (
        table("a table with a rather long name", "cull", full, full, full, **culled),
        table("$x$", "ring", 1),
    )
    return replace(result, cow=cow, bytes=counts, tables=tables)


def idle_result():
    """Return one in which nothing was shared or refused."""
    idle = rp.Workload()
    idle.at(7)
    idle.drop(idle.create(0))
    return replace(rp.run_ops(idle, rp.PoolConfig.parse("64x1")), tables=(table(capacity=1),))


def pool_only_result():
    """Return one without Bytes and tables."""
    result = ops_result(tables=())
    cow = np.zeros(len(result.cow), COW_DTYPE)
    workload = replace(result.workload, name="rtp", seed=5, provenance={"file": "call.csv"})
    return replace(result, bytes=None, cow=cow, workload=workload, series={})


def rtp_result():
    """Return a run of a stream over a link that narrows for a while."""
    return rp.run_rtp(rtp_stream(1, 40), rp.PoolConfig.parse("32x6"))


def rtp_packet_result():
    """Return a run of one packet that finds no slot."""
    return rp.run_rtp(rtp_stream(1, 1)[:1], rp.PoolConfig((rp.Tier(32, 1, reserve_count=1),)))


RESULTS = {
    "normal": ops_result,
    "extreme": extreme_result,
    "idle": idle_result,
    "pool only": pool_only_result,
    "rtp": rtp_result,
    "one packet": rtp_packet_result,
}
