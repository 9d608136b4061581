"""Findings that no site shows alone: groups, copies, growth, tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pyrns_pool.audit import groups as grouping
from pyrns_pool.audit import tables as tabling
from pyrns_pool.audit._audited import LARGE_BYTES, Audited
from pyrns_pool.audit._site import GROWTH_SHARE_MIN, of_all
from pyrns_pool.audit.findings import EFFORTS, PRIORITIES, SEVERITIES, Finding, module_of
from pyrns_pool.audit.groups import Kind, copy_test
from pyrns_pool.audit.tables import Table
from pyrns_pool.trace import OP_ALLOC
from pyrns_pool.words import percent, plural

__all__ = ["copy_findings", "group_findings", "growth_findings", "method", "table_findings"]

GROUP_SHARE_MIN = 0.5
"""Share of a site's freed blocks that must lie in groups which begin at it."""
CONTROL_BYTES_MAX = 48
"""A block of one size, and at most this, may be the control block of another."""
COPY_SHARE_MIN = 0.5
"""Share of a maker's buffers that are as large as live ones, from which it copies."""
COPY_OVER_CHANCE = 2.0
"""That share must be so many times what chance would give."""
MEMBERS_MAX = 3
COUNT_MIN = 30
"""Fewer say nothing."""


def group_findings(audited: Audited) -> list[Finding]:
    """Return one finding for each site at which groups begin."""
    groups = audited.groups
    if groups is None:
        return []
    is_freed = np.zeros(audited.trace.block_count, np.bool_)
    is_freed[audited.trace.blocks[audited.trace.events["op"] != OP_ALLOC]] = True
    freed = audited.per_site(is_freed)
    roots = np.array([kind.sites[0] for kind in groups.kinds] + [-1])
    inside = audited.per_site(roots[groups.kind] == audited.site)
    shapes = _shapes(audited)
    findings = []
    for root in dict.fromkeys(kind.sites[0] for kind in groups.kinds):
        share = float(inside[root] / freed[root])
        if share >= GROUP_SHARE_MIN:
            family = [n for n, kind in enumerate(groups.kinds) if kind.sites[0] == root]
            findings.append(_group_finding(audited, family, shapes[family[0]], share))
    return findings


def _group_finding(
    audited: Audited, family: list[int], shape: list[tuple[int, int]], share: float
) -> Finding:
    groups, trace = audited.groups, audited.trace
    assert groups is not None
    kinds = [groups.kinds[number] for number in family]
    root = kinds[0].sites[0]
    merged = _merged_sizes(audited, family)
    count = sum(kind.count for kind in kinds)
    saved = sum(kind.count * (len(kind.sites) - 1) for kind in kinds)
    replaced = sum(kind.count for kind in kinds if not kind.is_whole)
    text = " + ".join(_bytes(low, high) for low, high in shape)
    problem = f"{count:,} times {len(shape)} blocks are allocated back to back and freed back to"
    problem += f" back: {text} bytes."
    if replaced:
        problem += f" In {replaced:,} of them the block in the middle was replaced before the end."
    problem += f" That is {percent(share)} of what the site freed."
    advice = (
        f"Make it one block; it saves {of_all(saved, audited)} (exact). {_homes(audited, merged)}"
    )
    return Finding(
        where=trace.sites[root],
        module=module_of(trace.sites[root]),
        pattern=_pattern_of(kinds[0], shape),
        count=count,
        size_min_bytes=int(merged.min()),
        size_max_bytes=int(merged.max()),
        frequency=audited.frequency[root],
        region=audited.region(root),
        severity="medium",
        effort="trivial" if all(low == high for low, high in shape) else "low",
        problem=problem,
        recommendation=advice,
        evidence={
            "groups": count,
            "groups_with_replaced_block": replaced,
            "group_share": share,
            "allocations_saved": saved,
            "members": len(shape),
            "member_bytes": text,
        },
        also=_others(audited, root, kinds),
        symbol=trace.sites[root].partition(":")[2],
    )


def _merged_sizes(audited: Audited, family: list[int]) -> NDArray[np.int64]:
    """Return the size that each group would have as one block; whole groups only, if any is."""
    groups, size = audited.groups, audited.trace.block_sizes.astype(np.int64)
    assert groups is not None
    whole = [number for number in family if groups.kinds[number].is_whole]
    inside = np.isin(groups.kind, whole or family)
    first = groups.first[inside]
    merged = np.bincount(first, size[inside], audited.trace.block_count).astype(np.int64)
    sizes: NDArray[np.int64] = merged[np.unique(first)]
    return sizes


