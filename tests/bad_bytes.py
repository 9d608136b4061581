"""Bytes, views and stores that are used badly: held too long, used too late, changed meanwhile."""

import gc
import pickle
import threading
import weakref

import numpy as np
from bad_case import Case

from pyrns_pool import PoolConfig, Store, errors

CASES = []
CONFIG = PoolConfig.parse("64x4,256x2")
TEXT = b"to be or not to be, that is the question"


def bad(error, says, group="views"):
    """Add a case: the decorated function gets a store; it raises or returns that."""

    def add(use):
        def run(store):
            try:
                return use(store)
            finally:
                if not store.closed:
                    store.check()

        CASES.append(Case(group, use.__name__, lambda _: Store(CONFIG), run, error, says))
        return use

    return add


# ---- Views outlive what they are of, and nothing is recycled below them ----


@bad(None, "to be or not")
def view_held_over_release(store):
    b = store.bytes(TEXT)
    view = b.view()
    b.release()
    fill(store, 3)
    return bytes(view).decode()


@bad(None, "to be or not")
def view_held_over_the_last_reference(store):
    view = store.bytes(TEXT).view()
    gc.collect()
    fill(store, 3)
    return bytes(view).decode()


@bad(errors.PoolExhausted, "1 bytes from 64x4,256x2 strict")
def slot_of_a_held_view_is_not_recycled(store):
    view = store.bytes(TEXT).view()
    held = fill(store, 3)
    try:
        store.bytes(b"x")
    finally:
        assert view.nbytes == len(TEXT) and len(held) == 3


@bad(None, "b'to be' b'TO be'")
def view_held_over_a_write(store):
    b = store.bytes(b"to be")
    view = b.view()
    b[:2] = b"TO"
    return f"{bytes(view)} {bytes(b)}"


@bad(errors.PoolExhausted, "5 bytes from 64x4,256x2 strict")
def write_below_a_view_without_room_to_copy(store):
    b = store.bytes(b"to be")
    view = b.view()
    held = fill(store, 3)
    try:
        b[0] = 1
    finally:
        assert bytes(b) == bytes(view) == b"to be" and len(held) == 3


@bad(None, "to be or not")
def view_held_over_close(store):
    b = store.bytes(TEXT)
    view = b.view()
    store.close()
    return bytes(view).decode()


@bad(None, "to be or not")
def view_held_over_the_store(store):
    store = Store(CONFIG)
    view = store.bytes(TEXT).view()
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert gone() is None
    return bytes(view).decode()


@bad(None, "b'be'")
def slice_of_a_view_held_alone(store):
    part = store.bytes(TEXT).view()[3:5]
    fill(store, 3)
    return bytes(part)


@bad(None, "[28532]")
def cast_of_a_view_held_alone(store):
    part = store.bytes(b"to").view().cast("H")
    fill(store, 3)
    return part.tolist()


@bad(None, "111")
def array_held_alone(store):
    array = np.asarray(store.bytes(TEXT))
    fill(store, 3)
    return array[1]


@bad(TypeError, "cannot modify read-only memory")
def write_through_a_view(store):
    store.bytes(TEXT).view()[0] = 1


@bad(ValueError, "assignment destination is read-only")
def write_through_an_array(store):
    np.asarray(store.bytes(TEXT))[0] = 1


@bad(ValueError, "cannot set WRITEABLE flag to True of this array")
def array_made_writable(store):
    np.asarray(store.bytes(TEXT)).flags.writeable = True


@bad(ValueError, "operation forbidden on released memoryview object")
def view_used_after_its_own_release(store):
    view = store.bytes(TEXT).view()
    view.release()
    view[0]


@bad(None, "0 in use")
def view_in_a_cycle_with_a_finaliser(store):
    class Holder:
        def __del__(self):
            seen.append(bytes(self.view))

    seen, holder = [], Holder()
    holder.self, holder.view = holder, store.bytes(TEXT).view()
    del holder
    gc.collect()
    assert seen == [TEXT]
    return f"{store.stats().pool.in_use} in use"


@bad(None, "to be or not")
def view_handed_to_another_thread(store):
    seen = []
    view = store.bytes(TEXT).view()
    thread = threading.Thread(target=lambda view: seen.append(bytes(view)), args=(view,))
    del view
    thread.start()
    fill(store, 3)
    thread.join()
    return seen[0].decode()


@bad(errors.Shared, "share the storage")
def write_where_a_copy_is_forbidden(store):
    b = store.bytes(TEXT)
    view = b.view()
    try:
        b.try_write(0, b"T")
    finally:
        assert bytes(view) == TEXT


@bad(None, "2000 views")
def two_thousand_views_of_one_slot(store):
    b = store.bytes(TEXT)
    views = [b.view() for _ in range(2000)]
    assert b.refs == 2001
    return f"{len(views)} views"


# ---- Lifetime ----


def after_release(name, use):
    def run(store):
        b = store.bytes(TEXT)
        b.release()
        return use(b)

    says = "operation forbidden on released Bytes"
    CASES.append(
        Case("lifetime", f"{name}_after_release", lambda _: Store(CONFIG), run, ValueError, says)
    )


