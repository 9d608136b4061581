"""A look at a pool that keeps up with it: in a real kernel, and as text."""

import os
import re
import threading

import nbformat
import pytest
from nbclient import NotebookClient
from notebooks import CELL_TIMEOUT_S, OwnKernelManager

import pyrns_pool as rp

CELLS = """
import threading, time
import pyrns_pool as rp
pool = rp.Pool(rp.PoolConfig.parse("256x16,512x20"))
before = threading.active_count()
#--
watch = pool.watch()
watch
#--
slots = [pool.take(200) for _ in range(12)]
#--
with pool.watch(period_s=0.05):
    for _ in range(15):
        slots.append(pool.take(500))
        time.sleep(0.04)
print("threads", threading.active_count() - before)
#--
pool.close()
#--
callbacks = get_ipython().events.callbacks["post_run_cell"]
print("callbacks", sum("Watch" in repr(callback) for callback in callbacks))
"""


class Client(NotebookClient):
    """Keeps every message that draws something anew."""

    drawn = ()

    def process_message(self, msg, cell, cell_index):
        if msg["msg_type"] == "update_display_data":
            self.drawn = (*self.drawn, (cell_index, msg["content"]["data"]))
        return super().process_message(msg, cell, cell_index)


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    os.environ["IPYTHONDIR"] = str(folder / "ipython")
    cells = [nbformat.v4.new_code_cell(text.strip()) for text in CELLS.split("#--")]
    client = Client(
        nbformat.v4.new_notebook(cells=cells),
        kernel_manager_class=OwnKernelManager,
        timeout=CELL_TIMEOUT_S,
    )
    client.execute()
    return client


def in_use(data):
    """Return slots in use of each tier that a table shows, as text and as HTML."""
    text = [int(line.split()[1]) for line in data["text/plain"].splitlines()[1:3]]
    html = [int(count) for count in re.findall(r"<td>(\d+) of \d+</td>", data["text/html"])]
    assert text == html
    return text


def test_what_a_cell_shows_is_drawn_anew_after_each_cell(notebook):
    by_cell = {}
    for index, data in notebook.drawn:
        by_cell.setdefault(index, []).append(in_use(data))
    print(by_cell)
    assert by_cell[2] == [[12, 0]]
    assert by_cell[3][-1] == [12, 15]
    shown = notebook.nb.cells[1].outputs
    assert len(shown) == 1 and in_use(shown[0]["data"]) == [12, 15]
    assert "served, 0 missed" in shown[0]["data"]["text/html"]


def test_a_with_block_is_followed_while_it_runs_and_leaves_no_thread(notebook):
    seen = {in_use(data)[1] for index, data in notebook.drawn if index == 3}
    print(f"seen while it ran: {sorted(seen)}")
    assert len(seen - {0, 15}) >= 2
    texts = [o["text"].strip() for o in notebook.nb.cells[3].outputs if o.output_type == "stream"]
    assert texts == ["threads 0"]


def test_a_closed_pool_is_watched_no_more(notebook):
    assert notebook.nb.cells[5].outputs[0]["text"].strip() == "callbacks 0"


def test_without_a_notebook_a_watch_is_text_and_has_no_thread():
    with rp.Pool(rp.PoolConfig.parse("64x2,256x16")) as pool:
        before = threading.active_count()
        with pool.watch() as watch:
            assert threading.active_count() == before
            kept = [pool.take(size) for size in (10, 20, 200)]
            for size in (30, 1000):
                with pytest.raises(rp.PoolError):
                    pool.take(size)
            assert str(watch).splitlines() == [
                "tier  in use  slots  high  requests  spills  exhausted",
                "  64       2      2     2         3       0          1",
                " 256       1     16     1         1       0          0",
                "60.0 % of 5 requests served, 2 missed, 1 of them oversize",
            ]
        for slot in kept:
            pool.give(slot)
        assert "  64       0" in str(watch)
    assert "  64       0" in str(watch)  # Closed: as it was last seen.


def test_a_period_that_is_none_is_refused():
    with rp.Pool(rp.PoolConfig.parse("64x2")) as pool:
        with pytest.raises(ValueError, match="period_s: 0 is not above 0"):
            pool.watch(period_s=0)