def _homes(audited: Audited, merged: NDArray[np.int64]) -> str:
    """Return in which slots of the audited pool blocks of these sizes would lie."""
    tiers = audited.config.tiers
    names = [f"{tier.slot_bytes}-byte slots" for tier in tiers]
    names.append(f"no slots, above {tiers[-1].slot_bytes} bytes")
    counts = np.bincount(audited.home(merged), minlength=len(names)).tolist()
    used = [(name, count) for name, count in zip(names, counts) if count]
    if len(used) == 1:
        return f"As one block, all lie in {used[0][0]} (exact)."
    parts = [f"{percent(count / len(merged))} in {name}" for name, count in used]
    return f"As one block, {', '.join(parts)} (exact)."


def _shapes(audited: Audited) -> list[list[tuple[int, int]]]:
    """Return for each kind of group the smallest and the largest size of each member."""
    groups = audited.groups
    assert groups is not None
    mine = np.flatnonzero(groups.kind >= 0)
    key = groups.kind[mine].astype(np.int64) * MEMBERS_MAX + groups.role[mine]
    order = np.lexsort((audited.trace.block_sizes[mine], key))
    sizes = audited.trace.block_sizes[mine[order]].tolist()
    begins = np.flatnonzero(np.diff(key[order], prepend=-1)).tolist()
    ends = [*begins[1:], len(sizes)]
    ranges = iter((sizes[begin], sizes[end - 1]) for begin, end in zip(begins, ends))
    # Every member of every kind has blocks, so that the ranges come in the order of the members.
    return [[next(ranges) for _ in kind.sites] for kind in groups.kinds]


def _pattern_of(kind: Kind, shape: list[tuple[int, int]]) -> str:
    """Return what a group looks like; its sizes, and whether the sites differ, decide."""
    fixed = [low for low, high in shape if low == high]
    # The last block counts the owners of the first if the same place made it, and it is small.
    is_control = kind.sites[0] == kind.sites[-1] and shape[-1][0] == shape[-1][1]
    is_control &= min(fixed, default=CONTROL_BYTES_MAX + 1) <= CONTROL_BYTES_MAX
    if len(fixed) == len(shape):
        return "object and control block" if is_control else "blocks made together"
    if len(shape) == 3 and len(fixed) == 2 and is_control:
        return "object, buffer and control block"
    return "object and buffer" if fixed else "blocks made together"


def _bytes(low: int, high: int) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _others(audited: Audited, root: int, kinds: list[Kind]) -> tuple[str, ...]:
    others = dict.fromkeys(site for kind in kinds for site in kind.sites if site != root)
    return tuple(audited.trace.sites[site] for site in others)


def copy_findings(audited: Audited) -> list[Finding]:
    """Return one finding for each site whose new buffers are copies of live ones."""
    groups, grown = audited.groups, audited.grown
    if groups is None or grown is None:
        return []
    buffers: dict[int, None] = {}
    for kind, shape in zip(groups.kinds, _shapes(audited)):
        for site, (low, high) in zip(kind.sites, shape):
            if low != high:
                buffers[site] = None
    maker = np.where(groups.first >= 0, audited.site[groups.first], -1)
    maker[grown] = -1
    findings = []
    for buffer_site in buffers:
        for site, test in copy_test(audited.trace, buffer_site, maker).items():
            is_copy = test.share >= max(COPY_SHARE_MIN, COPY_OVER_CHANCE * test.chance)
            if site >= 0 and test.buffers >= COUNT_MIN and is_copy:
                findings.append(_copy_finding(audited, site, buffer_site, maker, test))
    return findings


