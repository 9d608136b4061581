"""`pyrns-pool live` as a user types it: with a terminal or without, to its end or not."""

import codecs
import csv
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from dataclasses import replace
from importlib.metadata import version

import live_picture
import pytest

import pyrns_pool as rp
from pyrns_pool.cli import main
from pyrns_pool.live import Recorded, Sample, TierNow, Window
from pyrns_pool.live.log import Log
from pyrns_pool.live.sample import Alarm, HeapNow, Miss
from pyrns_pool.live.terminal import picture

JQ = ["jq", "-M", "-n", "[range(3000) | {a: ., b: tostring}] | group_by(.a % 7) | map(length)"]
SLEEPY = "import sys, time; print('it says', flush=True); time.sleep(60)"
TIERS = "32x4096,64x1024,512x64"
LIVE = [sys.executable, "-m", "pyrns_pool", "live"]
WAIT_S = 60
DEBIAN_RICH = "13.3.1"  # Another version draws other bytes.


def live(*arguments):
    """Run to the end, nothing of it a terminal."""
    command = [*LIVE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


class Terminal:
    """A command in a terminal of its own."""

    def __init__(self, *arguments, rows=24, columns=80, code=None):
        self.text = ""
        self.decoder = codecs.getincrementaldecoder("utf-8")()  # A read may end in a character.
        self.pid, self.file = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLUMNS="", LINES="")
            del os.environ["COLUMNS"], os.environ["LINES"]
            start = ["-m", "pyrns_pool"] if code is None else ["-c", code]
            time.sleep(0.2)  # Until the size is set.
            os.execv(sys.executable, [sys.executable, *start, "live", *map(str, arguments)])
        self.resize(rows, columns)

    def resize(self, rows, columns):
        fcntl.ioctl(self.file, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read_until(self, pattern=None):
        """Read until a pattern is there, or to the end; return all that was written."""
        end = time.monotonic() + WAIT_S
        while pattern is None or not re.search(pattern, self.text, re.S):
            assert time.monotonic() < end, self.text
            if select.select([self.file], [], [], 1.0)[0]:
                try:
                    more = os.read(self.file, 1 << 16)
                except OSError:
                    more = b""
                if not more:
                    assert pattern is None, self.text
                    break
                self.text += self.decoder.decode(more)
        return self.text

    def status(self):
        """Read to the end, and return the exit status."""
        self.read_until()
        os.close(self.file)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


# ---- Without a terminal ----


def test_rows_come_where_there_is_no_terminal_and_the_command_keeps_stdout():
    done = live("--tiers", TIERS, "--period", "0.05", "--", *JQ)
    assert done.returncode == 0 and json.loads(done.stdout)[0] == 429
    lines = done.stderr.splitlines()
    assert lines[0].startswith("jq -M -n ") and lines[0].endswith(f"over {TIERS} strict")
    assert lines[1].split() == "time events requests hit rate misses/s".split() + TIERS.split(",")
    rows = lines[2 : lines.index(next(line for line in lines if line.startswith("live  ")))]
    print(f"{len(rows)} rows")
    assert rows and len({len(row) for row in rows} | {len(lines[1])}) == 1
    assert re.search(r"^[\d.]+ % of [\d,]+ requests served by the pool\.$", done.stderr, re.M)
    assert "where it missed" in done.stderr and "libjq" in done.stderr


def test_the_exit_status_of_the_command_is_passed_on():
    assert live("--", "sh", "-c", "exit 7").returncode == 7


def test_json_is_a_line_for_each_sample_and_what_the_command_prints_goes_to_stderr():
    done = live("--tiers", TIERS, "--heap", "none", "--json", "--", "jq", "-n", "1")
    samples = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.stderr == "1\n"
    last = samples[-1]
    assert (last["state"], last["status"], last["heap"]) == ("ended", 0, None)
    assert last["requests"] == last["hits"] + last["misses"] > 100
    assert [tier["slot_bytes"] for tier in last["tiers"]] == [32, 64, 512]
    names = "in_use high_water high_water_ns requests hits spills spills_in exhausted"
    assert {*names.split(), "first_full_ns", "first_miss_ns"} < last["tiers"][0].keys()
    assert set(last["window"]) == {"ns", "requests", "misses", "hit_rate", "misses_per_s"}


def test_a_log_has_a_whole_row_for_each_sample(tmp_path, capsys):
    log = tmp_path / "folder" / "log.csv"
    done = live("--tiers", TIERS, "--period", "0.05", "--json", "--log", log, "--", *JQ)
    samples = [json.loads(line) for line in done.stdout.splitlines()]
    text = log.read_text()
    assert text.endswith("\n")
    rows = list(csv.DictReader(text.splitlines()))
    assert len(rows) == len(samples)
    for row, sample in zip(rows, samples):
        counts = {name: int(value) for name, value in row.items()}
        for name in ("time_ns", "events", "requests", "hits", "oversize", "behind", "lost"):
            assert counts[name] == sample[name]
        for tier in sample["tiers"]:
            for name in ("in_use", "high_water", "requests", "spills", "exhausted"):
                assert counts[f"tier{tier['slot_bytes']}_{name}"] == tier[name]
        assert counts["heap_failures"] == sample["heap"]["failures"]
    assert main(["live", "--log", str(log), "--", *JQ]) == 1
    assert "log.csv exists; --force overwrites it" in capsys.readouterr().err


def test_a_workload_is_watched_and_its_rows_have_its_own_time():
    done = live("--workload", "rtp", "--hours", "1", "--period", "0.05")
    assert done.returncode == 0 and done.stdout == ""
    expected = rp.run_soak(rp.SoakSpec(rp.PoolConfig.parse("160x16,512x24"), "rtp", 1)).stats
    assert f"of {expected.requests:,} requests served by the pool" in done.stderr
    assert done.stderr.splitlines()[0].startswith("rtp workload, seed 1, as fast as it goes, over")
    assert "1:00:00" in done.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        ([], "command: is needed behind --, or --workload"),
        (["--workload", "node", "--", "jq"], "one of CMD and --workload, not both"),
        (["--hours", "1", "--", "jq"], "--hours: goes with workload, not with CMD"),
        (["--workload", "node", "--heap", "tlsf"], "--heap: goes with CMD, not with workload"),
        (["--period", "0", "--", "jq"], "period: 0.0 is not in 0.05 to 3600"),
        (["--process", "0", "--", "jq"], "process: 0 is not 1 or more"),
    ],
)
def test_wrong_use_is_one_line(arguments, words, capsys):
    assert main(["live", *arguments]) == 2
    printed = capsys.readouterr()
    assert words in printed.err and printed.err.count("\n") == 1 and printed.out == ""


