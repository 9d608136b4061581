"""The pytest plugin as a firmware repository uses it: tests in a directory of their own."""

import pytest
from test_cli import TRACE

import pyrns_pool as rp

pytest_plugins = ["pytester"]


@pytest.fixture
def repository(pytester):
    """Return a function that runs a test file in a repository with a pool and a trace."""
    (pytester.path / "small.csv").write_text(TRACE)
    (pytester.path / "pool.toml").write_text(
        "tiers = [{slot_bytes=128,slot_count=1},{slot_bytes=512,slot_count=2}]"
    )
    pytester.makeini(
        "[pytest]\npool_config = pool.toml\naddopts = --strict-markers -p no:hypothesispytest"
    )

    def run(source, *arguments):
        pytester.makepyfile(f"import pytest\n{source}")
        return pytester.runpytest_inprocess("-p", "no:cacheprovider", *arguments)

    return run


def test_a_trace_that_fits_passes_and_one_that_does_not_fails_in_a_line(repository):
    result = repository(
        """
@pytest.mark.pool(min_hit_rate=0.99, max_heap_allocations=0)
def test_fits(pool_replay):
    assert pool_replay("small.csv").stats.hits == 3

@pytest.mark.pool(tiers="256x9", max_heap_allocations=0)
def test_does_not_fit(pool_replay):
    pool_replay("small.csv")
"""
    )
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*_ test_does_not_fit _*",
            "small.csv: heap allocations: 1, more than 0; broken at 0.000000 s: request of 300"
            " bytes by app:second is larger than every tier",
            "*short test summary info*",
        ],
        consecutive=True,
    )


def test_a_pool_and_a_store_are_held_against_the_rules_after_the_test(repository):
    result = repository(
        """
class TestPool:
    pytestmark = pytest.mark.pool(tiers="16x1,64x1", policy="strict", max_failures=0)

    def test_holds(self, pool):
        pool.give(pool.take(10))
        pool.take(10)

    @pytest.mark.pool(policy="spill")
    def test_the_nearest_marker_wins(self, pool):
        pool.take(10), pool.take(10)
        assert pool.stats().spills == 1

    def test_misses(self, pool):
        pool.take(10)
        with pytest.raises(MemoryError):
            pool.take(10)

    def test_bytes_hold(self, pool_store):
        content = pool_store.bytes(b"0123456789")
        assert content[2:4] == b"23"

    def test_bytes_miss(self, pool_store):
        kept = [pool_store.bytes(b"0123456789")]
        with pytest.raises(MemoryError):
            kept.append(pool_store.bytes(b"0123456789"))
"""
    )
    result.assert_outcomes(passed=3, failed=2)
    line = "failures: 1, more than 0; most at tier 16: 1 of 2 requests"
    assert result.outlines.count(line) == 2


def test_a_test_that_fails_by_itself_says_only_that(repository):
    result = repository(
        """
@pytest.mark.pool(max_failures=0)
def test_own(pool):
    with pytest.raises(ValueError):
        pool.take(1000)
    assert pool.stats().oversize == 7
"""
    )
    result.assert_outcomes(failed=1)
    assert "assert 1 == 7" in result.stdout.str() and "failures:" not in result.stdout.str()


@pytest.mark.parametrize(
    ("marker", "body", "says"),
    [
        ("max_failures=0", "(): pass", "pool: the test replays nothing and uses neither fixture"),
        ("max_failures=0", "(pool): pass", "pool: the test makes no request"),
        ("max_failures=0", "(pool_replay): pass", "pool: the test replays nothing"),
        ("min_hitrate=0.9", "(pool): pool.take(1)", "pool: min_hitrate is no argument of pool("),
        ("0.99", "(pool): pool.take(1)", "pool: 0.99 is no argument of pool("),
        ("min_hit_rate=99", "(pool): pool.take(1)", "pool: min_hit_rate: 99 is not in 0 to 1"),
        ("tiers='x'", "(pool): pass", "pool: tiers: 'x' is not like 256x16"),
        ("config='none.toml'", "(pool): pass", "pool: *none.toml*"),
        ("policy='lax'", "(pool): pass", "pool: policy: 'lax' is not one of strict, spill"),
    ],
)
def test_wrong_use_is_one_line(marker, body, says, repository):
    result = repository(f"@pytest.mark.pool({marker})\ndef test_it{body}\n")
    outcomes = result.parseoutcomes()
    assert outcomes.get("failed", 0) + outcomes.get("errors", 0) == 1 and "passed" not in outcomes
    result.stdout.fnmatch_lines([says + "*"])


def test_a_pool_without_tiers_and_configuration_says_so(repository, pytester):
    pytester.makeini("[pytest]\n")
    result = repository("@pytest.mark.pool()\ndef test_it(pool): pass\n")
    result.stdout.fnmatch_lines(["pool: no tiers= or config= in the marker and no pool_config*"])


def test_the_plugin_is_found_listed_and_imports_nothing_until_it_is_used(pytester):
    pytester.makepyfile(
        """
        import sys

        def test_nothing_is_imported():
            assert "pytest_pyrns_pool" in sys.modules
            assert not {"numpy", "cffi", "pyrns_pool"} & set(sys.modules)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
    result.assert_outcomes(passed=1)
    assert "pool" not in pytester.runpytest_subprocess("-q").stdout.str().replace(
        "pytest_pyrns", ""
    )
    markers = pytester.runpytest_subprocess("--markers").stdout.str()
    assert "@pytest.mark.pool(min_hit_rate=, max_failures=, max_heap_allocations=" in markers


def test_the_recorded_node_is_a_trace_for_the_plugin_too(repository):
    trace = rp.shipped("microreticulum_node_a.npz")
    result = repository(
        f"@pytest.mark.pool(min_hit_rate=0.27, config='pool.toml')\n"
        f"def test_node(pool_replay):\n    assert pool_replay({str(trace)!r}).stats.hits < 10**6\n"
    )
    result.assert_outcomes(failed=1)
    assert "microreticulum_node_a.npz: hit rate" in result.stdout.str()
