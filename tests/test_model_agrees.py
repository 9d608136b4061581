"""Pool and replay against tests/model.py: whatever is done to both, they tell the same."""

from collections import Counter

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from model import ALIGN_BYTES, Place, PoolModel, broken_identities, disagreements

from pyrns_pool import errors
from pyrns_pool._native import none
from pyrns_pool._native_pool import NativePool
from pyrns_pool.config import FALLBACKS, POLICIES, PoolConfig, Tier
from pyrns_pool.pool import Pool
from pyrns_pool.replay import replay
from pyrns_pool.trace import OP_ALLOC, OP_FREE, Trace

STATUS_OF = {
    errors.PoolExhausted: "MISS_EXHAUSTED",
    errors.TooLarge: "MISS_OVERSIZE",
    errors.ForeignPointer: "MISUSE_FOREIGN",
    errors.OutOfRangePointer: "MISUSE_OUT_OF_RANGE",
    errors.InteriorPointer: "MISUSE_INTERIOR",
    errors.MisalignedPointer: "MISUSE_MISALIGNED",
    errors.DoubleGive: "MISUSE_DOUBLE_GIVE",
}


def storage_of(native):
    """Return where the slots start, and the length of what the pool lies in."""
    address = int(native.ffi.cast("uintptr_t", native._memory))
    return address + -address % ALIGN_BYTES, native.storage_bytes


class AtomicPool:
    """The thread-safe build, as a user calls it."""

    knows_foreign = True

    def __init__(self, config):
        self.told = []
        self.pool = Pool(config, on_low_water=lambda *event: self.told.append(event))
        self.storage = storage_of(self.pool._native)
        for name in ("stats", "check", "live", "log_line", "reset_window", "close"):
            setattr(self, name, getattr(self.pool, name))

    def take(self, size, priority):
        try:
            slot = self.pool.take(size, priority=priority)
        except errors.PoolError as error:
            return STATUS_OF[type(error)]
        return slot.tier_index, slot.address

    def give(self, address):
        try:
            self.pool.give(address)
        except errors.PoolError as error:
            return STATUS_OF[type(error)]
        return "OK"


@none.ffi.def_extern()
def pyrns_notify(context, tier_index, free_count, low):
    none.ffi.from_handle(context).append((tier_index, free_count, low))


@none.ffi.def_extern()
def pyrns_visit(context, tier_index, slot_index, slot):
    address = int(none.ffi.cast("uintptr_t", slot))
    none.ffi.from_handle(context).append((tier_index, slot_index, address))


@none.ffi.def_extern()
def pyrns_write(context, text, text_bytes):
    none.ffi.from_handle(context).append(none.ffi.unpack(text, text_bytes))


class UnsynchronisedPool:
    """The build that replay uses, called directly."""

    knows_foreign = False  # free() would be given what is not its own; Pool prevents that.

    def __init__(self, config):
        self.told = []
        self.handle = none.ffi.new_handle(self.told)
        self.native = NativePool(none, config, self.handle)
        self.storage = storage_of(self.native)
        self.stats, self.check = self.native.stats, self.native.check

    def take(self, size, priority):
        lib, ffi = none
        out = ffi.new("void **")
        status = lib.rns_pool_take(self.native.pool, size, int(priority), out)
        if status != lib.RNS_OK:
            assert out[0] == ffi.NULL
            return ffi.string(lib.rns_status_name(status)).decode()
        tier_index, _ = self._locate(out[0])
        return tier_index, int(ffi.cast("uintptr_t", out[0]))

    def _locate(self, slot):
        place = none.ffi.new("uint32_t[2]")
        status = none.lib.rns_pool_locate(self.native.pool, slot, place, place + 1)
        assert (
            (status == none.lib.RNS_OK) == (place[0] != 2**32 - 1) == (place[1] != 2**32 - 1)
        )
        return (None, None) if status != none.lib.RNS_OK else tuple(place)

    def give(self, address):
        lib, ffi = none
        status = lib.rns_pool_give(self.native.pool, ffi.cast("void *", address))
        return ffi.string(lib.rns_status_name(status)).decode()

    def reset_window(self):
        none.lib.rns_pool_reset_window(self.native.pool)

    def live(self):
        found = []
        handle = none.ffi.new_handle(found)
        none.lib.rns_pool_each_live(self.native.pool, none.lib.pyrns_visit, handle)
        return found

    def log_line(self):
        pieces = []
        handle = none.ffi.new_handle(pieces)
        sink = {"write": none.lib.pyrns_write, "context": handle}
        none.lib.rns_pool_log(self.native.pool, sink)
        text = b"".join(pieces).decode()
        assert text.endswith("\n")
        return text[:-1]

    def close(self):
        self.native = None


