"""Bytes: the manners of bytearray, sharing, and what it refuses."""

import array
import collections.abc
import copy
import operator
import pickle

import numpy as np
import pytest

import pyrns_pool as rp

TEXT = b"the quick brown fox jumps over the lazy dog"


def moved(before, after):
    """Return the counts of sharing and copying that differ."""
    names = ["shares", "slices", "cow_copies", "cow_bytes", "tail_appends", "grows", "compactions"]
    differences = {name: getattr(after, name) - getattr(before, name) for name in names}
    return {name: count for name, count in differences.items() if count}


# ---- The manners of bytearray ----


def test_it_is_a_mutable_sequence(store):
    b = store.bytes(TEXT)
    assert isinstance(b, collections.abc.MutableSequence)
    assert list(b) == list(TEXT) and list(reversed(b)) == list(reversed(TEXT))
    assert len(b) == 43 and b and not store.bytes()


READS = [
    lambda x: x.find(b"o"),
    lambda x: x.find(b"o", 13, -3),
    lambda x: x.find(111),
    lambda x: x.find(b""),
    lambda x: x.rfind(b"o"),
    lambda x: x.rfind(b"o", None, 20),
    lambda x: x.index(b"fox"),
    lambda x: x.rindex(b"the"),
    lambda x: x.count(b"o"),
    lambda x: x.count(b"the", 5),
    lambda x: x.startswith(b"the"),
    lambda x: x.startswith((b"a", bytearray(b"the"))),
    lambda x: x.endswith(b"dog"),
    lambda x: x.endswith((b"cat", b"cow")),
    lambda x: x.startswith(b"quick", 4),
    lambda x: 111 in x,
    lambda x: b"fox" in x,
    lambda x: b"cat" in x,
    lambda x: x.hex(),
    lambda x: x.hex(":"),
    lambda x: x.hex("-", 4),
    lambda x: x[0],
    lambda x: x[-1],
    lambda x: x[np.int64(3)],
    lambda x: bytes(x[4:9]),
    lambda x: bytes(x[::-1]),
    lambda x: bytes(x[40:2:-3]),
    lambda x: bytes(x[50:]),
    lambda x: bytes(x[-5:]),
    lambda x: bytes(x + b"!"),
    lambda x: bytes(b"!" + x),
    lambda x: bytes(x + bytearray(b"!")),
    lambda x: bytes(x * 2),
    lambda x: bytes(0 * x),
    lambda x: int.from_bytes(x[:4], "big"),
]


@pytest.mark.parametrize("read", READS, ids=range(len(READS)))
def test_it_reads_as_bytearray_does(read, store):
    assert read(store.bytes(TEXT)) == read(bytearray(TEXT))


REFUSALS = [
    lambda x: x[43],
    lambda x: x[-44],
    lambda x: x["a"],
    lambda x: x[1.0],
    lambda x: x.index(b"cat"),
    lambda x: x.find("o"),
    lambda x: x.find(256),
    lambda x: "o" in x,
    lambda x: x.startswith("the"),
    lambda x: x + "text",
    lambda x: x + [1],
    lambda x: [1] + x,
    lambda x: x * "2",
    lambda x: x.append(256),
    lambda x: x.append(-1),
    lambda x: x.append("a"),
    lambda x: x.append(b"a"),
    lambda x: x.insert("a", 1),
    lambda x: x.extend("text"),
    lambda x: x.extend(5),
    lambda x: x.extend([256]),
    lambda x: x.remove(0),
    lambda x: x.remove(256),
    lambda x: x.pop(43),
    lambda x: operator.setitem(x, 0, 256),
    lambda x: operator.setitem(x, 0, b"a"),
    lambda x: operator.setitem(x, 43, 1),
    lambda x: operator.setitem(x, slice(0, 4, 2), b"abc"),
    lambda x: operator.setitem(x, slice(0, 4), 5),
    lambda x: operator.setitem(x, slice(0, 4), "text"),
    lambda x: operator.delitem(x, 43),
    lambda x: operator.iadd(x, "text"),
    lambda x: operator.iadd(x, [1]),
    lambda x: hash(x),
    lambda x: x < "text",
    lambda x: x >= 5,
]


@pytest.mark.parametrize("act", REFUSALS, ids=range(len(REFUSALS)))
def test_it_refuses_as_bytearray_does_and_stays_as_it_was(act, store):
    b = store.bytes(TEXT)
    with pytest.raises(Exception) as wanted:
        act(bytearray(TEXT))
    with pytest.raises(wanted.type):
        act(b)
    assert b == TEXT


