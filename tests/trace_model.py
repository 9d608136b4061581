"""Slow and obvious: what a trace means, one event at a time, and traces for hypothesis."""

from hypothesis import strategies as st

from pyrns_pool.trace import OP_ALLOC, OP_FREE

TIME_NS_MAX = 2**62 - 1
SIZE_BYTES_MAX = 2**36


class Refused(Exception):
    """The model's refusal: event and field."""


def number_blocks(rows, site_count):
    """Return the block of each event; rows are (t_ns, id, size, site, thread, op)."""
    blocks = []
    live = {}
    before = 0
    count = 0
    for event, (t_ns, id_, size, site, _, op) in enumerate(rows):
        if op not in (OP_ALLOC, OP_FREE):
            raise Refused(event, "op")
        if not before <= t_ns <= TIME_NS_MAX:
            raise Refused(event, "t_ns")
        before = t_ns
        if size > (SIZE_BYTES_MAX if op == OP_ALLOC else 0):
            raise Refused(event, "size")
        if site >= (site_count if op == OP_ALLOC else 1):
            raise Refused(event, "site")
        if (op == OP_ALLOC) == (id_ in live):
            raise Refused(event, "id")
        if op == OP_ALLOC:
            live[id_] = count
            blocks.append(count)
            count += 1
        else:
            blocks.append(live.pop(id_))
    return blocks


def live_curve(rows, blocks):
    """Return (bytes, blocks) live after each event."""
    size_of = {}
    live = set()
    curve = []
    for (_, _, size, _, _, op), block in zip(rows, blocks):
        size_of.setdefault(block, size)
        (live.add if op == OP_ALLOC else live.remove)(block)
        curve.append((sum(size_of[each] for each in live), len(live)))
    return curve


def site_peaks(rows, blocks):
    """Return the largest number of live blocks of each site."""
    site_of = {}
    live = {}
    peaks = {}
    for (_, _, _, site, _, op), block in zip(rows, blocks):
        site = site_of.setdefault(block, site)
        live[site] = live.get(site, 0) + (1 if op == OP_ALLOC else -1)
        peaks[site] = max(peaks.get(site, 0), live[site])
    return peaks


site_names = st.text(
    st.characters(blacklist_categories=("Cc", "Cs")) | st.sampled_from(",:#<> é"), max_size=12
)
ids = st.integers(0, 6) | st.integers(2**64 - 3, 2**64 - 1) | st.integers(0, 2**64 - 1)


@st.composite
def valid_traces(draw):
    """Draw (rows, sites) that break no rule; ids come again, sites may be unused."""
    sites = draw(st.lists(site_names, min_size=1, max_size=5, unique=True))
    rows = []
    live = []
    t_ns = 0
    for _ in range(draw(st.integers(1, 30))):
        t_ns += draw(st.integers(0, 2000) | st.integers(0, 2**50))
        thread = draw(st.integers(0, 3) | st.just(65535))
        if live and draw(st.booleans()):
            id_ = live.pop(draw(st.integers(0, len(live) - 1)))
            rows.append((t_ns, id_, 0, 0, thread, OP_FREE))
            continue
        id_ = draw(ids.filter(lambda id_: id_ not in live))
        size = draw(st.integers(0, 600) | st.integers(0, SIZE_BYTES_MAX))
        site = draw(st.integers(0, len(sites) - 1))
        rows.append((t_ns, id_, size, site, thread, OP_ALLOC))
        live.append(id_)
    return rows, sites


wild_rows = st.lists(
    st.tuples(
        st.sampled_from([0, 1, 2, 2, 2, 3, TIME_NS_MAX, TIME_NS_MAX + 1, -1]),
        st.integers(0, 3),
        st.sampled_from([0, 0, 0, 0, 1, SIZE_BYTES_MAX, SIZE_BYTES_MAX + 1]),
        st.sampled_from([0, 0, 0, 0, 1, 2]),
        st.integers(0, 2),
        st.sampled_from([OP_ALLOC, OP_ALLOC, OP_ALLOC, OP_FREE, OP_FREE, 2]),
    ),
    min_size=1,
    max_size=12,
).map(lambda rows: sorted(rows, key=lambda row: row[0]) if len(rows) % 3 else rows)