def _copy_finding(
    audited: Audited,
    site: int,
    buffer_site: int,
    maker: NDArray[np.int64],
    test: grouping.CopyTest,
) -> Finding:
    trace = audited.trace
    mine = trace.block_sizes[(audited.site == buffer_site) & (maker == site)].astype(np.int64)
    mine = mine[mine >= grouping.COPY_SIZE_MIN_BYTES]
    copied = round(test.copies * float(mine.mean()))
    problem = (
        f"{percent(test.share)} of its {test.buffers:,} buffers of {int(mine.min())} bytes or"
        f" more are exactly as large as one of the {grouping.COPY_LIVE} youngest that are live"
        f" ({test.as_one:,}), or as two of them together ({test.as_two:,}). By coincidence it"
        f" would be {percent(test.chance)}: some {test.copies:,} must be copies, each with an"
        " object of its own."
    )
    return Finding(
        where=trace.sites[site],
        module=module_of(trace.sites[site]),
        pattern="copy of a live buffer",
        count=test.buffers,
        size_min_bytes=int(mine.min()),
        size_max_bytes=int(mine.max()),
        frequency=audited.frequency[site],
        region=audited.region(site),
        severity="medium",
        effort="low",
        problem=problem,
        recommendation=(
            "Copy only if somebody else still holds the buffer (its count is above one), and leave"
            f" room for what is appended: up to {test.copies:,} copies of {copied:,} bytes fewer"
            " (estimated: beyond chance)."
        ),
        evidence={
            "buffers": test.buffers,
            "as_one": test.as_one,
            "as_two": test.as_two,
            "share": test.share,
            "chance": test.chance,
            "copies_estimated": test.copies,
            "bytes_estimated": copied,
        },
        also=(trace.sites[buffer_site],),
        symbol=trace.sites[site].partition(":")[2],
    )


def growth_findings(audited: Audited) -> list[Finding]:
    """Return one finding for each site whose blocks grow by being replaced."""
    if audited.grown is None:
        return []
    findings = []
    for row in audited.stats:
        count = int(audited.grown_count[row.index])
        if count < max(COUNT_MIN, GROWTH_SHARE_MIN * row.count):
            continue
        sizes = audited.trace.block_sizes[audited.grown & (audited.site == row.index)]
        findings.append(
            Finding(
                where=row.site,
                module=module_of(row.site),
                pattern="growth by moving",
                count=count,
                size_min_bytes=int(sizes.min()),
                size_max_bytes=int(sizes.max()),
                frequency=audited.frequency[row.index],
                region=audited.region(row.index),
                severity="medium",
                effort="trivial",
                problem=f"{count:,} of {row.count:,} blocks ({percent(count / row.count)}) take"
                " over from a smaller one of the same site, which is freed directly before or"
                " after.",
                recommendation="Reserve the final size at first, or grow by a factor; it"
                f" saves up to {of_all(count, audited)} (exact).",
                evidence={"grown": count, "grown_share": count / row.count},
                symbol=row.site.partition(":")[2],
            )
        )
    return findings


def table_findings(audited: Audited) -> list[Finding]:
    """Return one finding for each table that pins small blocks."""
    return [_table_finding(audited, table) for table in audited.tables if table.held_small]


def _table_finding(audited: Audited, table: Table) -> Finding:
    trace, tier = audited.trace, audited.config.tiers[0]
    each = table.held_small / table.nodes
    slots = table.held_small_peak
    is_full = tier.slot_bytes >= tabling.SMALL_BYTES and slots >= tier.slot_count
    node = _bytes(table.node_bytes_min, table.node_bytes_max)
    entry = table.node_bytes_max + round(table.held_small_bytes / table.nodes)
    problem = (
        f"Up to {plural(table.nodes_peak, 'node')} of {node} bytes stay a second or more. With the"
        f" {table.nodes:,} that were freed went {table.held_small:,} blocks of"
        f" {tabling.SMALL_BYTES} bytes or less, {each:.1f} for each; at most {slots:,} of those"
        " were live at once, and each keeps its slot for as long as the table keeps the entry."
    )
    if is_full:
        problem += f" The {tier.slot_bytes}-byte tier of the audited pool has {tier.slot_count:,}."
    return Finding(
        where=trace.sites[table.site],
        module=module_of(trace.sites[table.site]),
        pattern="table that pins small blocks",
        count=table.held_small,
        size_min_bytes=table.node_bytes_min,
        size_max_bytes=table.node_bytes_max,
        frequency=audited.frequency[table.site],
        region=audited.region(table.site),
        severity="high" if is_full else "medium",
        effort="medium",
        problem=problem,
        recommendation=(
            f"Keep keys and hashes inside the entries of a table of fixed capacity:"
            f" {table.nodes_peak:,} entries of some {entry:,} bytes ({table.nodes_peak * entry:,}"
            f" bytes, from the mean) instead of {table.nodes_peak:,} nodes and {slots:,} small"
            " blocks at the peak (exact)."
        ),
        evidence={
            "nodes_freed": table.nodes,
            "nodes_peak": table.nodes_peak,
            "holds_share": table.holds_share,
            "ends_share": table.ends_share,
            "held_small": table.held_small,
            "held_small_bytes": table.held_small_bytes,
            "held_small_peak": slots,
        },
        also=tuple(trace.sites[site] for site in table.held_sites),
        symbol=trace.sites[table.site].partition(":")[2],
    )


