"""What every benchmark says beside its figures: machine, compiler, commit, date."""

import datetime
import os
import platform
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"


def first_line(*command):
    """Return the first line that a command prints, "unknown" if it cannot be run."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.splitlines()[0] if done.stdout else ""


def processor():
    """Return the model name of the processor."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def header(title):
    """Return the title and what the figures depend on, as Markdown."""
    commit = first_line("git", "rev-parse", "--short", "HEAD")
    if first_line("git", "status", "--porcelain", "--untracked-files=no"):
        commit += " with changes"
    facts = {
        "date": datetime.date.today().isoformat(),
        "commit": commit,
        "processor": f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "system": f"{first_line('uname', '-sr')}, {first_line('ldd', '--version')}",
        "compiler": first_line("gcc", "--version"),
        "python": platform.python_version(),
    }
    return "\n".join([f"# {title}", "", *(f"- {name}: {fact}" for name, fact in facts.items())])


def table(columns, rows):
    """Return a Markdown table, aligned so that it also reads as text."""
    cells = [list(map(str, row)) for row in [columns, *rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = []
    for row in cells:
        aligned = [row[0].ljust(widths[0])]
        aligned += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]
        lines.append(f"| {' | '.join(aligned)} |")
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    lines.insert(1, f"| {' | '.join(rule)} |")
    return "\n".join(lines)


def publish(name, text):
    """Print a report and write it to results/ under today's date."""
    print(text)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{datetime.date.today().isoformat()}-{name}.md"
    path.write_text(text + "\n")
    print(f"\nwritten to {path.relative_to(ROOT)}")
