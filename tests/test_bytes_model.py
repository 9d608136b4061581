"""Random programs over many Bytes of one small pool, beside bytearrays that share nothing."""

import gc

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

import pyrns_pool as rp

TIERS = "16x2,40x2,64x1"
HANDLES_MAX = 12
SEEN = {}

positions = st.integers(-70, 70)
bounds = st.one_of(st.none(), positions)
slices = st.builds(slice, bounds, bounds, st.sampled_from([None, 1, 1, 1, 2, -1, -3]))
contents = st.binary(max_size=70)
picks = st.integers(0, HANDLES_MAX - 1)
byte_values = st.integers(0, 255)


def saw(event):
    SEEN[event] = SEEN.get(event, 0) + 1


class Programs(RuleBasedStateMachine):
    """Each rule does the same to Bytes and to a bytearray; the invariants compare everything."""

    def __init__(self):
        super().__init__()
        self.pool = rp.Store(rp.PoolConfig.parse(TIERS, "spill"))
        self.stores = [
            rp.Store(self.pool, headroom_bytes=8, tag=1),
            rp.Store(self.pool, tailroom_bytes=4, tag=2),
        ]
        self.pairs = []  # of Bytes and bytearray
        self.views = []  # (view, content, storage)
        self.shares = self.slices = 0

    def both(self, pick):
        """Return a pair; a new one if there is none yet."""
        if not self.pairs:
            self.pairs.append((self.stores[0].bytes(), bytearray()))
        return self.pairs[pick % len(self.pairs)]

    def keep(self, b, model):
        if len(self.pairs) == HANDLES_MAX:
            del self.pairs[0]
        self.pairs.append((b, model))

    def attempt(self, change, on):
        """Make a change; where memory or the type refuses it, nothing may have changed."""
        b, model = on
        wanted = bytearray(model)
        try:
            change(wanted)
        except (IndexError, ValueError) as error:
            with pytest.raises(type(error)):
                change(b)
            saw("refused")
            return
        will_copy, copies = b.will_copy, self.copies()
        try:
            change(b)
        except rp.PoolExhausted:
            saw("exhausted")
            return
        except rp.TooLarge:
            assert len(wanted) > 40
            saw("too large")
            return
        model[:] = wanted
        if will_copy:
            saw("written while shared")
        else:
            assert self.copies() == copies

    def copies(self):
        return sum(store.stats().cow_copies for store in self.stores)

    @rule(store=st.integers(0, 1), data=contents)
    def create(self, store, data):
        try:
            b = self.stores[store].bytes(data)
        except rp.PoolError:
            saw("not created")
            return
        self.keep(b, bytearray(data))

    @rule(pick=picks)
    def copy(self, pick):
        b, model = self.both(pick)
        self.shares += bool(model)
        self.keep(b.copy(), bytearray(model))

    @rule(pick=picks, part=slices)
    def slice(self, pick, part):
        b, model = self.both(pick)
        sliced = model[part]
        try:
            made = b[part]
        except rp.PoolError:
            assert part.step not in (None, 1)
            return
        self.slices += bool(sliced) and part.step in (None, 1)
        self.keep(made, sliced)

    @rule(pick=picks, at=st.integers(-1, 70), front=st.booleans())
    def split(self, pick, at, front):
        b, model = self.both(pick)
        if not 0 <= at <= len(model):
            with pytest.raises(IndexError):
                (b.split_to if front else b.split_off)(at)
            return
        self.slices += 0 < at < len(model)
        if front:
            cut, wanted = b.split_to(at), model[:at]
            del model[:at]
        else:
            cut, wanted = b.split_off(at), model[at:]
            del model[at:]
        self.keep(cut, wanted)

    @rule(pick=picks)
    def view(self, pick):
        b, model = self.both(pick)
        self.shares += bool(model)
        self.views.append((b.view(), bytes(model), storage(b)))

    @rule(pick=picks)
    def drop(self, pick):
        if self.pairs:
            del self.pairs[pick % len(self.pairs)]

    @rule()
    def drop_views(self):
        self.views.clear()

    @rule(pick=picks)
    def release(self, pick):
        b = self.both(pick)[0]
        del self.pairs[pick % len(self.pairs)]
        b.release()

    @rule(pick=picks, at=positions, value=byte_values)
    def set_item(self, pick, at, value):
        pair = self.both(pick)
        will_copy, copies = pair[0].will_copy, self.copies()
        self.attempt(lambda x: x.__setitem__(at, value), pair)
        assert self.copies() <= copies + will_copy

    @rule(pick=picks, part=slices, data=contents)
    def set_slice(self, pick, part, data):
        self.attempt(lambda x: x.__setitem__(part, data), self.both(pick))

    @rule(pick=picks, part=slices, other=picks)
    def set_slice_to_bytes(self, pick, part, other):
        data, model = self.both(other)
        pair = self.both(pick)
        self.attempt(lambda x: x.__setitem__(part, data if x is pair[0] else bytes(model)), pair)

    @rule(pick=picks, part=st.one_of(slices, positions))
    def delete(self, pick, part):
        self.attempt(lambda x: x.__delitem__(part), self.both(pick))

    @rule(pick=picks, data=contents)
    def extend(self, pick, data):
        self.attempt(lambda x: x.extend(data), self.both(pick))

    @rule(pick=picks, value=byte_values)
    def append(self, pick, value):
        self.attempt(lambda x: x.append(value), self.both(pick))

    @rule(pick=picks, other=picks)
    def extend_by_bytes(self, pick, other):
        data, model = self.both(other)
        pair = self.both(pick)
        self.attempt(lambda x: x.extend(data if x is pair[0] else bytes(model)), pair)

    @rule(pick=picks, data=st.binary(max_size=12))
    def prepend(self, pick, data):
        b = self.both(pick)[0]
        change = b.prepend
        self.attempt(
            lambda x: change(data) if x is b else x.__setitem__(slice(0, 0), data), self.both(pick)
        )

    @rule(pick=picks, at=positions, value=byte_values)
    def insert(self, pick, at, value):
        self.attempt(lambda x: x.insert(at, value), self.both(pick))

    @rule(pick=picks, at=positions)
    def pop(self, pick, at):
        self.attempt(lambda x: x.pop(at), self.both(pick))

    @rule(pick=picks, value=byte_values)
    def remove(self, pick, value):
        self.attempt(lambda x: x.remove(value), self.both(pick))

    @rule(pick=picks)
    def reverse(self, pick):
        self.attempt(lambda x: x.reverse(), self.both(pick))

    @rule(pick=picks)
    def clear(self, pick):
        self.attempt(lambda x: x.clear(), self.both(pick))

    @rule(pick=picks, times=st.integers(-1, 3))
    def repeat(self, pick, times):
        self.attempt(lambda x: x.__imul__(times), self.both(pick))

    @rule(pick=picks, length=st.integers(0, 70))
    def resize(self, pick, length):
        b, model = self.both(pick)
        wanted = bytes(model[:length]).ljust(length, b"\0")
        self.attempt(
            lambda x: x.resize(length) if x is b else x.__setitem__(slice(None), wanted),
            (b, model),
        )

    @rule(pick=picks, headroom=st.integers(0, 50), tailroom=st.integers(0, 50))
    def reserve(self, pick, headroom, tailroom):
        b, model = self.both(pick)
        try:
            b.reserve(headroom_bytes=headroom, tailroom_bytes=tailroom)
        except rp.PoolError:
            return
        if model or headroom or tailroom:
            assert not b.will_copy and b.headroom >= headroom
            assert b.capacity >= len(model) + tailroom

    @rule(pick=picks)
    def compact(self, pick):
        try:
            self.both(pick)[0].compact()
        except rp.PoolExhausted:
            saw("not compacted")

    @rule(pick=picks, at=st.integers(0, 8), data=st.binary(max_size=8))
    def try_write(self, pick, at, data):
        b, model = self.both(pick)
        requests = self.pool.stats().pool.requests
        try:
            b.try_write(at, data)
        except rp.Shared:
            assert b.will_copy
            saw("shared")
        except IndexError:
            assert at + len(data) > len(model)
        else:
            model[at : at + len(data)] = data
        assert self.pool.stats().pool.requests == requests

    @rule(pick=picks, other=picks)
    def compare(self, pick, other):
        (a, x), (b, y) = self.both(pick), self.both(other)
        assert (a == b, a < b, a <= b, a > b, a >= b) == (x == y, x < y, x <= y, x > y, x >= y)
        assert (b in a, a.find(b), a.startswith(b)) == (y in x, x.find(y), x.startswith(y))

    @invariant()
    def all_content_is_that_of_the_model(self):
        for b, model in self.pairs:
            assert bytes(b) == bytes(model) and len(b) == len(model)
        for view, content, _ in self.views:
            assert view == content

    @invariant()
    def slots_are_in_use_as_long_as_something_has_them(self):
        of_bytes = [storage(b) for b, _ in self.pairs]
        of_views = [buffer for _, _, buffer in self.views]
        sharers = [buffer for buffer in of_bytes + of_views if buffer]
        assert self.pool.stats().pool.in_use == len(set(sharers))
        for (b, _), buffer in zip(self.pairs, of_bytes):
            if buffer:
                assert b.will_copy == (sharers.count(buffer) > 1)

    @invariant()
    def counts_are_exact_and_the_pool_is_sound(self):
        stats = [store.stats() for store in self.stores]
        assert sum(s.shares for s in stats) == self.shares
        assert sum(s.slices for s in stats) == self.slices
        for s in stats:
            assert s.copies_avoided == s.shares + s.slices
        self.pool.check()

    def teardown(self):
        saw("programs")
        saw("with tail appends" if any(s.stats().tail_appends for s in self.stores) else "without")
        self.pairs.clear()
        self.views.clear()
        gc.collect()
        assert self.pool.stats().pool.in_use == 0
        assert self.pool.live() == []
        self.pool.check()


def storage(b):
    """Return what Bytes with the same storage have in common; 0: none."""
    return b._info().buffer


def test_bytes_behave_as_bytearrays_that_share_nothing_whatever_is_done_to_them():
    SEEN.clear()
    run_state_machine_as_test(Programs, settings=settings(max_examples=80, stateful_step_count=50))
    print(SEEN)
    events = ["exhausted", "too large", "refused", "shared", "written while shared"]
    for event in [*events, "not created", "not compacted", "with tail appends"]:
        assert SEEN[event] > 2, event