def test_errors_name_the_value_and_the_limit(store):
    b = store.bytes(b"abc")
    for act, text in [
        (lambda: b[3], "index 3 is out of range for 3 bytes"),
        (lambda: b.append(256), "byte 256 is not in 0 to 255"),
        (lambda: b.resize(-1), "length: -1 is not in 0 to 4294967295"),
        (lambda: b.resize(1 << 32), "length: 4294967296 is not in 0 to 4294967295"),
        (lambda: b.reserve(headroom_bytes=-1), "headroom_bytes: -1 is not in 0 to 4294967295"),
        (lambda: b.split_to(4), "at: 4 is not in 0 to 3"),
        (lambda: b.try_write(2, b"xy"), "2 bytes from 2 on are out of range for 3 bytes"),
        (lambda: b.remove(7), "byte 7 is not in <Bytes of 3: 616263>"),
        (lambda: b + 5, "a bytes-like object is required, not 'int'"),
        (lambda: b["a"], "index: str is neither a whole number nor a slice"),
        (lambda: b * (1 << 40), "3298534883328 bytes: more than 4294967295"),
        (rp.Bytes, "Bytes are made by a Store: store.bytes(data)"),
    ]:
        with pytest.raises(Exception) as caught:
            act()
        assert str(caught.value) == text
    assert b == b"abc"


OTHERS = [bytes, bytearray, memoryview, lambda x: array.array("B", x)]


def test_lengths_and_positions_are_whole_numbers(store):
    b = store.bytes(b"abc")
    same = b.copy()
    for use in [b.resize, b.split_to, b.split_off, lambda x: b.try_write(x, b"x")]:
        for value in (1.5, "1", None):
            with pytest.raises(TypeError):
                use(value)
    for rooms in ({"headroom_bytes": 1.5}, {"tailroom_bytes": "1"}):
        with pytest.raises(TypeError):
            b.reserve(**rooms)
    assert b == same == b"abc"


@pytest.mark.parametrize("other", OTHERS, ids=["bytes", "bytearray", "memoryview", "array"])
def test_it_compares_with_anything_bytes_like_from_either_side(other, store):
    for left in (b"", b"a", b"ab", b"b", b"\xff"):
        for right in (b"", b"a", b"ab", b"b", b"\xff"):
            b = store.bytes(left)
            assert (b == other(right), b != other(right)) == (left == right, left != right)
            assert (other(right) == b) == (left == right)
            assert (b < other(right), b >= other(right)) == (left < right, left >= right)
    assert store.bytes(b"abc")[1:] == store.bytes(b"xbc")[1:]


def test_it_equals_nothing_that_is_not_bytes_like(store):
    b = store.bytes(b"1")
    assert b != "1" and b != 1 and b is not None and b != [49] and "1" != b


def test_content_may_come_from_anything_bytes_like(store):
    made = [store.bytes(other(TEXT)) for other in OTHERS]
    made += [store.bytes(np.frombuffer(TEXT, np.uint8)), store.bytes(made[0])]
    made += [store.bytes(memoryview(TEXT + TEXT)[:43]), store.concat(TEXT[:4], made[0][4:])]
    made.append(store.bytes(memoryview(bytes(b for x in TEXT for b in (x, 0)))[::2]))
    assert all(b == TEXT for b in made) and len(made) == 9
    for refused in ("text", 5, [1], None):
        with pytest.raises(TypeError, match="a bytes-like object is required"):
            store.bytes(refused)


def test_hexadecimal_text_both_ways(store):
    assert store.fromhex("00ff 2E").hex(" ") == "00 ff 2e"
    with pytest.raises(ValueError, match="position 2"):
        store.fromhex("00zz")


def test_its_repr_is_short(store):
    assert repr(store.bytes(b"\0\1")) == "<Bytes of 2: 0001>"
    text = "74686520717569636b2062726f776e20"
    assert repr(store.bytes(TEXT)) == f"<Bytes of 43: {text}...>"


def test_it_extends_what_takes_an_iterable(store):
    items = [1]
    items += store.bytes(b"\2\3")
    assert items == [1, 2, 3]


# ---- Sharing ----


def test_copies_and_slices_take_no_slot_and_copy_nothing(store):
    b = store.bytes(TEXT)
    before = store.stats()
    same = [b.copy(), copy.copy(b), copy.deepcopy(b), b[:], b[4:9], b[4:9][1:]]
    after = store.stats()
    assert moved(before, after) == {"shares": 3, "slices": 4}
    assert after.copies_avoided == 7 and after.pool == before.pool
    assert after.pool.in_use == 1 and all(b.shares_with(x) for x in same)


def test_the_first_to_write_copies_its_own_content_and_the_last_writes_in_place(store):
    b = store.bytes(TEXT)
    part = b[4:9]
    before = store.stats()
    part[0] = 81
    assert moved(before, store.stats()) == {"cow_copies": 1, "cow_bytes": 5}
    b[0] = 84
    assert moved(before, store.stats()) == {"cow_copies": 1, "cow_bytes": 5}
    assert (bytes(part), bytes(b[:9])) == (b"Quick", b"The quick")
    assert not part.shares_with(b)


def test_a_write_is_in_place_as_soon_as_the_others_are_gone(store):
    b = store.bytes(TEXT)
    others = [b[i:] for i in range(5)]
    assert b.will_copy and others[2].will_copy
    others.clear()
    assert not b.will_copy and b.refs == 1
    before = store.stats()
    b[0] = 0
    b += b"!"
    assert moved(before, store.stats()) == {}