@st.composite
def tiers(draw, slot_bytes):
    count = draw(st.integers(1, 4) | st.sampled_from([31, 32, 33, 70]))
    low_water = draw(st.integers(0, count))
    return Tier(
        slot_bytes,
        count,
        reserve_count=draw(st.just(0) | st.integers(0, min(count, 3))),
        low_water_count=low_water,
        hysteresis_count=draw(st.integers(0, min(count - low_water, 2))),
        region=draw(st.integers(0, 3)),
    )


@st.composite
def configs(draw):
    sizes = sorted(draw(st.lists(st.integers(1, 100), min_size=1, max_size=5, unique=True)))
    return PoolConfig(
        tuple(draw(tiers(slot_bytes)) for slot_bytes in sizes),
        draw(st.sampled_from(POLICIES)),
        draw(st.sampled_from(FALLBACKS)),
    )


class Machine(RuleBasedStateMachine):
    """Does the same to a pool and to its model."""

    build = AtomicPool
    seen = Counter()

    @initialize(config=configs())
    def begin(self, config):
        self.pool = self.build(config)
        self.model = PoolModel(config, *self.pool.storage)
        self.fallback = []  # Addresses of live blocks.
        self.freed = []  # Addresses of blocks that the fallback took back.
        self.seen[config.policy] += 1
        self.seen["tiers of more than 32 slots"] += any(t.slot_count > 32 for t in config.tiers)

    def teardown(self):
        if hasattr(self, "pool"):
            self.seen["low"] += sum(low for _, _, low in self.pool.told)
            self.seen["recovered"] += sum(not low for _, _, low in self.pool.told)
            for address in self.fallback:
                self.pool.give(address)
            self.pool.close()

    def take_both(self, size, priority):
        found = self.pool.take(size, priority)
        expected = self.model.take(size, priority)
        if not isinstance(expected, Place):
            assert found == expected
            self.seen[expected] += 1
        elif expected.tier is None:
            assert found[0] is None
            self.fallback.append(found[1])
            self.seen["fallback"] += 1
        else:
            assert found == (expected.tier, expected.address)
            home = self.model.home(size) == expected.tier
            self.seen["hit" if home else "spill"] += 1

    def give_both(self, address):
        status = self.pool.give(address)
        assert status == self.model.give(address)
        self.seen[status] += 1

    def size_near(self, data):
        edges = [tier.slot_bytes + more for tier in self.model.config.tiers for more in (0, 1)]
        # What malloc() answers between these and the small sizes depends on the machine.
        huge = [2**63, 2**64 - 1]
        if self.model.config.fallback == "none":
            huge += [2**32 - 1, 2**32, 2**36]
        return data.draw(st.integers(0, 101) | st.sampled_from(edges) | st.sampled_from(huge))

    @rule(data=st.data(), priority=st.booleans())
    def take(self, data, priority):
        self.take_both(self.size_near(data), priority)

    @rule(data=st.data(), priority=st.booleans(), count=st.integers(2, 40))
    def take_many(self, data, priority, count):
        tier = data.draw(st.sampled_from(self.model.config.tiers))
        for _ in range(count):
            self.take_both(tier.slot_bytes, priority)

    @precondition(lambda self: self.model.live())
    @rule(data=st.data())
    def give_one(self, data):
        _, _, address = data.draw(st.sampled_from(self.model.live()))
        self.give_both(address)

    @precondition(lambda self: self.model.live())
    @rule(step=st.integers(1, 4))
    def give_many(self, step):
        for _, _, address in self.model.live()[::step]:
            self.give_both(address)

    @precondition(lambda self: self.fallback)
    @rule(data=st.data())
    def give_to_the_fallback(self, data):
        address = self.fallback.pop(data.draw(st.integers(0, len(self.fallback) - 1)))
        assert self.pool.give(address) == "OK"
        self.model.give_fallback()
        self.freed.append(address)

    @rule(data=st.data(), offset=st.integers(0, 112) | st.sampled_from(range(0, 112, 16)))
    def give_what_may_be_wrong(self, data, offset):
        """Any place from the start of any slot on: live, free, inside, misaligned, beyond."""
        tier = data.draw(st.sampled_from(self.model.tiers))
        index = data.draw(st.integers(0, tier.tier.slot_count - 1))
        self.give_wrong(tier.start + index * tier.stride + offset)

    @rule(offset=st.integers(1, 48))
    def give_what_is_at_an_end_of_the_storage(self, offset):
        start, storage_bytes = self.pool.storage
        self.give_wrong(start + storage_bytes - offset)
        self.give_wrong(start + storage_bytes + offset - 1)
        self.give_wrong(start - offset)

    @rule(data=st.data())
    def give_what_is_foreign(self, data):
        address = data.draw(
            st.sampled_from([0, 1, 16, 2**47, 2**64 - 16, 2**64 - 1, *self.freed])
        )
        self.give_wrong(address)

    def give_wrong(self, address):
        if address in self.fallback:
            return
        start, storage_bytes = self.pool.storage
        is_foreign = not start <= address < start + storage_bytes
        if not is_foreign or self.pool.knows_foreign or not self.fallback:
            self.give_both(address)

    @rule()
    def reset_window(self):
        self.pool.reset_window()
        self.model.reset_window()

    @invariant()
    def they_agree(self):
        self.seen["steps"] += 1
        self.pool.check()
        stats = self.pool.stats()
        assert stats == self.model.stats()
        assert broken_identities(stats) == []
        assert self.pool.live() == self.model.live()
        assert self.pool.log_line() == self.model.log_line()
        assert self.pool.told == self.model.told


