"""Look for faults longer than `make test` does: ``python tests/verify [--soak] [JOB ...]``.

Each job first finds the faults that were planted for it, then looks for real ones and counts what
it looked at. The counts are held to those in counts.json, so that nothing passes by doing less.
"""

import argparse
import importlib
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, Iterator

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import jobs  # noqa: E402
import table  # noqa: E402
from job import Job, Room  # noqa: E402

COUNTS = HERE / "counts.json"
Outcome = dict[str, Any]


def main() -> int:
    arguments = parse()
    if arguments.one:
        with redirect_stdout(sys.stderr):  # The outcome alone is read by who started this.
            outcome = carry_out(known_jobs()[arguments.one], arguments.soak)
        json.dump(outcome, sys.stdout)
        return 0
    known = known_jobs()
    unknown = sorted(set(arguments.job) - set(known))
    if unknown:
        print(f"verify: no job is called {unknown[0]}; see --list", file=sys.stderr)
        return 2
    chosen = [known[name] for name in arguments.job or known]
    if arguments.list:
        for job in chosen:
            print(f"{job.name:24} {job.tool:16} {job.shows}")
        return 0
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    start, counts = time.monotonic(), json.loads(COUNTS.read_text())
    recorded = counts["soak" if arguments.soak else "verify"]
    outcomes = []
    for outcome in run_all(chosen, arguments.soak):
        fault_of_counts(outcome, {} if arguments.record else recorded.get(outcome["name"], {}))
        outcomes.append(outcome)
        print(table.row(outcome), *outcome["faults"], sep="\n", flush=True)
        if outcome["faults"]:
            continue
        if arguments.record:
            recorded[outcome["name"]] = outcome["counts"]
            COUNTS.write_text(json.dumps(counts, indent=1, sort_keys=True) + "\n")
        if arguments.table:
            table.write(outcome, known, arguments.soak)
    failed = [outcome for outcome in outcomes if outcome["faults"]]
    print(
        f"{len(outcomes)} jobs, {sum(len(o['plants']) for o in outcomes)} planted faults, "
        f"{len(failed)} failed, {time.monotonic() - start:.0f} s"
    )
    return 1 if failed else 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify", description=__doc__.split("\n")[0])
    parser.add_argument("job", nargs="*", help="run these only")
    parser.add_argument("--list", action="store_true", help="print the jobs, run none")
    parser.add_argument("--soak", action="store_true", help="look for hours, not minutes")
    parser.add_argument("--record", action="store_true", help="keep the counts in counts.json")
    parser.add_argument("--table", action="store_true", help=f"write the rows of {table.PAGE}")
    parser.add_argument("--one", metavar="JOB", help=argparse.SUPPRESS)
    return parser.parse_args()


def known_jobs() -> dict[str, Job]:
    modules = sorted(info.name for info in pkgutil.iter_modules(jobs.__path__))
    found = [job for name in modules for job in importlib.import_module(f"jobs.{name}").JOBS]
    return {job.name: job for job in found}


def carry_out(job: Job, soak: bool) -> Outcome:
    """Do one job, in this process; what goes wrong in it is a fault."""
    start, plants, counts, faults = time.monotonic(), {}, {}, []
    with tempfile.TemporaryDirectory() as folder:
        for number, (name, plant) in enumerate([*job.plants.items(), ("", job.run)]):
            room = Room(Path(folder, str(number)), soak)
            room.tmp.mkdir()
            try:
                if name:
                    plants[name] = plant(room)
                    faults += [] if plants[name] else [f"planted {name}: was not found"]
                else:
                    counts = dict(job.run(room))
            except AssertionError as error:
                faults.append(f"{name or 'run'}: {error}")
            except Exception:
                faults.append(f"{name or 'run'}: {traceback.format_exc()}")
    seconds = time.monotonic() - start
    return {
        "name": job.name,
        "plants": plants,
        "counts": counts,
        "faults": faults,
        "seconds": seconds,
    }


def run_all(chosen: list[Job], soak: bool) -> Iterator[Outcome]:
    """Yield the outcomes as they come; each job is a process, as many as there are processors.

    What they leave in TMPDIR goes with the end of this, also when they are killed.
    """
    waiting, running = sorted(chosen, key=lambda job: (-job.cores, not job.is_long)), {}
    cores = os.cpu_count() or 1
    folder = tempfile.TemporaryDirectory(prefix="pyrns-pool-verify-")
    try:
        while waiting or running:
            busy = sum(min(job.cores, cores) for job in running.values())
            ready = next((job for job in waiting if min(job.cores, cores) <= cores - busy), None)
            if ready:
                waiting.remove(ready)
                running[start(ready, soak, folder.name)] = ready
                continue
            done = next((process for process in running if process.poll() is not None), None)
            if not done:
                time.sleep(0.05)
                continue
            yield outcome_of(done, running.pop(done))
    finally:
        for process in running:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        folder.cleanup()


def start(job: Job, soak: bool, folder: str) -> "subprocess.Popen[str]":
    command = [sys.executable, str(HERE), "--one", job.name, *(["--soak"] if soak else [])]
    output = tempfile.TemporaryFile("w+")
    process = subprocess.Popen(
        command,
        env={**os.environ, "TMPDIR": folder},
        stdin=subprocess.DEVNULL,
        stdout=output,
        start_new_session=True,
        text=True,
    )
    process.stdout = output
    return process


def outcome_of(process: "subprocess.Popen[str]", job: Job) -> Outcome:
    with process.stdout as output:
        output.seek(0)
        text = output.read()
    try:
        return json.loads(text)
    except ValueError:
        fault = f"its process ended with {process.returncode}: {text}"
        return {"name": job.name, "plants": {}, "counts": {}, "faults": [fault], "seconds": 0.0}


def fault_of_counts(outcome: Outcome, least: dict[str, int]) -> None:
    """Add a fault for each count that is below the recorded one."""
    for name, count in least.items():
        seen = outcome["counts"].get(name, 0)
        if seen < count and not outcome["faults"]:
            outcome["faults"].append(f"{name}: {seen:,} is below the recorded {count:,}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
