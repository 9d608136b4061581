"""Pytest plugin: a test that fails when a pool does not hold what it has to.

In a firmware repository with recorded traces::

    # pytest.ini
    [pytest]
    pool_config = rns_pool.toml

    # test_memory.py
    @pytest.mark.pool(min_hit_rate=0.99, max_heap_allocations=0)
    def test_a_busy_hour_fits(pool_replay):
        pool_replay("traces/busy_hour.csv.gz")

    @pytest.mark.pool(tiers="64x16,512x8", max_failures=0)
    def test_forwarding_stays_in_the_pool(pool_store):
        packet = pool_store.bytes(b"header")
        packet += b"payload"

The marker's limits are those of `pyrns_pool.gate.Limits`; its pool is ``tiers`` (with ``policy``),
``config``, a TOML file, or else ``pool_config`` of the configuration; files are looked for from
pytest's root directory. The fixtures: ``pool`` is a `pyrns_pool.Pool`, ``pool_store`` a
`pyrns_pool.Store`, ``pool_replay`` a function of a trace or its path that returns the
`pyrns_pool.ReplayResult`. A test that asks nothing of its pool fails as well.

This is no part of the package, since importing any of its modules imports NumPy: pytest loads a
plugin in every repository that has it installed, whether its tests use it or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Iterator, NoReturn

import pytest

if TYPE_CHECKING:
    from pyrns_pool import Pool, PoolConfig, ReplayResult, Store

MARKER = "pool(min_hit_rate=, max_failures=, max_heap_allocations=, tiers=, policy=, config=)"
LIMITS = ("min_hit_rate", "max_failures", "max_heap_allocations")
POOL = ("tiers", "policy", "config")
_JUDGES = pytest.StashKey["list[Callable[[], list[str]]]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the pool of tests that name none."""
    parser.addini("pool_config", "TOML file of the pool, as pyrns-pool export --to toml writes it")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line("markers", f"{MARKER}: fail unless the pool holds these limits")


@pytest.fixture
def pool(request: pytest.FixtureRequest) -> Iterator[Pool]:
    """Give the test a pool of its own; its limits are checked when the test is done."""
    from pyrns_pool import Pool

    with Pool(_config(request.node)) as made:
        _judges(request.node).append(lambda: _judged(request.node, made.stats()))
        yield made


@pytest.fixture
def pool_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """Give the test a store of its own; its limits are checked when the test is done."""
    from pyrns_pool import Store

    made = Store(_config(request.node))
    _judges(request.node).append(lambda: _judged(request.node, made.stats().pool))
    yield made


@pytest.fixture
def pool_replay(request: pytest.FixtureRequest) -> Callable[..., ReplayResult]:
    """Give the test a function that sends a trace, or the file of one, through its pool."""
    from pyrns_pool import Trace, load_trace
    from pyrns_pool.gate import check_trace

    config, limits = _config(request.node), _limits(request.node)

    def replay(trace: Any) -> ReplayResult:
        path = request.config.rootpath
        loaded: Trace = trace if isinstance(trace, Trace) else load_trace(path / trace)
        verdict = check_trace(loaded, config, limits)
        _judges(request.node).append(lambda: [] if verdict.holds else verdict.lines())
        return verdict.result

    return replay


@pytest.hookimpl(trylast=True)  # type: ignore[misc]  # pluggy 1.0 has no types
def pytest_runtest_call(item: pytest.Item) -> None:
    """Hold the limits against what a test has done, once it has passed otherwise."""
    if item.get_closest_marker("pool") is None:
        return
    if not _judges(item):
        _fail("pool: the test replays nothing and uses neither fixture pool nor pool_store")
    lines = [line for judge in _judges(item) for line in judge()]
    if lines:
        _fail("\n".join(lines))


def _judges(item: pytest.Item) -> list[Callable[[], list[str]]]:
    """Return what tells, once the test has passed, which limits it broke."""
    none: list[Callable[[], list[str]]] = []
    return item.stash.setdefault(_JUDGES, none)


def _judged(item: pytest.Item, stats: Any) -> list[str]:
    from pyrns_pool.gate import check_stats

    if not stats.requests:
        return ["pool: the test makes no request"]
    return check_stats(stats, _limits(item))


def _limits(item: pytest.Item) -> Any:
    from pyrns_pool.errors import ConfigError
    from pyrns_pool.gate import Limits

    try:
        return Limits(**{key: value for key, value in _marked(item).items() if key in LIMITS})
    except ConfigError as error:
        _fail(f"pool: {error}")


def _config(item: pytest.Item) -> PoolConfig:
    """Return the pool that the marker or the configuration names."""
    from pyrns_pool import ConfigError, PoolConfig
    from pyrns_pool.exports import load_config

    given = _marked(item)
    path = given.get("config") or item.config.getini("pool_config")
    try:
        if "tiers" in given:
            return PoolConfig.parse(given["tiers"], given.get("policy", "strict"))
        if path:
            found = load_config(item.config.rootpath / path)
            return found.with_policy(given.get("policy", found.policy))
    except (ConfigError, OSError) as error:
        _fail(f"pool: {error}")
    _fail("pool: no tiers= or config= in the marker and no pool_config in the configuration")


def _marked(item: pytest.Item) -> dict[str, Any]:
    """Return the marker's arguments; the nearest marker wins, argument by argument."""
    given: dict[str, Any] = {}
    for marker in item.iter_markers("pool"):
        unknown = [
            *map(repr, marker.args),
            *(key for key in marker.kwargs if key not in LIMITS + POOL),
        ]
        if unknown:
            _fail(f"pool: {unknown[0]} is no argument of {MARKER}")
        given = {**marker.kwargs, **given}
    return given


def _fail(text: str) -> NoReturn:
    pytest.fail(text, pytrace=False)