def method(audited: Audited) -> tuple[tuple[str, str], ...]:
    """Return how each number was derived: what, and how."""
    config = audited.config
    severities = ", ".join(f"{name} {value}" for name, value in SEVERITIES.items())
    efforts = ", ".join(f"{name} {value}" for name, value in EFFORTS.items())
    priorities = ", ".join(f"{name} from {least:g}" for name, least in PRIORITIES.items())
    return (
        ("Counts, sizes, live blocks", "Exact, from every event of the trace."),
        (
            "Lifetimes",
            "From allocation to free, by nearest rank; a block that is never freed counts to the"
            " end of the trace.",
        ),
        ("Frequency", audited.rules.thresholds.explained()),
        (
            "Regions",
            "As the rules name them, internal without: a trace does not record where a block lies."
            " Verified: a rule puts the site into PSRAM. Missing: blocks above"
            f" {LARGE_BYTES:,} bytes elsewhere.",
        ),
        (
            "Hit rates",
            f"Replayed: the whole trace through the C pool of {config}, every site at once.",
        ),
        (
            "Slots of its own",
            "Exact: the most blocks of the site that are live at once in each of these sizes. A"
            " strict pool with as many never misses.",
        ),
        (
            "Groups",
            "Two or three blocks that one thread allocates back to back and one thread frees back"
            f" to back, at least {grouping.KIND_COUNT_MIN} times; with a gap of one, where the"
            " block between went earlier. Three count as one group if they make up"
            f" {grouping.TRIPLE_SHARE_MIN:.0%} of the pairs in it. A finding needs"
            f" {GROUP_SHARE_MIN:.0%} of what the site freed. No name is looked at.",
        ),
        (
            "Copies",
            f"Each new buffer of {grouping.COPY_SIZE_MIN_BYTES} bytes or more is held against the"
            f" {grouping.COPY_LIVE} youngest live ones among the {grouping.COPY_BORN} before it."
            " Chance: the same with the size of another buffer of its maker,"
            f" {grouping.COPY_SHIFT} earlier. A finding needs {COPY_SHARE_MIN:.0%}, and"
            f" {COPY_OVER_CHANCE:g} times chance. A trace has no contents, so the number of copies"
            " is an estimate: (share - chance) / (1 - chance) of the buffers.",
        ),
        (
            "Growth",
            "A block whose thread's next event frees a smaller and older one of the same site, or"
            f" whose event before does at the same time (realloc). From {GROWTH_SHARE_MIN:.0%} of"
            " the site.",
        ),
        (
            "Tables",
            f"Blocks kept {tabling.KEPT_NS / 1e9:g} s or more: a table's node is freed right after"
            f" what it holds ({tabling.HOLDS_SHARE_MIN:.0%} of at least {tabling.NODES_MIN}), and"
            f" often ends the run of frees ({tabling.ENDS_SHARE_MIN:.0%}). Blocks that were never"
            " freed are in the nodes at once, but not among those held.",
        ),
        (
            "Severity",
            f"Critical: blocks above {LARGE_BYTES:,} bytes outside of PSRAM. High: per-packet, and"
            " a pool could serve it; or a table whose small blocks alone fill the smallest tier."
            " Medium: several blocks where one would do, copies, growth, other tables. Low: the"
            " rest.",
        ),
        (
            "Risk",
            "Size times frequency. Size: 1 up to 64 bytes, 2 up to 256, 3 up to 1,024, 4 above."
            " Frequency: startup 1, per-destination 2, per-announce and per-link 3, per-transfer"
            " 4, per-packet 5.",
        ),
        (
            "WSJF and priority",
            f"Severity ({severities}) divided by effort ({efforts}); {priorities}. Effort: trivial"
            " to make blocks of fixed sizes one or to reserve; low to change one class (a buffer"
            " behind its header, a copy that is not made), for a pool of one or two tiers, or to"
            " move large blocks; medium for a pool of more tiers or a table. Within a priority:"
            " falling count.",
        ),
    )
