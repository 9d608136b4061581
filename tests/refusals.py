"""How a file is refused: exact class, one line, the file first."""

import pytest

from pyrns_pool.errors import TraceError
from pyrns_pool.formats import load_trace


def refusal(tmp_path, data, name="trace"):
    """Return what a file with this content is refused with, less its place."""
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(TraceError) as caught:
        load_trace(path)
    assert type(caught.value) is TraceError and caught.value.path == str(path)
    text = str(caught.value)
    assert text.isprintable() and text.startswith(str(path))
    return text[len(str(path)) :]
