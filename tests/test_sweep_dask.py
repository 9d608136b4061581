"""Sweeps on a real Dask cluster on this machine: a scheduler, two workers, and accidents."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from distributed import Client
from sweep_fixture import POOLS, journal_lines, short_log, small_trace
from test_cli import pyrns_pool

import pyrns_pool as rp
from pyrns_pool import errors

# Debian's distributed asks this of Debian's tornado.
pytestmark = pytest.mark.filterwarnings("ignore:make_current is deprecated:DeprecationWarning")
PACKAGE = Path(rp.__file__).parent


class Cluster:
    """A scheduler and its workers, each a process; `workers` maps names to them."""

    def __init__(self, folder):
        self.folder, self.workers = folder, {}
        self.scheduler = self.start("scheduler", "dask_scheduler", "--host", "127.0.0.1")
        while not (address := self.said("scheduler", "Scheduler at:")):
            assert self.scheduler.poll() is None, (folder / "scheduler").read_text()
            time.sleep(0.02)
        self.address = address.split()[-1]
        self.client = Client(self.address, set_as_default=False, timeout=5)

    def start(self, name, module, *arguments, path=None):
        """Start a process whose words go to a file of its name."""
        command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments]
        command += ["--port", "0"] if module == "dask_scheduler" else ["--no-nanny"]
        environment = {**os.environ, **({"PYTHONPATH": str(path)} if path else {})}
        with open(self.folder / name, "wb") as words:
            return subprocess.Popen(
                [*command, "--no-dashboard"],
                cwd=self.folder,
                env=environment,
                stdout=words,
                stderr=subprocess.STDOUT,
            )

    def said(self, name, what):
        """Return the line in which a process said something."""
        lines = (self.folder / name).read_text().splitlines()
        return next((line for line in lines if what in line), "")

    def add(self, *names, path=None):
        """Start workers, from the package at `path` if one is given, and wait for them."""
        for name in names:
            arguments = (self.address, "--nthreads", "1", "--name", name)
            arguments += ("--local-directory", str(self.folder))
            self.workers[name] = self.start(name, "dask_worker", *arguments, path=path)
        self.wait()

    def kill(self, name):
        """Kill a worker as the kernel does that is out of memory."""
        worker = self.workers.pop(name)
        worker.kill()
        worker.wait()

    def wait(self):
        """Return once the scheduler knows exactly the workers that there are."""
        while {one["name"] for one in self.known().values()} != set(self.workers):
            assert all(worker.poll() is None for worker in self.workers.values())
            time.sleep(0.02)

    def known(self):
        """Return what the scheduler knows of its workers, by address."""
        return self.client.scheduler_info()["workers"]

    def kill_all(self):
        """Kill every process that was started."""
        for process in (self.scheduler, *self.workers.values()):
            process.kill()
            process.wait()

    def close(self):
        """Leave nothing behind."""
        with suppress(OSError):  # There may be no scheduler any more to take leave of.
            self.client.close()
        self.kill_all()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Return a cluster of two workers, "a" and "b"."""
    made = Cluster(tmp_path_factory.mktemp("dask"))
    try:
        made.add("a", "b")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Return a recording and a packet log."""
    folder = tmp_path_factory.mktemp("files")
    log = short_log(folder / "log.csv")
    return [rp.TraceInput(small_trace(folder / "node.npz")), rp.NodeInput(log)]


@contextmanager
def one_pool_a_task(monkeypatch):
    """Make many small tasks of a sweep."""
    with monkeypatch.context() as patch:
        patch.setitem(rp.sweep.__globals__, "BATCH_COST", 1)
        yield


def test_a_cluster_gives_the_table_that_threads_give(cluster, inputs):
    here = rp.sweep(POOLS, inputs)
    there = rp.sweep(POOLS, inputs, cluster.client.get_executor())
    assert there.table.tolist() == here.table.tolist() and there.inputs == here.inputs


def test_the_command_line_gives_the_same_on_a_cluster(cluster, inputs, tmp_path):
    text = f"""