after_release("read", lambda b: b[0])
after_release("length", len)
after_release("view", lambda b: b.view())
after_release("write", lambda b: b.__setitem__(0, 1))
after_release("append", lambda b: b.append(1))
after_release("slice", lambda b: b[:2])
after_release("copy", lambda b: b.copy())
after_release("compare", lambda b: b == b"x")
after_release("array", np.asarray)
after_release("with", lambda b: b.__enter__())
after_release("pickle", pickle.dumps)


def after_close(name, use):
    def run(store):
        store.close()
        store.close()
        return use(store)

    says = "the store is closed"
    CASES.append(
        Case(
            "lifetime", f"{name}_after_close", lambda _: Store(CONFIG), run, errors.PoolError, says
        )
    )


after_close("bytes", lambda store: store.bytes(b"x"))
after_close("stats", lambda store: store.stats())
after_close("live", lambda store: store.live())
after_close("faults", lambda store: store.faults)
after_close("second_store", Store)
after_close("with", lambda store: store.__enter__())


@bad(TypeError, "unhashable type: 'Bytes'", "lifetime")
def hash_of_bytes(store):
    hash(store.bytes(TEXT))


@bad(TypeError, "Bytes are made by a Store: store.bytes(data)", "lifetime")
def bytes_without_a_store(store):
    type(store.bytes(TEXT))()


@bad(TypeError, "a Store cannot be pickled; pickle its config", "lifetime")
def pickled_store(store):
    pickle.dumps(store)


@bad(None, "<class 'bytes'>", "lifetime")
def pickled_bytes_are_plain(store):
    return type(pickle.loads(pickle.dumps(store.bytes(TEXT)[3:])))


# ---- Values ----


def value(name, error, says, use):
    make = lambda _: Store(CONFIG).bytes(TEXT)  # noqa: E731
    CASES.append(Case("values", name, make, use, error, says))


value("index_behind", IndexError, "index 40 is out of range for 40 bytes", lambda b: b[40])
value("index_before", IndexError, "index -41 is out of range for 40 bytes", lambda b: b[-41])
value("index_2_64", IndexError, "index 18446744073709551616 is out of", lambda b: b[2**64])
value("index_float", TypeError, "index: float is neither a whole number", lambda b: b[1.0])
value("byte_256", ValueError, "byte 256 is not in 0 to 255", lambda b: b.append(256))
value("byte_negative", ValueError, "byte -1 is not in 0 to 255", lambda b: b.append(-1))
value("byte_text", TypeError, "byte: str is not a whole number", lambda b: b.append("x"))
value(
    "resize_negative", ValueError, "length: -1 is not in 0 to 4294967295", lambda b: b.resize(-1)
)
value("resize_2_32", ValueError, "length: 4294967296 is not in", lambda b: b.resize(2**32))
value("resize_beyond_tiers", errors.TooLarge, "257 bytes from", lambda b: b.resize(257))
value("resize_largest", errors.TooLarge, "4294967295 bytes from", lambda b: b.resize(2**32 - 1))
value(
    "reserve_negative",
    ValueError,
    "headroom_bytes: -1 is not in",
    lambda b: b.reserve(headroom_bytes=-1),
)
value(
    "reserve_wraps",
    errors.TooLarge,
    "bytes from",
    lambda b: b.reserve(headroom_bytes=2**32 - 1, tailroom_bytes=2**32 - 1),
)
value("repeat_beyond_32_bits", errors.TooLarge, "more than 4294967295", lambda b: b * 2**27)
value("repeat_2_63", errors.TooLarge, "more than 4294967295", lambda b: b * 2**63)
value(
    "append_text",
    TypeError,
    "a bytes-like object is required, not 'str'",
    lambda b: b.__iadd__("x"),
)
value("append_beyond_tiers", errors.TooLarge, "297 bytes from", lambda b: b.__iadd__(bytes(257)))
value("prepend_beyond_tiers", errors.TooLarge, "297 bytes from", lambda b: b.prepend(bytes(257)))
value("split_behind", IndexError, "at: 41 is not in 0 to 40", lambda b: b.split_to(41))
value("split_negative", IndexError, "at: -1 is not in 0 to 40", lambda b: b.split_off(-1))
value("delete_behind", IndexError, "index 40 is out of range", lambda b: b.__delitem__(40))
value("remove_absent", ValueError, "byte 0 is not in", lambda b: b.remove(0))
value(
    "extended_slice_length",
    ValueError,
    "attempt to assign bytes of size 1 to extended slice of size 20",
    lambda b: b.__setitem__(slice(None, None, 2), b"x"),
)
value(
    "try_write_outside",
    IndexError,
    "2 bytes from 39 on are out of range for 40 bytes",
    lambda b: b.try_write(39, b"xx"),
)


def fill(store, count):
    """Return so many Bytes of the small tier."""
    return [store.bytes(bytes([n]) * 40) for n in range(count)]
