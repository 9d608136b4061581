"""What README and docs show is what their commands print and draw today."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import pyrns_pool as rp
from pyrns_pool.plot import save_figures

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURE = "docs/img/occupancy.png"
DEBIAN_MATPLOTLIB = "3.6.3"  # Another version draws other bytes.
SHOWN = re.compile(r"^```sh\n(pyrns-pool [^`]*?)```\n\n```\n(.*?)^```$", re.M | re.S)
OUTPUTS = {"-o", "--annotate"}
LEAST_SHOWN = 12
RESULTS = ("allocs", "bytes")
LEAST_ROWS = 7


def blocks(language):
    """Return README's code blocks of a language, in order; "" is the language of plain text."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
    return [text for name, text in found if name == language]


def printed(*command, status=0):
    """Return what a Python command prints."""
    done = subprocess.run([sys.executable, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    return done.stdout


def table_rows(text):
    """Return the cells of every row of every table in a text, marks of code and emphasis gone."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        tuple(re.sub("[`*]", "", cell).strip() for cell in line.split("|")[1:-1]) for line in lines
    ]


def shown():
    """Return a parameter for each command whose output a page shows."""
    for page in PAGES:
        text = page.read_text()
        for match in SHOWN.finditer(text):
            words = shlex.split(match[1].replace("\\\n", " "))[1:]
            before = text[: match.start()].rpartition("```")[2]
            found = re.findall(r"!\[[^]]*\]\(([^)]+)\)", before) if "--plot" in words else []
            pictures = [page.parent / path for path in found]
            assert bool(pictures) == ("--plot" in words), f"{page}: no picture of {words}"
            yield pytest.param(words, match[2], pictures, id=f"{page.stem}-{words[0]}")


@pytest.mark.parametrize("words, output, pictures", shown())
def test_a_command_prints_and_draws_what_the_page_shows(words, output, pictures, tmp_path):
    for option in OUTPUTS & {*words}:
        words[words.index(option) + 1] = str(tmp_path / words[words.index(option) + 1])
    text = printed("-m", "pyrns_pool", *words, status=int(words[0] == "check"))
    assert text.partition("\nwritten to")[0].rstrip() + "\n" == output
    if pictures and matplotlib.__version__ == DEBIAN_MATPLOTLIB:
        drawn = [path.read_bytes() for path in tmp_path.rglob("*.png")]
        assert all(picture.read_bytes() in drawn for picture in pictures)


def test_the_pages_show_commands():
    params = list(shown())
    print(f"{len(params)} commands on {len(PAGES)} pages")
    assert len(params) >= LEAST_SHOWN
    assert sum(len(param.values[2]) for param in params) >= 9


def test_the_scripts_print_what_the_readme_says():
    scripts = blocks("python")
    print(f"{len(scripts)} scripts")
    assert len(scripts) == 2
    for script in scripts:
        assert len(script.strip().splitlines()) <= 15
        assert printed("-c", script) in blocks("")


@pytest.mark.parametrize("name", RESULTS)
def test_the_rows_of_a_result_are_those_that_its_benchmark_wrote(name):
    link = rf"\]\((?:\.\./)?(benchmarks/results/[0-9-]+-{name}\.md)\)"
    ((text, path),) = [
        (page.read_text(), found) for page in PAGES for found in re.findall(link, page.read_text())
    ]
    before, after = text[: text.index(path)], text[text.index(path) :]
    paragraph = before[before.rindex("\n**") :] + after if name == "bytes" else after
    table = re.search(r"^\|.*?\n\n", paragraph, re.M | re.S)[0]
    written = [" ".join(row) + " " for row in table_rows((ROOT / path).read_text())]
    rows = table_rows(table)[2:]
    print(f"{len(rows)} rows of {path}")
    assert len(rows) >= LEAST_ROWS
    for name_shown, *cells in rows:
        # The page leaves columns out and names the peers in its own words, but for the paths.
        start = "" if name == "bytes" else re.escape(name_shown)
        pattern = start + "".join(rf".*(?<!\S){re.escape(cell)} " for cell in cells)
        assert any(re.match(pattern, row) for row in written), f"{name_shown}: {cells}"


def test_the_table_of_the_firmware_is_the_one_that_was_recorded():
    recorded = json.loads((ROOT / "tests" / "data" / "firmware_costs.json").read_text())
    costs = recorded["cortex-m3"]

    def row(kind, name):
        return [f"{costs[kind][build][name]:,}" for build in costs["flash"]]

    def instructions(name):
        ranges = [
            (of[f"{name} least"], of[f"{name} most"]) for of in costs["instructions"].values()
        ]
        return [f"{a}" if a == b else f"{a} to {b}" for a, b in ranges] + [""]

    wanted = [row("flash", "take, give"), row("flash", "+ init")]
    wanted += [row("state", "tier"), row("state", "pool without tiers")]
    wanted += [instructions(name) for name in ("take", "give", "miss")]
    table = re.search(r"^\| Cortex-M3 .*?\n\n", README, re.M | re.S)[0]
    assert [cells for _, *cells in table_rows(table)[2:]] == wanted


def test_the_demo_prints_what_the_readme_says(tmp_path):
    text = printed("-m", "pyrns_pool", "demo", "-o", tmp_path / "demo")
    table = text.partition("\nfigures,")[0].rstrip() + "\n"
    assert table in blocks("")


def test_the_c_example_compiles_without_a_warning(tmp_path):
    import cbuild

    (example,) = blocks("c")
    source = tmp_path / "example.c"
    prototypes = "rns_status_t start(void);\nrns_status_t receive(void** packet);\n"
    begin = example.index("rns_status_t start")
    main = "int main(void)\n{\n    void* p;\n    return start() + receive(&p);\n}\n"
    source.write_text(example[:begin] + prototypes + example[begin:] + main)
    program = cbuild.build(tmp_path, [source, *cbuild.sources("core")])
    cbuild.run(program)


def test_the_pool_without_a_miss_has_the_size_that_the_readme_says():
    (tiers,) = re.findall(r"--tiers (32x[0-9x,\s]+)`", README)
    trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
    result = rp.replay(trace, rp.PoolConfig.parse(tiers))
    assert result.stats.misses == 0
    assert all(tier.high_water == tier.slot_count for tier in result.stats.tiers)
    peak = result.trace.peak_live_bytes
    ratio = result.config.slots_bytes / peak
    assert f"{result.config.slots_bytes:,} bytes, {ratio:.2f}\ntimes the {peak:,} bytes" in README


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_of_a_page_leads_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.skipif(matplotlib.__version__ != DEBIAN_MATPLOTLIB, reason="draws other bytes")
def test_the_picture_is_what_the_demo_draws_today(tmp_path):
    trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
    result = rp.replay(trace, rp.PoolConfig.preset("design"))
    save_figures(result, tmp_path, formats=("png",))
    assert (tmp_path / "occupancy.png").read_bytes() == (ROOT / PICTURE).read_bytes()