def test_an_append_behind_what_others_share_copies_nothing(store):
    b = store.bytes(b"head")
    other = b[:]
    before = store.stats()
    b += b"+"
    assert moved(before, store.stats()) == {"tail_appends": 1} and b.shares_with(other)
    other += b"-"
    assert moved(before, store.stats())["cow_copies"] == 1
    assert (b, other) == (b"head+", b"head-")


def test_a_prepend_into_headroom_is_in_place(store):
    b = store.bytes(TEXT)
    assert b.headroom == 16
    before = store.stats()
    b.prepend(b"0123456789abcdef")
    assert moved(before, store.stats()) == {} and b.headroom == 0
    assert b == b"0123456789abcdef" + TEXT


def test_removing_from_either_end_copies_nothing(store):
    b = store.bytes(TEXT)
    other = b.copy()
    before = store.stats()
    del b[:4]
    del b[-4:]
    assert b.pop() == ord("y") and b.pop(0) == ord("q")
    b.resize(14)
    assert moved(before, store.stats()) == {}
    assert b == TEXT[5:19] and other == TEXT


def test_parts_that_are_split_share_and_count_one_slice(store):
    b = store.bytes(TEXT)
    before = store.stats()
    front = b.split_to(4)
    back = b.split_off(5)
    assert (front, b, back) == (TEXT[:4], TEXT[4:9], TEXT[9:])
    assert moved(before, store.stats()) == {"slices": 2}
    whole = back.split_to(len(back))
    assert (whole, back) == (TEXT[9:], b"")
    assert moved(before, store.stats()) == {"slices": 2}


def test_compact_moves_a_short_slice_out_of_a_long_slot(store):
    packet = store.bytes(bytes(900))
    short = packet[10:26]
    del packet
    assert [live.capacity for live in store.live()] == [1024]
    short.compact()
    assert [live.capacity for live in store.live()] == [64] and short == bytes(16)
    assert store.stats().compactions == 1


def test_reserve_makes_room_in_place(store):
    b = store.bytes(b"x")
    b.reserve(headroom_bytes=100, tailroom_bytes=200)
    assert b.headroom >= 100 and b.capacity >= 201
    before = store.stats()
    b.prepend(bytes(100))
    b += bytes(200)
    assert moved(before, store.stats()) == {} and len(b) == 301


def test_try_write_writes_or_says_that_others_share(store):
    b = store.bytes(b"abcd")
    b.try_write(1, b"XY")
    other = b.copy()
    with pytest.raises(rp.Shared) as caught:
        b.try_write(0, b"_")
    assert str(caught.value) == "<Bytes of 4: 61585964>: 2 share the storage"
    assert isinstance(caught.value, BufferError) and other == b == b"aXYd"


def test_release_lets_go_of_its_own_hold_only(store):
    b = store.bytes(TEXT)
    part = b[4:9]
    with b as same:
        assert same is b
    assert repr(b) == "<released Bytes>" and part == b"quick"
    b.release()
    part.release()
    assert store.stats().pool.in_use == 0


USES = [
    len,
    bytes,
    list,
    bool,
    hash,
    copy.copy,
    pickle.dumps,
    lambda b: b == b"",
    lambda b: b < b"",
    lambda b: b[0],
    lambda b: b[0:1],
    lambda b: b[0:0],
    lambda b: b[::2],
    lambda b: operator.setitem(b, 0, 1),
    lambda b: operator.setitem(b, slice(0, 0), b""),
    lambda b: operator.delitem(b, slice(0, 0)),
    lambda b: b.__enter__(),
    lambda b: b.append(1),
    lambda b: b.extend(b""),
    lambda b: b.prepend(b""),
    lambda b: b.try_write(0, b""),
    lambda b: b + b"",
    lambda b: b"" + b,
    lambda b: b * 2,
    lambda b: operator.iadd(b, b""),
    lambda b: operator.imul(b, 2),
    lambda b: b.view(),
    lambda b: b.hex(),
    lambda b: b.find(b""),
    lambda b: 1 in b,
    lambda b: b.refs,
    lambda b: b.will_copy,
    lambda b: b.capacity,
    lambda b: b.headroom,
    lambda b: b.shares_with(b),
    lambda b: b.split_to(0),
    lambda b: b.split_off(0),
    lambda b: b.resize(0),
    lambda b: b.reserve(),
    lambda b: b.compact(),
    lambda b: b.clear(),
    lambda b: b.reverse(),
    lambda b: b.pop(),
    lambda b: b.insert(0, 1),
    lambda b: b.remove(1),
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_what_was_released_refuses_every_use(use, store):
    b = store.bytes(TEXT)
    b.release()
    if use is hash:
        with pytest.raises(TypeError):
            use(b)
    else:
        with pytest.raises(ValueError, match="operation forbidden on released Bytes"):
            use(b)