# ---- In a terminal ----


def test_the_picture_is_drawn_and_what_the_command_prints_scrolls_by_above_it():
    terminal = Terminal(
        "--tiers", TIERS, "--period", "0.05", "--", sys.executable, "-c", SLEEPY, rows=24
    )
    text = terminal.read_until(r"it says.*beside +tlsf.*alarms")
    assert re.search(r" 32 .*of 4,096 .*high", text)
    terminal.resize(40, 120)
    terminal.read_until(r"\x1b\[2J.*beside +tlsf")  # Drawn anew on a clear screen.
    os.write(terminal.file, b"\x03")
    assert terminal.status() == 130
    end = terminal.text[terminal.text.rindex("live  ") :]
    assert "KeyboardInterrupt" in terminal.text  # Of the command, which got it as well.
    assert "requests served by the pool." in end
    assert terminal.text.rindex("\x1b[?25h") > terminal.text.rindex("\x1b[?25l")  # The cursor.


def test_ctrl_c_ends_a_workload_with_its_summary():
    terminal = Terminal("--workload", "node", "--speed", "60", "--period", "0.05")
    terminal.read_until("running.*high")
    os.write(terminal.file, b"\x03")
    assert terminal.status() == 130
    assert "requests served by the pool." in terminal.text


def test_without_rich_a_terminal_gets_rows():
    code = (
        "import sys; sys.modules['rich'] = None\n"
        "from pyrns_pool.cli import main; sys.exit(main())"
    )
    terminal = Terminal("--tiers", TIERS, "--", *JQ, code=code)
    assert terminal.status() == 0
    assert "misses/s" in terminal.text and "\x1b[" not in terminal.text


