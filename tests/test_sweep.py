"""Sweeps: every run is what `replay` and `run_node` say, on any executor and in any pieces."""

import csv
import os
import pickle
import threading
import time
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from figures import assert_words_stand_apart
from hypothesis import given, settings
from hypothesis import strategies as st
from sweep_fixture import POOLS, counts, journal_lines, short_log, small_trace

import pyrns_pool as rp
from pyrns_pool import _sweep_journal, _sweep_task, errors, plot
from pyrns_pool.sweep_results import COUNTS, ROW_DTYPE, InputSummary, SweepResult
from pyrns_pool.workloads.node import node_tables


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return a recording, another one and a packet log."""
    folder = tmp_path_factory.mktemp("sweep")
    first = small_trace(folder / "first.npz")
    return first, small_trace(folder / "other.csv", 900, 2), short_log(folder / "log.csv")


@pytest.fixture(scope="module")
def inputs(files):
    """Return four inputs, one of each kind and with each kind of option."""
    trace, other, log = files
    site = rp.load_trace(trace).top_sites(1)[0].site
    leaf = rp.NodeInput(log, seed=3, role="leaf", headroom_bytes=16, tables={"links": (4, "cull")})
    return [rp.TraceInput(trace, site=site), rp.TraceInput(other), rp.NodeInput(log), leaf]


@pytest.fixture(scope="module")
def whole(inputs):
    """Return the sweep of all inputs over all pools."""
    return rp.sweep(POOLS, inputs)


def test_every_run_is_what_replay_and_run_node_say_in_the_order_asked_for(files, inputs, whole):
    trace, other, log = files
    packets = rp.load_packets(log)
    part = rp.load_trace(trace).filter(site=inputs[0].site)
    rows = iter(whole.to_list())
    for i, one in enumerate(inputs):
        for pool in POOLS:
            row = next(rows)
            if i < 2:
                result = rp.replay(part if i == 0 else rp.load_trace(other), pool)
                assert row["sha256"] == result.trace.sha256
            else:
                result = rp.run_node(packets, pool, **one.options())
            assert (row["input"], row["kind"]) == (one.name, one.kind)
            assert (row["tiers"], row["policy"]) == tuple(str(pool).split())
            assert {name: row[name] for name in COUNTS} == counts(result)
            assert row["hit_rate"] == result.stats.hit_rate
            assert row["slots_bytes"] == pool.slots_bytes
    assert next(rows, None) is None
    table = whole.table
    print(f"{len(table)} runs, {table['exhausted'].sum():,} of {table['requests'].sum():,} missed")
    assert (table["requests"] == sum(table[n] for n in ("hits", "spills", "exhausted"))).all()
    assert all(table[name].any() for name in COUNTS if name not in ("oversize", "fallbacks"))
    assert inputs[3].name == "log.csv role=leaf seed=3"


def test_threads_one_thread_and_processes_give_the_same_table(inputs, whole):
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as processes:
        spread = rp.sweep(POOLS, inputs, processes)
    with ThreadPoolExecutor(1) as thread:
        single = rp.sweep(POOLS, inputs, thread)
    assert whole.table.tolist() == spread.table.tolist() == single.table.tolist()
    assert whole.inputs == spread.inputs == single.inputs


class Shuffled(Executor):
    """Runs what it is given a little later, in an order drawn at random."""

    def __init__(self, seed):
        self.random, self.waiting, self.most = np.random.default_rng(seed), [], 0

    def submit(self, function, *arguments):
        future = Future()
        self.waiting.append((future, function, arguments))
        self.most = max(self.most, len(self.waiting))
        threading.Timer(0.02, self.work).start()
        return future

    def work(self):
        index = self.random.integers(len(self.waiting))
        future, function, arguments = self.waiting.pop(index)
        future.set_result(function(*arguments))


def test_the_order_in_which_runs_end_does_not_matter(inputs, whole, monkeypatch):
    monkeypatch.setitem(rp.sweep.__globals__, "BATCH_COST", 1)
    executor = Shuffled(1)
    done = []
    result = rp.sweep(POOLS, inputs, executor, progress=done.append)
    assert result.table.tolist() == whole.table.tolist()
    print(f"{len(done)} tasks, {executor.most} waiting at most")
    assert len(done) == len(whole.rows) and done[-1] == 1.0 and done == sorted(done)
    assert 4 < executor.most <= rp.sweep.__globals__["IN_FLIGHT_MIN"]


def test_a_trace_in_memory_is_as_good_as_its_file_and_equal_pools_run_once(files):
    trace = rp.load_trace(files[0])
    config = rp.PoolConfig.parse("64x16,512x9")
    kept = rp.sweep([config, POOLS[0], config], [trace, files[0].with_name("other.csv")])
    assert [one.name for one in kept.inputs] == ["first.npz", "other.csv"]
    assert kept.inputs[0].sha256 == trace.sha256 and kept.inputs[0].events == len(trace)
    assert kept.configs == (config, POOLS[0])


@settings(max_examples=25)
@given(data=st.data())
def test_a_sweep_in_pieces_gives_the_same_table_and_runs_nothing_twice(
    inputs, whole, tmp_path_factory, data
):
    path = tmp_path_factory.mktemp("pieces") / "journal"
    pieces = st.lists(st.sampled_from(POOLS), min_size=1, max_size=6)
    for some in data.draw(st.lists(pieces, max_size=3)):
        rp.sweep(some, data.draw(st.sampled_from([inputs[:1], inputs[1:2], inputs[:2]])))
        rp.sweep(some, inputs[:2], journal=path)
        if path.stat().st_size and data.draw(st.booleans()):  # Killed while it wrote.
            os.truncate(path, data.draw(st.integers(0, path.stat().st_size)))
    known = 0
    if path.exists():
        with _sweep_journal.Journal(path) as journal:
            known = len(journal.done)
    result = rp.sweep(POOLS, inputs[:2], journal=path)
    assert result.rows.tolist() == whole.rows.tolist()[: 2 * len(POOLS)]
    assert result.resumed == known
    lines = journal_lines(path)
    assert len(lines) == len({key for key, _ in lines}) == 2 * len(POOLS)


def test_a_journal_cut_anywhere_holds_its_whole_lines(inputs, tmp_path):
    path, cut = tmp_path / "journal", tmp_path / "cut"
    rp.sweep(POOLS[:4], inputs[:1], journal=path)
    data = path.read_bytes()
    lines = journal_lines(path)
    assert len(lines) == 4
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    near = {end + step for end in ends for step in (-2, -1, 0, 1)}
    for length in sorted({*range(0, len(data), 9), *near} - {len(data) + 1}):
        cut.write_bytes(data[:length])
        with _sweep_journal.Journal(cut) as journal:
            done = list(journal.done.items())
        assert done == [(key, tuple(row)) for key, row in lines[: max(0, len(done))]]
        assert len(done) == max(0, data[:length].count(b"\n") - 1)
        assert cut.read_bytes() == data[: max(data.rfind(b"\n", 0, length), data.find(b"\n")) + 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"a letter\n", "journal:1: 'a letter' starts no journal of 0.1.0"),
        (b"no end", "journal:1: 'no end' starts no journal"),
        (b'HEADER["short",[1]]\n', """journal:2: '["short",[1]]' is no run; delete the file"""),
        (b'HEADER["' + b"0" * 32 + b'",[1,2]]\n', "journal:2: "),
        (b'HEADER["' + b"0" * 32 + b'",[' + b"-1," * 10 + b"1]]\n", "journal:2: "),
        (b"HEADERnull\n", "journal:2: 'null' is no run"),
        (b"HEADER\xff\n", r"journal:2: '\xff' is no run"),
    ],
)
def test_what_is_no_journal_is_refused_and_left_as_it_is(inputs, tmp_path, text, says):
    path = tmp_path / "journal"
    with _sweep_journal.Journal(path):
        header = path.read_bytes()
    path.write_bytes(text.replace(b"HEADER", header))
    with pytest.raises(errors.SweepError) as caught:
        rp.sweep(POOLS[:1], inputs[:1], journal=path)
    assert says in str(caught.value) and str(caught.value).isprintable()
    assert path.read_bytes() == text.replace(b"HEADER", header)


def test_one_sweep_at_a_time_writes_a_journal(inputs, tmp_path):
    with _sweep_journal.Journal(tmp_path / "journal"):
        with pytest.raises(errors.SweepError, match="another sweep is writing it"):
            rp.sweep(POOLS[:1], inputs[:1], journal=tmp_path / "journal")
    rp.sweep(POOLS[:1], inputs[:1], journal=tmp_path / "journal")


def test_what_is_known_of_a_run_depends_on_all_that_decides_it(inputs, files, monkeypatch):
    log = files[2]
    nodes = [rp.NodeInput(log, seed=seed) for seed in (1, 2)]
    nodes += [rp.NodeInput(log, role="leaf"), rp.NodeInput(log, headroom_bytes=1)]
    nodes += [rp.NodeInput(log, tables={"links": 31}), rp.NodeInput(log, tables={"paths": 9})]
    pools = _sweep_journal.pool_texts(POOLS)
    keys = [_sweep_journal.run_keys(one, "0" * 64, pools) for one in [inputs[0], *nodes]]
    keys.append(_sweep_journal.run_keys(nodes[0], "1" * 64, pools))
    monkeypatch.setattr(_sweep_journal, "VERSION", "0.0.1")
    keys.append(_sweep_journal.run_keys(nodes[0], "0" * 64, pools))
    distinct = {key for row in keys for key in row}
    assert len(distinct) == len(keys) * len(POOLS) == 9 * len(POOLS)
    same = [rp.NodeInput(log, seed=1, name="other", tables={"links": node_tables()["links"]})]
    same.append(nodes[0])
    one, other = (_sweep_journal.run_keys(node, "0" * 64, pools[:1]) for node in same)
    assert one == other


class Noting(ThreadPoolExecutor):
    """Keeps every future that it gave; an interrupt overtakes the later tasks."""

    QUICK = 12

    def __init__(self, workers):
        super().__init__(workers)
        self.given = []

    def submit(self, function, *arguments):
        seconds = 0 if len(self.given) < self.QUICK else 0.3

        def run():
            time.sleep(seconds)
            return function(*arguments)

        self.given.append(super().submit(run))
        return self.given[-1]


def test_an_interrupt_keeps_what_is_done_and_calls_back_what_is_not(
    inputs, whole, tmp_path, monkeypatch
):
    path = tmp_path / "journal"
    monkeypatch.setitem(rp.sweep.__globals__, "BATCH_COST", 1)

    def interrupt(fraction):
        if fraction > 0.2:
            raise KeyboardInterrupt

    with Noting(2) as executor, pytest.raises(KeyboardInterrupt):
        rp.sweep(POOLS, inputs, executor, journal=path, progress=interrupt)
    called_back = sum(future.cancelled() for future in executor.given)
    print(f"{called_back} of {len(executor.given)} tasks called back")
    assert called_back > 0
    kept = len(journal_lines(path))
    print(f"{kept} of {len(whole.rows)} runs before the interrupt")
    assert 0.2 * len(whole.rows) < kept < len(whole.rows)
    result = rp.sweep(POOLS, inputs, journal=path)
    assert result.rows.tolist() == whole.rows.tolist() and result.resumed == kept


def test_a_batch_of_a_sweep_that_is_over_is_not_run(inputs, whole):
    batch = _sweep_task.Batch(
        "over", rp.__version__, inputs[0], whole.inputs[0].sha256, (POOLS[0],)
    )
    assert _sweep_task.run_batch(batch) == [whole.rows[0].tolist()[2:]]
    _sweep_task.stop("over")
    with pytest.raises(_sweep_task._Stopped):
        _sweep_task.run_batch(batch)


def test_another_version_and_another_file_are_refused_by_the_worker(inputs, whole):
    sha256 = whole.inputs[0].sha256
    for version, wanted in (("9.9", sha256), (rp.__version__, "0" * 64)):
        batch = _sweep_task.Batch("x", version, inputs[0], wanted, (POOLS[0],))
        with pytest.raises(errors.SweepError, match="not 9.9|another than when the sweep began"):
            _sweep_task.run_batch(batch)
    with pytest.raises(errors.SweepError, match="not 9.9"):
        _sweep_task.read_facts("x", "9.9", inputs[0])
    assert len(pickle.dumps(batch)) < 2000


def test_a_file_that_changes_is_read_again_and_those_kept_are_bounded(tmp_path, monkeypatch):
    path = small_trace(tmp_path / "trace.csv", 300)
    before = rp.sweep(POOLS[:1], [path])
    small_trace(path.with_name("new.csv"), 400, 5).replace(path)
    after = rp.sweep(POOLS[:1], [path])
    assert before.inputs[0].sha256 != after.inputs[0].sha256
    monkeypatch.setattr(_sweep_task, "KEPT_COST_MAX", 1000)
    many = [small_trace(tmp_path / f"{i}.csv", 400, i) for i in range(6)]
    rp.sweep(POOLS[:2], many)
    kept = sum(one.cost for one in _sweep_task._kept.values())
    print(f"{len(_sweep_task._kept)} inputs of {kept} events kept")
    assert 0 < kept <= 1000


class Failing(ThreadPoolExecutor):
    """Fails as a process pool does whose process was killed."""

    def submit(self, function, *arguments):
        if function is _sweep_task.run_batch:
            future = Future()
            future.set_exception(RuntimeError("A process in the pool was\nterminated"))
            return future
        return super().submit(function, *arguments)


@pytest.mark.parametrize(
    ("configs", "inputs", "error", "says"),
    [
        ([], ["first.npz"], errors.SweepError, "configs: there is none"),
        (POOLS[:1], [], errors.SweepError, "inputs: there is none"),
        (["64x1"], ["first.npz"], errors.ConfigError, "'64x1' is no PoolConfig"),
        (POOLS[:1], ["first.npz"] * 2, errors.SweepError, "'first.npz' is there twice"),
        (POOLS[:1], ["none.npz"], errors.TraceError, "none.npz: cannot be read by this worker"),
        (POOLS[:1], ["log.csv"], errors.TraceError, "log.csv:1: value 't_s,dir"),
        (
            POOLS,
            ["first.npz", "none.npz"],
            errors.SweepError,
            "runs: 24 is beyond the limit of 20",
        ),
    ],
)
def test_what_cannot_be_swept_is_refused_in_one_line(
    files, configs, inputs, error, says, monkeypatch
):
    monkeypatch.setitem(rp.sweep.__globals__, "SWEEP_RUNS_MAX", 20)
    paths = [files[0].with_name(name) for name in inputs]
    with pytest.raises(error) as caught:
        rp.sweep(configs, paths)
    assert says in str(caught.value) and str(caught.value).isprintable()


def test_a_site_that_is_not_there_names_the_file_and_a_dead_worker_itself(files):
    with pytest.raises(errors.TraceError, match="first.npz: field 'site': value 'nobody'"):
        rp.sweep(POOLS[:1], [rp.TraceInput(files[0], site="nobody")])
    with Failing(1) as executor, pytest.raises(errors.SweepError) as caught:
        rp.sweep(POOLS[:1], files[:1], executor)
    text = r"workers: RuntimeError: A process in the pool was\nterminated"
    assert str(caught.value) == text
    for options in ({"seed": 0}, {"role": "boss"}, {"headroom_bytes": -1}, {"tables": {"x": 1}}):
        with pytest.raises(errors.ConfigError, match=next(iter(options))):
            rp.NodeInput(files[2], **options)


def test_a_result_comes_back_from_its_file_and_goes_to_csv(whole, tmp_path):
    whole.save(tmp_path / "result.npz")
    back = rp.load_result(tmp_path)
    assert isinstance(back, rp.SweepResult)
    assert back.table.tolist() == whole.table.tolist() and back.configs == whole.configs
    whole.save_csv(tmp_path / "table.csv")
    with open(tmp_path / "table.csv", newline="") as file:
        header, *rows = csv.reader(file)
    assert tuple(header) == whole.table.dtype.names
    assert rows == [[str(value) for value in row] for row in whole.table.tolist()]
    with pytest.raises(FileExistsError):
        whole.save_csv(tmp_path / "table.csv")
    wrong = SweepResult(whole.inputs, whole.configs, whole.rows[::-1].copy())
    wrong.save(tmp_path / "wrong.npz")
    with pytest.raises(errors.ResultError, match="not in the order"):
        SweepResult.load(tmp_path / "wrong.npz")


@settings(max_examples=60)
@given(
    served=st.lists(
        st.tuples(st.integers(1, 4), st.integers(0, 9), st.integers(0, 9)),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[0] * 100 + row[1] * 10 + row[2],
    )
)
def test_the_best_pools_are_those_that_no_other_of_as_many_bytes_or_fewer_beats(served):
    configs = tuple(rp.PoolConfig.parse(f"{8 * size}x1") for size, _, _ in served)
    rows = np.zeros((2, len(served)), ROW_DTYPE)
    for i in range(2):
        rows[i]["input"], rows[i]["config"] = i, range(len(served))
        rows[i]["requests"], rows[i]["hits"] = 9 - i, [min(row[1 + i], 9 - i) for row in served]
    summaries = tuple(InputSummary(name, "trace", "", 9) for name in "ab")
    pools = SweepResult(summaries, configs, rows.reshape(-1)).pools
    for pool in pools:
        hits = rows["hits"][:, pool["config"]]
        assert pool["hit_rate"] == hits.sum() / 17
        assert pool["hit_rate_worst"] == min(hits[0] / 9, hits[1] / 8)
        beaten = [
            other
            for other in pools
            if other["slots_bytes"] <= pool["slots_bytes"]
            and (
                other["hit_rate"] > pool["hit_rate"]
                or (other["hit_rate"] == pool["hit_rate"])
                and (
                    (other["slots_bytes"], other["config"]) < (pool["slots_bytes"], pool["config"])
                )
            )
        ]
        assert pool["is_best"] == (not beaten)


def test_the_figure_shows_every_pool_and_joins_the_best(whole, tmp_path, monkeypatch):
    rows = plot.pools_data(whole)
    assert len(rows) == len(POOLS) and (np.diff(rows["slots_bytes"].astype(int)) >= 0).all()
    (ax,) = plot.pools_figure(whole).axes
    drawn = sorted(tuple(at) for marks in ax.collections for at in marks.get_offsets().tolist())
    assert drawn == sorted(zip(rows["slots_bytes"].tolist(), (100 * rows["hit_rate"]).tolist()))
    (line,) = ax.lines
    best = rows[rows["is_best"]]
    assert line.get_xdata()[:-1].tolist() == best["slots_bytes"].tolist()
    names = {path.name for path in plot.save_figures(whole, tmp_path, formats=["png"])}
    assert names == {"pools.png", "pools.csv"}
    assert_words_stand_apart(lambda: plot.pools_figure(whole), monkeypatch)