[[trace]]
path = '{inputs[0].path}'
[[node]]
path = '{inputs[1].path}'
[[pool]]
tiers = [{{slot_bytes = 64, slots = [4, 16]}}, {{slot_bytes = 512, slots = 2}}]
"""
    path = tmp_path / "s.toml"
    path.write_text(text)
    there = pyrns_pool("sweep", path, "--dask", cluster.address, "--json")
    assert there == pyrns_pool("sweep", path, "--jobs", "2", "--json")
    assert there.count('"hit_rate"') == 4


def test_a_worker_of_another_version_is_refused_before_anything_runs(cluster, inputs, tmp_path):
    ignore = shutil.ignore_patterns("__pycache__", "data")
    shutil.copytree(PACKAGE, tmp_path / "pyrns_pool", ignore=ignore)
    (tmp_path / "pyrns_pool" / "_version.py").write_text('VERSION = "0.0.9"\n')
    cluster.add("old", path=tmp_path)
    (address,) = [at for at, one in cluster.known().items() if one["name"] == "old"]
    told = []
    executor = cluster.client.get_executor()
    with pytest.raises(errors.SweepError) as caught:
        rp.sweep(POOLS, inputs, executor, progress=told.append)
    needed = rp.__version__
    assert str(caught.value) == f"worker {address}: has pyrns_pool 0.0.9, and {needed} is needed"
    assert told == [] and executor.submit(int, "7").result() == 7  # It is the caller's.
    cluster.kill("old")
    cluster.wait()
    assert len(rp.sweep(POOLS, inputs, executor).rows) == 2 * len(POOLS)


def test_an_unreadable_input_is_named_by_the_worker_that_cannot_read_it(cluster, inputs):
    gone = rp.TraceInput(Path(inputs[0].path).with_name("gone.npz"))
    with pytest.raises(errors.TraceError, match="gone.npz: cannot be read by this worker"):
        rp.sweep(POOLS, [*inputs, gone], cluster.client.get_executor())


def test_a_worker_killed_in_mid_run_loses_nothing_and_doubles_nothing(
    cluster, inputs, tmp_path, monkeypatch
):
    journal = tmp_path / "journal"
    here = rp.sweep(POOLS, inputs)
    held = []

    def kill(fraction):
        if not held and fraction > 0.2:
            (address,) = [at for at, one in cluster.known().items() if one["name"] == "b"]
            os.kill(cluster.workers["b"].pid, signal.SIGSTOP)  # What it is given now is lost.
            time.sleep(0.1)
            held.extend(cluster.client.processing([address])[address])
            if held:
                cluster.kill("b")
            else:  # It had done all that it was given: the next time, then.
                os.kill(cluster.workers["b"].pid, signal.SIGCONT)

    with one_pool_a_task(monkeypatch):
        there = rp.sweep(
            POOLS, inputs, cluster.client.get_executor(), journal=journal, progress=kill
        )
    print(f"{len(held)} tasks were with the worker that was killed, of {len(there.rows)}")
    assert len(held) > 0 and list(cluster.workers) == ["a"]
    assert there.table.tolist() == here.table.tolist()
    lines = journal_lines(journal)
    assert len(lines) == len({key for key, _ in lines}) == len(here.rows)


def test_a_cluster_without_workers_and_no_scheduler_are_said(cluster, inputs, tmp_path):
    cluster.kill("a")
    cluster.wait()
    with pytest.raises(errors.SweepError, match="workers: the cluster has none"):
        rp.sweep(POOLS, inputs, cluster.client.get_executor())
    path = tmp_path / "s.toml"
    path.write_text(f"[[trace]]\npath = '{inputs[0].path}'\n[[pool]]\npreset = 'design'\n")
    says = pyrns_pool("sweep", path, "--dask", "127.0.0.1", status=2)
    assert "dask: '127.0.0.1' is not like tcp://127.0.0.1:8786" in says
    says = pyrns_pool("sweep", path, "--dask", cluster.address, status=1)
    assert "workers: the cluster has none" in says


def test_a_scheduler_that_is_killed_ends_the_sweep_in_one_line_and_it_goes_on_elsewhere(
    cluster, inputs, tmp_path, monkeypatch
):
    cluster.add("c")
    journal = tmp_path / "journal"
    with one_pool_a_task(monkeypatch), pytest.raises(errors.SweepError) as caught:
        executor = cluster.client.get_executor()
        rp.sweep(POOLS, inputs, executor, journal=journal, progress=lambda _: cluster.kill_all())
    assert "lost its scheduler" in str(caught.value)
    kept = len(journal_lines(journal))
    result = rp.sweep(POOLS, inputs, journal=journal)
    print(f"{kept} runs before the scheduler was killed")
    assert 0 < kept == result.resumed < len(result.rows)
    assert result.table.tolist() == rp.sweep(POOLS, inputs).table.tolist()