def test_a_polite_end_is_passed_on_to_the_command():
    command = [*LIVE, "--period", "0.05", "--json", "--", "sleep", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if json.loads(line)["state"] == "running":
                break
        process.send_signal(signal.SIGTERM)
        last = json.loads(process.stdout.readlines()[-1])
    assert (last["state"], last["status"]) == ("ended", 143)
    assert process.returncode == 143


# ---- The picture ----


def sample(tier_count):
    """Return a sample in which everything is long."""
    big = 10**9
    tiers = tuple(
        TierNow(2**i * 8, 4000, 4000 - 40 * i, 4000, 1, big, big, big, big, big, 1, 1)
        for i in range(tier_count)
    )
    alarms = tuple(Alarm("tier_filling", tier.slot_bytes, True, 3, 10**12) for tier in tiers)
    misses = (Miss(10**12, 100_000, None, "libsomething.so.1:a_long_name" * 4),) * 16
    return Sample(
        time_ns=10**13,
        state="running",
        status=None,
        events=10**12,
        requests=10**12,
        hits=10**11,
        spills=0,
        exhausted=10**11,
        oversize=1,
        in_use=4000,
        missed_bytes=0,
        missed_bytes_peak=0,
        window=Window(10**10, 10**9, 10**8),
        tiers=tiers,
        heap=HeapNow("first_fit", 2**30, 10**8, 10**7, big, big),
        alarms=alarms,
        last_misses=misses,
        behind=10**9,
        lost=10**9,
        other_processes=12,
    )


@pytest.mark.parametrize("width, height", [(80, 24), (120, 40), (60, 14), (40, 12), (200, 60)])
@pytest.mark.parametrize("tier_count", [1, 5, 16])
def test_the_picture_fits_the_terminal(width, height, tier_count):
    from rich.console import Console

    now = sample(tier_count)
    source = Recorded(rp.PoolConfig.parse("64x8"), ["a-very-long-command"] * 20)
    console = Console(width=width, height=height, force_terminal=True, record=True)
    with console.capture():
        console.print(picture(now, source, width, height))
    lines = console.export_text().splitlines()
    assert len(lines) < height and max(map(len, lines)) < width
    shown = sum("of 4,000" in line for line in lines)
    assert shown == tier_count or f"{tier_count - shown} tier" in "\n".join(lines)
    assert any(line.startswith("alarms  tier 8 filling") for line in lines)
    assert any(line.startswith("missed") for line in lines) or height < 24


def test_bars_are_as_long_as_their_tiers_are_full_and_have_a_tick(tmp_path):
    from rich.console import Console

    from pyrns_pool.live.terminal import tier_line

    def bar(in_use, high_water):
        tier = TierNow(64, 10, in_use, high_water, 0, 0, 0, 0, 0, 0, None, None)
        text = tier_line(tier, (), 8 + 48 + 20).plain
        return text[8:28]

    assert Console(width=80).width == 80
    full, rest, mark = (
        "\N{FULL BLOCK}",
        "\N{BOX DRAWINGS LIGHT HORIZONTAL}",
        "\N{BOX DRAWINGS HEAVY VERTICAL}",
    )
    assert bar(0, 0) == rest * 20
    assert bar(5, 5) == full * 10 + rest * 10
    assert bar(5, 8) == full * 10 + rest * 5 + mark + rest * 4
    assert bar(10, 10) == full * 20


@pytest.mark.skipif(version("rich") != DEBIAN_RICH, reason="draws other bytes")
def test_the_picture_of_the_docs_is_what_is_drawn_today():
    drawn = live_picture.draw()
    assert "url(http" not in drawn and "href" not in drawn
    assert live_picture.PATH.read_text() == drawn


def test_a_log_refuses_to_overwrite_and_leaves_the_heap_empty_where_there_is_none(tmp_path):
    path, pool = tmp_path / "a.csv", rp.PoolConfig.parse("8x4000")
    with Log(path, pool) as log:
        log.write(replace(sample(1), heap=None))
    (row,) = csv.DictReader(path.read_text().splitlines())
    assert row["heap_failures"] == "" and row["tier8_in_use"] == "4000"
    with pytest.raises(FileExistsError):
        Log(path, pool)
