"""Time sweeps: two threads, processes and cluster workers beside one thread, and a task by itself.

Run by `make bench`. The last table is computed from the others: what 10^5 pools over 10^3 traces
would cost.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import report

import pyrns_pool as rp

RECORDING = rp.shipped("microreticulum_node_a.npz")
PACKETS = rp.shipped("reticulum_mtu500_transport.csv.gz")
POOLS = [
    rp.PoolConfig.parse(f"64x{small},256x{middle},512x16")
    for small in range(64, 264, 8)
    for middle in (16, 32, 64, 160)
]
TINY_EVENTS = 200
MANY_POOLS, MANY_TRACES = 10**5, 10**3
CORES = (2, 64, 1024)


@contextlib.contextmanager
def cluster(folder):
    """Yield the executor of a scheduler and two workers of one thread each on this machine."""
    from distributed import Client

    address = folder / "address.json"
    common = ["--scheduler-file", str(address), "--no-dashboard"]
    scheduler = ["dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    worker = ["dask_worker", "--no-nanny", "--nthreads", "1"]
    started = []
    with open(folder / "log", "wb") as log, contextlib.ExitStack() as stack:
        for module, *options in (scheduler, worker, worker):
            command = [sys.executable, "-m", f"distributed.cli.{module}", *options, *common]
            started.append(subprocess.Popen(command, cwd=folder, stdout=log, stderr=log))
            stack.callback(started[-1].wait)
            stack.callback(started[-1].kill)
        client = stack.enter_context(Client(scheduler_file=str(address), set_as_default=False))
        client.wait_for_workers(2)
        yield client.get_executor()


def seconds(pools, inputs, executor):
    """Return the wall time of a sweep."""
    begin = time.perf_counter()
    rp.sweep(pools, inputs, executor)
    return time.perf_counter() - begin


def per_task(tiny, executor, rounds):
    """Return the seconds that one more task costs: many inputs less one, of a run each."""
    walls = [seconds(POOLS[:1], tiny, executor) for _ in range(rounds)]
    ones = [seconds(POOLS[:1], tiny[:1], executor) for _ in range(rounds)]
    # Each input is two tasks: one that reads it, one that runs it.
    return (min(walls) - min(ones)) / (2 * (len(tiny) - 1))


def paper(run_s, task_s, runs_a_task):
    """Return rows of what the large sweep costs, for each kind of cluster."""
    runs = MANY_POOLS * MANY_TRACES
    tasks = runs / runs_a_task
    rows = []
    for cores in CORES:
        work_h = runs * run_s / cores / 3600
        # A scheduler hands tasks out one after the other, however many workers there are.
        schedule_h = tasks * task_s / 3600
        rows.append([f"{cores:,}", f"{work_h:,.1f}", f"{schedule_h:,.2f}"])
    return rows


def main():
    """Measure and publish."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    warnings.filterwarnings("ignore", "make_current is deprecated", DeprecationWarning)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        inputs = {
            "recorded node": [rp.TraceInput(RECORDING)],
            "packet log": [rp.NodeInput(PACKETS)],
        }
        tiny = []
        for seed in range(64):
            path = folder / f"{seed}.csv"
            rp.save_trace(rp.packet_node(8192, events=TINY_EVENTS, seed=seed), path)
            tiny.append(rp.TraceInput(path))
        executors = {
            "1 thread": stack.enter_context(ThreadPoolExecutor(1)),
            "2 threads": stack.enter_context(ThreadPoolExecutor(2)),
            "2 processes": stack.enter_context(ProcessPoolExecutor(2, get_context("spawn"))),
            "2 dask workers": stack.enter_context(cluster(folder)),
        }
        walls = {(what, where): [] for what in inputs for where in executors}
        for executor in executors.values():
            for given in inputs.values():
                seconds(POOLS[:2], given, executor)  # Workers have started and read.
        for _ in range(rounds):  # In turn, so that what else the machine does hits all.
            for what, where in walls:
                walls[what, where].append(seconds(POOLS, inputs[what], executors[where]))
        best = {key: min(times) for key, times in walls.items()}
        tasks = {where: per_task(tiny, executors[where], rounds) for where in executors}
    rows = [
        [
            what,
            where,
            f"{wall:.3f}",
            f"{wall / len(POOLS) * 1e3:.2f}",
            f"{best[what, '1 thread'] / wall:.2f}",
        ]
        for (what, where), wall in best.items()
    ]
    run_s = best["recorded node", "1 thread"] / len(POOLS)
    limits = sys.modules["pyrns_pool.sweep"]
    runs_a_task = max(1, limits.BATCH_COST // len(rp.load_trace(RECORDING)))
    task_s = tasks["2 dask workers"]
    runs = MANY_POOLS * MANY_TRACES
    text = "\n\n".join(
        [
            report.header("Sweeps: two workers beside one thread"),
            f"Best of {rounds} rounds in turn, {len(POOLS)} pools; reading the input is in it.",
            report.table(["input", "executor", "s", "ms a run", "speed-up"], rows),
            f"One task by itself, over a trace of {TINY_EVENTS} events that is to be read first:",
            report.table(
                ["executor", "ms a task"],
                [[where, f"{task * 1e3:.2f}"] for where, task in tasks.items()],
            ),
            f"On paper: {MANY_POOLS:,} pools over {MANY_TRACES:,} traces as long as the recorded "
            f"node are {runs:,} runs of {run_s * 1e3:.1f} ms, in tasks of {runs_a_task}, each of "
            f"which takes the scheduler {task_s * 1e3:.1f} ms, one after the other. Where the "
            "scheduler's hours are the more, they are the limit. A sweep holds at most "
            f"{limits.SWEEP_RUNS_MAX:,} runs: these are {runs // limits.SWEEP_RUNS_MAX} sweeps.",
            report.table(
                ["cores", "hours of running", "hours of the scheduler"],
                paper(run_s, task_s, runs_a_task),
            ),
        ]
    )
    report.publish("sweep", text)


if __name__ == "__main__":
    main()
