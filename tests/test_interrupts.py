"""Ctrl-C at a random moment of a verb; `make verify` interrupts all of them, and more often."""

import random

import interrupts
import pytest

SOON_S = 20
"""In which it ends whatever else the machine does; a tenth of a second is usual at rest."""


@pytest.mark.parametrize("verb", ["import", "replay", "tune", "report"])
def test_an_interrupted_verb_ends_soon_with_130_and_leaves_nothing_half_done(verb, tmp_path):
    span_s = interrupts.VERBS[verb][1]
    ending = interrupts.interrupt(verb, random.Random(verb).uniform(0, span_s / 2), tmp_path)
    print(verb, ending)
    assert list(interrupts.faults(ending)) == []
    assert ending.seconds < SOON_S


def test_what_an_interrupt_leaves_is_told():
    good = interrupts.Ending(130, 0.1, True, "pyrns-pool: interrupted\n", [])
    assert list(interrupts.faults(good)) == []
    bad = ({"status": 1}, {"said": "Traceback (most recent call last)"}, {"left": ["a.part"]})
    for change in bad:
        assert len(list(interrupts.faults(good._replace(**change)))) == 1
    assert list(interrupts.faults(good._replace(status=1, in_time=False))) == []
