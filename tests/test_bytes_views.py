"""Views of Bytes, and how both end: in any order, with the store or the interpreter."""

import contextlib
import gc
import pickle
import random
import subprocess
import sys

import numpy as np
import pytest
from test_bytes import TEXT, moved

import pyrns_pool as rp


def test_a_view_is_read_only_and_never_changes(store):
    b = store.bytes(TEXT)
    view = b.view()
    assert view.readonly and view == TEXT and b.refs == 2 and b.will_copy
    with pytest.raises(TypeError):
        view[0] = 1
    b[0] = 0
    del b[1:40]
    b += TEXT
    assert view == TEXT and view.nbytes == 43


def test_a_write_after_the_view_is_gone_is_in_place(store):
    b = store.bytes(TEXT)
    view = b.view()
    assert b.refs == 2
    del view
    assert b.refs == 1 and not b.will_copy
    before = store.stats()
    b[0] = 0
    assert moved(before, store.stats()) == {}


def test_what_a_view_pins_cannot_be_claimed_after_the_content_was_cut(store):
    b = store.bytes(b"abc")
    view = b.view()
    del b[2:]
    b += b"X"
    assert (bytes(view), bytes(b)) == (b"abc", b"abX")


def test_what_was_cut_while_a_view_existed_stays_cut_when_it_is_gone(store):
    b = store.bytes(b"abcd")
    view = b.view()
    del b[:1], b[2:]
    del view
    b += b"X"
    b.prepend(b"Y")
    assert b == b"YbcX"


def test_views_outlive_bytes_and_store_under_stress():
    rng = random.Random(1)
    views = []
    for round_ in range(200):
        store = rp.Store(rp.PoolConfig.parse("64x2,256x2", "spill"), headroom_bytes=8)
        content = rng.randbytes(rng.randrange(200))
        b = store.bytes(content)
        start = rng.randrange(len(content) + 1)
        views.append((b[start:].view(), content[start:]))
        views.append((np.asarray(b), content))
        b.append(1)
        b[0] = 255
        del b
        store.close()
        del store
        if round_ % 20 == 0:
            gc.collect()
            bytearray(1 << 20)
        if len(views) > 100:
            del views[rng.randrange(len(views))]
        assert all(bytes(view) == wanted for view, wanted in views)
    print(f"{len(views)} views checked in each of 200 rounds")
    assert len(views) > 90


def test_numpy_sees_the_storage_without_a_copy(store):
    b = store.bytes(TEXT)
    whole, part = np.asarray(b), np.asarray(b[4:9])
    assert whole.dtype == np.uint8 and not whole.flags.writeable and not whole.flags.owndata
    assert part.ctypes.data == whole.ctypes.data + 4
    assert store.stats().pool.in_use == 1
    b[:] = bytes(43)
    del b
    gc.collect()
    assert whole.tobytes() == TEXT and part.tobytes() == b"quick"
    assert np.asarray(store.bytes()).shape == (0,)
    assert np.frombuffer(store.bytes(TEXT).view(), "<u2", count=3)[0] == 0x6874


def test_from_python_3_12_on_it_exports_its_buffer(store):
    b = store.bytes(TEXT)
    assert b.__buffer__(0) == TEXT and b.__buffer__(0).readonly
    with pytest.raises(BufferError, match="read-only"):
        b.__buffer__(1)
    if sys.version_info >= (3, 12):
        assert memoryview(b) == TEXT


def test_it_pickles_as_bytes(store):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        loaded = pickle.loads(pickle.dumps(store.bytes(TEXT)[4:], protocol))
        assert type(loaded) is bytes and loaded == TEXT[4:]


def test_finalisers_of_a_cycle_that_is_garbage_come_in_any_order(store):
    read = []

    class Late:
        def __del__(self):
            with contextlib.suppress(TypeError):
                read.append(bytes(self.b))

    for is_older in (True, False):
        older = store.bytes(TEXT) if is_older else None
        late = Late()
        late.b = older if is_older else store.bytes(TEXT)
        late.view, late.cycle = late.b.view(), late
        del older, late
        gc.collect()
    # Of the older one the handle was gone before.
    assert read == [TEXT]
    assert store.stats().pool.in_use == 0
    store.check()


SHUTDOWN = """
import pyrns_pool as rp
class Late:
    def __del__(self):
        print(bytes(self.b), bytes(self.view), len(self.b[2:]))
late = Late()
late.b = rp.Store(rp.PoolConfig.parse("64x4")).bytes(b"last words")
late.view = late.b.view()
late.cycle = late
kept = rp.Store(rp.PoolConfig.parse("64x4")).bytes(b"kept")
rp.kept = [kept, kept[1:], kept.view()]
"""


def test_an_interpreter_that_ends_drops_what_is_left_in_any_order():
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", SHUTDOWN], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "b'last words' b'last words' 8\n"