MACHINE_SETTINGS = settings(
    max_examples=150,
    stateful_step_count=40,
    derandomize=True,
    database=None,
    deadline=None,
)
ALL_THAT_CAN_HAPPEN = (
    ["hit", "spill", "fallback", "MISS_EXHAUSTED", "MISS_OVERSIZE", "OK", "low", "recovered"]
    + [status for status in STATUS_OF.values() if status.startswith("MISUSE")]
    + ["tiers of more than 32 slots", *POLICIES]
)


@pytest.mark.parametrize("build", [AtomicPool, UnsynchronisedPool])
def test_a_pool_tells_after_every_step_what_the_model_tells(build):
    class ThisMachine(Machine):
        seen = Counter()

    ThisMachine.build = build
    run_state_machine_as_test(ThisMachine, settings=MACHINE_SETTINGS)
    seen = ThisMachine.seen
    print(", ".join(f"{count} {name}" for name, count in seen.items()))
    assert seen["steps"] > 4000
    assert [name for name in ALL_THAT_CAN_HAPPEN if seen[name] < 10] == []


SITES = ("app:a", "app:b", "lib:c")
steps = st.tuples(
    st.just(0) | st.integers(0, 50) | st.integers(0, 2**40),  # time since the step before
    st.integers(0, 70) | st.sampled_from([0, 8, 9, 24, 25, 64, 65, 5000]),  # size
    st.integers(0, len(SITES) - 1),
    st.integers(0, 3) | st.just(65535),  # thread
    st.none() | st.integers(0, 100),  # which live block to free
)


@st.composite
def traces(draw):
    """Draw a valid trace: frees in any order and from any thread, ids that come again."""
    rows = []
    live = []
    t_ns = draw(st.integers(0, 1000))
    for gap, size, site, thread, freed in draw(st.lists(steps, min_size=1, max_size=80)):
        t_ns += gap
        if freed is not None and live:
            id_ = live.pop(freed % len(live))
            rows.append((t_ns, id_, 0, 0, thread, OP_FREE))
        else:
            id_ = min(set(range(100)) - set(live))
            rows.append((t_ns, id_, size, site, thread, OP_ALLOC))
            live.append(id_)
    columns = zip(("t_ns", "id", "size", "site", "thread", "op"), zip(*rows))
    return Trace.from_events(dict(columns), SITES)


replay_configs = st.builds(
    PoolConfig.parse,
    st.sampled_from(["8x1", "24x3", "8x2,24x2", "8x1,9x1,24x2,64x33", "1x1,64x2", "64x40"]),
    st.sampled_from(POLICIES),
    st.sampled_from(FALLBACKS),
)


@settings(max_examples=300)
@given(traces(), replay_configs, st.sampled_from([1, 2, 7, 2000]))
def test_a_replay_finds_what_the_model_finds(trace, config, bins):
    result = replay(trace, config, bins=bins)
    assert disagreements(result, trace) == {}
    assert broken_identities(result.stats) == []


@settings(max_examples=100)
@given(
    traces(),
    replay_configs,
    st.sampled_from([None, "app:*", "b", "lib:c"]),
    st.none() | st.integers(0, 3),
)
def test_a_replay_of_a_site_or_a_thread_is_the_replay_of_its_blocks_alone(
    trace, config, site, thread
):
    def is_wanted(row):
        names = {None: SITES, "app:*": SITES[:2], "b": SITES[1:2], "lib:c": SITES[2:]}
        return SITES[row["site"]] in names[site] and thread in (None, row["thread"])

    kept = []
    live = set()
    for row in trace.events:
        if row["op"] == OP_ALLOC and is_wanted(row):
            live.add(int(row["id"]))
            kept.append(row)
        elif row["op"] == OP_FREE and int(row["id"]) in live:
            live.remove(int(row["id"]))
            kept.append(row)
    assume(kept)
    columns = {name: [row[name] for row in kept] for name in trace.events.dtype.names}
    alone = Trace.from_events(columns, SITES)
    result = replay(trace.filter(site=site, thread=thread), config, bins=7)
    assert disagreements(result, alone) == {}
    assert result.stats == replay(alone, config, bins=7).stats
