"""Sliders and figure of a pool: real ipywidgets, moved as a reader moves them."""

import sys
import warnings

import pytest

import pyrns_pool as rp
from pyrns_pool.plot import Sheet

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # Debian's, of 2017, in today's traitlets.
    import ipywidgets  # noqa: F401


@pytest.fixture(scope="module")
def trace():
    recorded = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
    return recorded.filter(site="std::vector<>::reserve")


def parts(box):
    """Return the pairs of sliders, the words and the picture."""
    *rows, words, picture = box.children
    return [row.children for row in rows], words, picture


def said(trace, tiers):
    result = rp.replay(trace, rp.PoolConfig.parse(tiers))
    stats = result.stats
    return (
        f"{result.config.slots_bytes:,} bytes of slots serve {stats.hit_rate:.1%}"
        f" of {stats.requests:,} requests; {stats.misses:,} missed"
    )


def test_sliders_begin_at_the_pool_and_move_words_and_picture(trace):
    sliders, words, picture = parts(rp.explore(trace, rp.PoolConfig.parse("64x100,256x24")))
    assert [[slider.value for slider in pair] for pair in sliders] == [[64, 100], [256, 24]]
    assert words.value == said(trace, "64x100,256x24")
    before = bytes(picture.value)
    assert before.startswith(b"\x89PNG")
    sliders[1][1].value = 136
    assert words.value == said(trace, "64x100,256x136")
    assert picture.value != before
    sliders[0][0].value = 32
    assert words.value == said(trace, "32x100,256x136")


def test_sliders_that_pass_each_other_say_so_and_keep_the_picture(trace):
    sliders, words, picture = parts(rp.explore(trace, rp.PoolConfig.parse("64x100,256x24")))
    before = bytes(picture.value)
    sliders[0][0].value = 512
    assert words.value == "tiers: 256 after 512: sizes must ascend"
    assert picture.value == before
    sliders[1][0].value = 1024
    assert words.value == said(trace, "512x100,1024x24")
    assert picture.value != before


def test_sliders_reach_the_largest_request_and_slots_for_all_blocks(trace):
    sliders, *_ = parts(rp.explore(trace, rp.PoolConfig.parse("64x100,256x24")))
    peak = trace.peak_live().blocks
    for size, count in sliders:
        assert size.max == trace.block_sizes.max() == 2040
        assert (count.min, count.max) == (1, peak)


def test_without_ipywidgets_the_figure_of_the_pool_is_shown(trace, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    shown = rp.explore(trace, rp.PoolConfig.parse("64x100,256x24"))
    assert isinstance(shown, Sheet)
    assert len(shown.axes) == 2
