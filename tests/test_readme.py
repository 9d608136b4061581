"""What the README shows is what its commands print today."""

import re
import subprocess
import sys
from pathlib import Path

import matplotlib
import pytest

import pyrns_pool as rp
from pyrns_pool.plot import save_figures

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
PICTURE = "docs/img/occupancy.png"
NODE_PICTURE = "docs/img/node.png"
# pyrns-pool node LOG and these, -o DIR; pyrns-pool plot DIR; overview.png is the picture.
NODE = "--tiers 64x217,256x148,512x13 --table paths=141 --table announces=26 --table links=28"
DEBIAN_MATPLOTLIB = "3.6.3"  # Another version draws other bytes.


def blocks(language):
    """Return the code blocks of a language, in order; "" is the language of plain text."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.M | re.S)
    return [text for name, text in found if name == language]


def printed(*command):
    """Return what a Python command prints."""
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return done.stdout


def table_rows(text):
    """Return the cells of every row of every table in a text, marks of code and emphasis gone."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [
        tuple(re.sub("[`*]", "", cell).strip() for cell in line.split("|")[1:-1]) for line in lines
    ]


def test_the_scripts_print_what_the_readme_says():
    scripts = blocks("python")
    print(f"{len(scripts)} scripts")
    assert len(scripts) == 2
    for script in scripts:
        assert len(script.strip().splitlines()) <= 15
        assert printed("-c", script) in blocks("")


def test_the_node_prints_what_the_readme_says():
    (command,) = [text for text in blocks("sh") if text.startswith("pyrns-pool node")]
    words = command.replace("\\\n", " ").split()
    assert printed("-m", "pyrns_pool", *words[1:]).rstrip() + "\n" in blocks("")


@pytest.mark.parametrize("picture", ["heaps_node", "heaps_packet_node"])
def test_the_comparison_prints_and_draws_what_the_readme_shows(picture, tmp_path):
    after = README[README.index(f"docs/img/{picture}.png") :]
    command = re.search(r"^pyrns-pool (compare .*?) -o out$", after, re.M | re.S)[1]
    words = command.replace("\\\n", " ").split()
    text = printed("-m", "pyrns_pool", *words, "-o", tmp_path)
    assert text[: text.index("\nwritten to")].rstrip() + "\n" in blocks("")
    if matplotlib.__version__ == DEBIAN_MATPLOTLIB:
        printed("-m", "pyrns_pool", "plot", tmp_path, "--format", "png")
        drawn = (tmp_path / "largest_free.png").read_bytes()
        assert drawn == (ROOT / "docs" / "img" / f"{picture}.png").read_bytes()


@pytest.mark.parametrize("name", ["allocs", "bytes"])
def test_the_rows_of_a_result_are_those_that_its_benchmark_wrote(name):
    (path,) = re.findall(rf"\]\((benchmarks/results/[0-9-]+-{name}\.md)\)", README)
    before = README[: README.index(path)]
    after = README[README.index(path) :]
    paragraph = after if name == "allocs" else before[before.rindex("\n**") :] + after
    table = re.search(r"^\|.*?\n\n", paragraph, re.M | re.S)[0]
    written = [" ".join(row) + " " for row in table_rows((ROOT / path).read_text())]
    shown = table_rows(table)[2:]
    print(f"{len(shown)} rows of {path}")
    assert len(shown) >= 8
    for name_shown, *cells in shown:
        # The README leaves columns out and names the peers in its own words, but for the paths.
        start = re.escape(name_shown) if name == "allocs" else ""
        pattern = start + "".join(rf".*(?<!\S){re.escape(cell)} " for cell in cells)
        assert any(re.match(pattern, row) for row in written), f"{name_shown}: {cells}"


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


def test_every_link_of_the_readme_leads_somewhere():
    links = re.findall(r"\]\(([^)#]+)\)", README)
    assert PICTURE in links
    assert not [link for link in links if not (ROOT / link).exists()]


@pytest.mark.skipif(matplotlib.__version__ != DEBIAN_MATPLOTLIB, reason="draws other bytes")
def test_the_picture_is_what_the_demo_draws_today(tmp_path):
    trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
    result = rp.replay(trace, rp.PoolConfig.preset("design"))
    save_figures(result, tmp_path, formats=("png",))
    assert (tmp_path / "occupancy.png").read_bytes() == (ROOT / PICTURE).read_bytes()


@pytest.mark.skipif(matplotlib.__version__ != DEBIAN_MATPLOTLIB, reason="draws other bytes")
def test_the_picture_of_the_node_is_what_its_commands_draw_today(tmp_path):
    log = rp.shipped("reticulum_mtu500_transport.csv.gz")
    printed("-m", "pyrns_pool", "node", log, *NODE.split(), "-o", tmp_path)
    printed("-m", "pyrns_pool", "plot", tmp_path, "--format", "png")
    assert (tmp_path / "overview.png").read_bytes() == (ROOT / NODE_PICTURE).read_bytes()


def test_the_soak_prints_what_the_document_says():
    page = (ROOT / "docs" / "soak.md").read_text()
    command, *longer = re.findall(r"^pyrns-pool (soak .*)$", page, re.M)
    print(f"not run: {longer}")
    assert f"```\n{printed('-m', 'pyrns_pool', *command.split())}```\n" in page
