"""Every schedule of threads over the core, where there are few; `make verify` follows the rest."""

import cbuild
import explored
import pytest

LEAST_SCHEDULES = {"pool": 210_000, "bytes": 300_000}
LEAST_STATES = {"pool": 2_500, "bytes": 500}


@pytest.mark.parametrize("program", explored.EXPLORERS)
def test_no_schedule_breaks_anything_and_merging_states_leaves_none_out(program, tmp_path):
    output, schedules, states = explored.explore(explored.build(tmp_path, program), "both")
    print(output)
    assert schedules >= LEAST_SCHEDULES[program]
    assert states >= LEAST_STATES[program]


def test_a_refused_give_changes_no_slot_that_was_taken_again(tmp_path):
    program = explored.build(tmp_path, "pool", "atomic, poison, canary")
    cbuild.run(program, "states", "double give and take")


@pytest.mark.parametrize(
    "plant", ["poisoned while others may give", "references dropped in two steps"]
)
def test_a_planted_race_is_found_with_the_steps_that_led_to_it(plant, tmp_path):
    program, build, *_ = explored.PLANTS[plant]
    with pytest.raises(AssertionError, match=r"FAIL .*, after these steps:\n  0 begins\n"):
        cbuild.run(explored.build(tmp_path, program, build, plant), "states")
