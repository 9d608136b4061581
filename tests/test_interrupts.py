"""Ctrl-C at a random moment of a verb; `make verify` interrupts all of them, and more often."""

import random

import interrupts
import pytest

SOON_S = 20
"""In which it ends whatever else the machine does; a tenth of a second is usual at rest."""


@pytest.mark.parametrize("verb", ["import", "replay", "tune", "report", "live"])
def test_an_interrupted_verb_ends_soon_with_130_and_leaves_nothing_half_done(verb, tmp_path):
    ending = interrupts.interrupt(verb, random.Random(verb).uniform(0, 0.5), tmp_path)
    print(verb, ending)
    assert list(interrupts.faults(ending)) == []
    assert ending.seconds < SOON_S


def test_what_an_interrupt_leaves_is_told():
    good = interrupts.Ending(130, 0.1, 0.0, True, "pyrns-pool: interrupted\n", [], False)
    done = good._replace(status=0, is_complete=True)
    for ending in (good, done, done._replace(status=-2), good._replace(status=1, in_time=False)):
        assert list(interrupts.faults(ending)) == []
    bad = (
        {"status": 1},
        {"status": 0},
        {"said": "Traceback (most recent call last)"},
        {"left": ["a.part"]},
    )
    for change in bad:
        assert len(list(interrupts.faults(good._replace(**change)))) == 1


@pytest.mark.parametrize("verb", ["sweep", "live", "record", "soak"])
def test_what_is_kept_has_to_be_readable(verb, tmp_path):
    names = {"sweep": "journal.jsonl", "live": "log.csv", "record": "t.npz", "soak": "result.npz"}
    path = tmp_path / names[verb]
    path.write_text("half a li")
    assert not interrupts.is_kept(verb, path)
    assert not interrupts.is_kept(verb, tmp_path / "another")
