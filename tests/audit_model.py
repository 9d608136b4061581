"""Slow, obvious models of what an audit finds in the order of events."""

from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool.audit import groups as fast
from pyrns_pool.audit import tables as fast_tables

SITES = ["app:A::make", "app:A::make2", "app:B::B", "lib.so:f"]


@st.composite
def traces(draw):
    """Draw a trace in which groups, growth and coincidences are frequent."""
    rows, live, clock = [], [], 0
    shapes = [(0, 1, 0), (2, 2), (1, 2), (3,), (1,)]
    for _ in range(draw(st.integers(1, 40))):
        thread, clock = draw(st.integers(0, 1)), clock + draw(st.integers(0, 5))
        action = draw(st.sampled_from(["make", "make", "drop", "drop", "grow"]))
        if action == "make" or not live:
            shape, sizes = draw(st.sampled_from(shapes)), []
            for site in shape:
                size = draw(st.sampled_from([24, 40, 80, 120]))
                sizes.append((len([row for row in rows if row[1] == 0]), site, size))
                rows.append((clock, 0, sizes[-1][0], size, thread, site))
            live.append(sizes)
            continue
        blocks = live[draw(st.integers(0, len(live) - 1))]
        if action == "drop":
            live.remove(blocks)
            # Backwards, as a table is torn down, or in any order.
            for block, _, _ in draw(st.just(blocks[::-1]) | st.permutations(blocks)):
                rows.append((clock, 1, block, 0, thread, 0))
            continue
        block, site, size = blocks.pop(draw(st.integers(0, len(blocks) - 1)))
        new = (len([row for row in rows if row[1] == 0]), site, draw(st.integers(1, 150)))
        pair = [(clock, 0, *new[:1], new[2], thread, site), (clock, 1, block, 0, thread, 0)]
        rows += pair if draw(st.booleans()) else pair[::-1]
        blocks.append(new)
        live = [entry for entry in live if entry]
    names = ("t_ns", "op", "id", "size", "thread", "site")
    columns = {name: [row[i] for row in rows] for i, name in enumerate(names)}
    return rp.Trace.from_events(columns, SITES)


def events_of(trace):
    """Return (t_ns, is_free, block, thread) of each event."""
    events = trace.events
    return list(
        zip(
            events["t_ns"].tolist(),
            (events["op"] == 1).tolist(),
            trace.blocks.tolist(),
            events["thread"].tolist(),
        )
    )


def site_of(trace):
    return trace.events["site"][trace.alloc_rows].tolist()


def model_groups(trace):
    """Return (sites, offsets, blocks) of each group."""
    births, frees, site = {}, {}, site_of(trace)
    place = {}
    for _, is_free, block, thread in events_of(trace):
        place[thread] = place.get(thread, 0) + 1
        if is_free:
            frees[block] = (thread, place[thread])
        else:
            births.setdefault(thread, []).append(block)

    def candidates(offsets):
        for thread in sorted(births):
            mine = births[thread]
            for start in range(len(mine) - offsets[-1]):
                blocks = tuple(mine[start + offset] for offset in offsets)
                freed = [frees.get(block) for block in blocks]
                if None in freed or len({thread for thread, _ in freed}) > 1:
                    continue
                places = sorted(at for _, at in freed)
                if places[-1] - places[0] == len(blocks) - 1:
                    yield blocks

    kinds = {}
    for offsets in ((0, 1), (0, 2), (0, 1, 2)):
        for blocks in candidates(offsets):
            sites = tuple(site[block] for block in blocks)
            kinds.setdefault((sites, offsets), []).append(blocks)

    def is_taken(sites, offsets):
        count = len(kinds[sites, offsets])
        if count < fast.KIND_COUNT_MIN:
            return False
        pairs = [len(kinds.get((pair, (0, 1)), ())) for pair in (sites[:2], sites[1:])]
        pairs = [n for n in pairs if n >= fast.KIND_COUNT_MIN]
        return len(sites) == 2 or count >= fast.TRIPLE_SHARE_MIN * max(pairs, default=0)

    chosen = [key for key in kinds if is_taken(*key)]
    chosen.sort(key=lambda key: (-len(key[0]), key[1], -len(kinds[key]), key[0]))
    used, groups = set(), []
    for sites, offsets in chosen:
        mine, taken = set(), []
        for blocks in kinds[sites, offsets]:
            if not (used | mine).intersection(blocks):
                mine.update(blocks)
                taken.append((sites, offsets, blocks))
        if len(taken) >= fast.KIND_COUNT_MIN:
            used |= mine
            groups += taken
    return groups


