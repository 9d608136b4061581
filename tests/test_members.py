"""The zip writer beneath traces and results."""

import gc
import io
import itertools
import sys
import zipfile

import numpy as np
import pytest

from pyrns_pool.formats import members
from pyrns_pool.formats.members import write_members

WATCHED = {zipfile.__file__, write_members.__code__.co_filename}


def is_out_of_reach(frame):
    """Tell whether no caller could tidy up: in a finalizer, or before the archive has a name."""
    names = {frame.f_code.co_name, frame.f_back.f_code.co_name}
    in_init = frame.f_code is zipfile.ZipFile.__init__.__code__
    return in_init or "__del__" in names


def interrupt_at(number):
    """Return a tracer that raises KeyboardInterrupt before the given line that is run."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        if frame.f_code.co_filename not in WATCHED or is_out_of_reach(frame):
            return None
        if event == "line":
            count += 1
            if count == number:
                raise KeyboardInterrupt
        return trace

    return trace


def test_an_interrupt_at_any_line_stays_an_interrupt():
    arrays = {"first": np.arange(3), "second": np.zeros(2)}
    gc.freeze()  # Else each collection below looks at everything that the test run has loaded.
    for number in itertools.count(1):
        file = io.BytesIO()
        previous = sys.gettrace()
        sys.settrace(interrupt_at(number))
        try:
            write_members(file, arrays)
            break
        except BaseException as error:
            # Not pytest.raises: it would hide that one error took the place of the other.
            assert type(error) is KeyboardInterrupt, f"line {number}: {error!r}"
        finally:
            sys.settrace(previous)
        file.close()
        gc.collect()  # What is left of the archive complains here, if it does.
    gc.unfreeze()
    print(f"interrupted at {number - 1} lines")
    assert number > 100


def test_what_is_written_is_read_by_numpy():
    file = io.BytesIO()
    write_members(file, {"a": np.arange(3)})
    file.seek(0)
    with np.load(file) as archive:
        assert archive["a"].tolist() == [0, 1, 2]


def test_object_arrays_are_refused():
    with pytest.raises(ValueError, match="Object arrays"):
        write_members(io.BytesIO(), {"a": np.array([object()])})


def test_arrays_that_would_expand_beyond_what_is_read_are_stored_as_they_are(monkeypatch):
    monkeypatch.setattr(members, "MEMBERS_FREE_BYTES", 1 << 16)
    sizes = {}
    for name, array in (("few", np.zeros(60_000, "u1")), ("many", np.zeros(70_000, "u1"))):
        file = io.BytesIO()
        write_members(file, {name: array})
        sizes[name] = len(file.getvalue())
        with zipfile.ZipFile(file) as archive:
            assert not members.expands_too_much(archive, sizes[name])
        with np.load(file) as archive:
            assert (archive[name] == array).all()
    assert sizes["few"] < 1000 and 70_000 < sizes["many"] < 71_000