def model_growth(trace):
    """Return the blocks that replaced a smaller one of their site."""
    site, size, grown = site_of(trace), trace.block_sizes.tolist(), set()
    last = {}
    for t_ns, is_free, block, thread in events_of(trace):
        before = last.get(thread)
        last[thread] = (t_ns, is_free, block)
        if before is None or before[1] == is_free:
            continue
        new, old = (before[2], block) if is_free else (block, before[2])
        smaller = size[old] < size[new] and site[old] == site[new]
        if smaller and (is_free or before[0] == t_ns):
            grown.add(new)
    return grown


def model_copies(trace, buffer_site, maker):
    """Return (buffers, as one, as two) by maker."""
    site, size, tests = site_of(trace), trace.block_sizes.tolist(), {}
    buffers, live = [], set()
    for _, is_free, block, _ in events_of(trace):
        if site[block] != buffer_site:
            continue
        if is_free:
            live.discard(block)
            continue
        recent = [old for old in buffers[-fast.COPY_BORN :] if old in live][-fast.COPY_LIVE :]
        sizes = [size[old] for old in recent]
        sums = {a + b for i, a in enumerate(sizes) for b in sizes[:i]}
        if size[block] >= fast.COPY_SIZE_MIN_BYTES:
            row = tests.setdefault(int(maker[block]), [0, 0, 0])
            row[0] += 1
            row[1] += size[block] in sizes
            row[2] += size[block] in sums and size[block] not in sizes
        buffers.append(block)
        live.add(block)
    return {key: tuple(row) for key, row in tests.items()}


def model_tables(trace):
    """Return {site: (nodes, holds, ends, held small blocks, their peak)} of the tables."""
    site, size, kept_ns = site_of(trace), trace.block_sizes.tolist(), fast_tables.KEPT_NS
    born, end = {}, trace.events["t_ns"][-1]
    kept = {block for block in range(trace.block_count)}
    for t_ns, is_free, block, _ in events_of(trace):
        if not is_free:
            born[block] = t_ns
        elif t_ns - born[block] < kept_ns:
            kept.discard(block)
    kept = {b for b in kept if b in born and end - born[b] >= kept_ns}
    runs = []
    open_run = {}
    for _, is_free, block, thread in events_of(trace):
        if is_free and block in kept:
            if thread not in open_run:
                open_run[thread] = []
                runs.append(open_run[thread])
            open_run[thread].append(block)
        else:
            open_run.pop(thread, None)
    seen = {}
    for run in runs:
        for i, block in enumerate(run):
            row = seen.setdefault(site[block], [0, 0, 0])
            row[0] += 1
            row[1] += i > 0 and site[run[i - 1]] != site[block]
            row[2] += i == len(run) - 1
    tables = {
        s: row
        for s, row in seen.items()
        if row[0] >= fast_tables.NODES_MIN
        and row[1] >= fast_tables.HOLDS_SHARE_MIN * row[0]
        and row[2] >= fast_tables.ENDS_SHARE_MIN * row[0]
    }
    owner = {}
    for run in runs:
        held = []
        for block in run:
            if site[block] in tables:
                owner.update((other, site[block]) for other in held)
                held = []
            elif size[block] <= fast_tables.SMALL_BYTES:
                held.append(block)
    result = {}
    for s, row in tables.items():
        mine = {block for block, table in owner.items() if table == s}
        live = peak = 0
        for _, is_free, block, _ in events_of(trace):
            live += (block in mine) * (-1 if is_free else 1)
            peak = max(peak, live)
        result[s] = (*row, len(mine), peak)
    return result
