"""Configuration that goes out: compiled, replayed without Python, and read by its own tools."""

import configparser
import json
import re
import shlex

import cbuild
import kconfiglib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool.cli import main
from pyrns_pool.exports import (
    Source,
    export,
    export_format,
    header_text,
    kconfig_text,
    load_config,
    lwip_text,
    platformio_text,
    toml_text,
    zephyr_text,
)
from pyrns_pool.exports.facts import POOL_BYTES_32, metadata_bytes_32

POOL = [
    f"csrc/core/rns_{name}.c" for name in ("pool", "pool_init", "pool_stats", "status", "tier")
]
PROGRAM = ["tests/c/export_main.c", "tests/c/export_pool.c"]
FREE = 0xFFFFFFFF
CANDIDATES = "16,24,32,64,128,256"
CONFIGS = {
    "design": rp.PoolConfig.preset("design"),
    "fork, spill": rp.PoolConfig.preset("fork", "spill"),
    "one tier": rp.PoolConfig.parse("32x2500"),
    "eight tiers, spill": rp.PoolConfig.parse(
        "8x700,16x40,24x2100,33x32,64x33,200x17,512x3,1500x1025", "spill"
    ),
}
PLAIN = rp.PoolConfig.parse("128x1,256x40", "spill")
RESERVED = rp.PoolConfig((rp.Tier(64, 4, reserve_count=2, low_water_count=1, region=3),))


@pytest.fixture(scope="module")
def node():
    """Return the recorded node's trace."""
    return rp.load_trace(rp.shipped("microreticulum_node_a.npz"))


@pytest.fixture(scope="module")
def packed(node, tmp_path_factory):
    """Return a file of the trace as pairs of block and size, which firmware can read."""
    pairs = np.zeros((len(node), 2), "<u4")
    pairs[:, 0] = node.blocks
    pairs[:, 1] = np.where(node.events["op"] == 0, node.events["size"], FREE)
    path = tmp_path_factory.mktemp("packed") / "trace.bin"
    path.write_bytes(pairs.tobytes())
    return path


def tiny(config, name="tiny"):
    """Return the replay of three requests."""
    columns = {"t_ns": [0, 1, 2, 3], "op": [0, 0, 0, 1], "id": [1, 2, 3, 1]}
    columns["size"] = [100, 300, 90, 0]
    trace = rp.Trace.from_events(columns, ["app:a"], {"file": name})
    return rp.replay(trace, config)


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """Return a function that compiles the pool of csrc/core once for each set of flags."""
    built = {}

    def compiled(compiler, *flags):
        if (compiler, *flags) not in built:
            folder = tmp_path_factory.mktemp("core")
            sources = [cbuild.ROOT / source for source in POOL]
            compile_c(compiler, flags, sources, "-c", cwd=folder)
            built[(compiler, *flags)] = sorted(folder.glob("*.o"))
        return built[(compiler, *flags)]

    return compiled


def compile_c(compiler, flags, sources, *rest, cwd):
    """Run a compiler with every warning in the folder `cwd`."""
    words = [compiler, *cbuild.STRICT, "-O1", *flags, *cbuild.INCLUDES, *sources, *rest]
    cbuild.execute(["sh", "-c", 'cd "$0" && exec "$@"', cwd, *words])


def build(tmp_path, core, compiler, own, shared=()):
    """Link the program that replays with the core; return its path.

    `own` are flags of the program, `shared` those of the core as well.
    """
    sources = [cbuild.ROOT / source for source in PROGRAM]
    objects = core(compiler, *shared)
    compile_c(compiler, ["-I.", *own, *shared], [*sources, *objects], "-o", "main", cwd=tmp_path)
    return tmp_path / "main"


def build_header(tmp_path, core, config, compiler="gcc", shared=()):
    """Build the program with the header of a pool."""
    (tmp_path / "rns_pool_config.h").write_text(header_text(tiny(config)))
    return build(tmp_path, core, compiler, ["-include", "rns_pool_config.h"], shared)


def numbers(text):
    return [[int(word) for word in line.split()] for line in text.splitlines()]


def of_stats(stats):
    """Return what the program prints of the pool and of each tier."""
    names = "requests hits spills exhausted oversize failures in_use largest_request_bytes"
    tier_names = "slot_bytes slot_count in_use high_water requests hits spills spills_in exhausted"
    rows = [[getattr(stats, name) for name in names.split()]]
    for tier in stats.tiers:
        rows.append([getattr(tier, name) for name in (tier_names + " takes gives").split()])
    return rows


@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
@pytest.mark.parametrize("name", CONFIGS)
def test_the_header_replays_the_recorded_node_without_python(
    name, compiler, core, node, packed, tmp_path
):
    config = CONFIGS[name]
    output = cbuild.run(build_header(tmp_path, core, config, compiler), packed, len(node))
    (storage, needed), *counted = numbers(output)
    expected = rp.replay(node, config).stats
    assert counted == of_stats(expected)
    assert storage == needed >= config.slots_bytes
    assert expected.requests == 451_138 and 0 < expected.hits < expected.requests
    assert (expected.spills > 0) == (config.policy == "spill")


def test_a_header_that_tune_wrote_replays_as_it_predicted(core, node, packed, tmp_path, capsys):
    trace, header = str(rp.shipped("microreticulum_node_a.npz")), tmp_path / "rns_pool_config.h"
    command = ["tune", trace, "--budget", "32KiB", "--max-tiers", "2", "--candidates", CANDIDATES]
    assert main([*command, "--header", str(header), "--json"]) == 0
    predicted = json.loads(capsys.readouterr().out)["predicted"]
    program = build(tmp_path, core, "gcc", ["-include", header.name])
    _, (requests, hits, *_), *tiers = numbers(cbuild.run(program, packed, len(node)))
    assert (requests, hits) == (node.block_count, predicted["hits"]) and len(tiers) == 2
    assert main([*command, "--header", str(header)]) == 1
    assert "--force overwrites it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "flags",
    [
        cbuild.SANITIZERS["address"],
        ["-m32"],
        ["-DRNS_SYNC=RNS_SYNC_ATOMIC"],
        ["-DRNS_CANARY=1"],
        ["-DEXPORT_HEADER_BYTES=16"],
        ["-DRNS_ALIGN_BYTES=64u", "-DEXPORT_HEADER_BYTES=64"],
    ],
    ids=" ".join,
)
def test_the_storage_is_exactly_what_the_pool_needs_in_every_build(flags, core, packed, tmp_path):
    program = build_header(tmp_path, core, CONFIGS["eight tiers, spill"], shared=flags)
    (storage, needed), *_ = numbers(cbuild.run(program, packed, 2000))
    assert storage == needed > 0


@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m3", "rv32imac"])
def test_the_header_compiles_freestanding_and_its_ram_is_as_told(target, tmp_path):
    config = CONFIGS["eight tiers, spill"]
    header = tmp_path / "rns_pool_config.h"
    header.write_text(header_text(tiny(config)))
    told = int(re.search(r"([\d,]+) bytes of metadata", header.read_text())[1].replace(",", ""))
    assert told == metadata_bytes_32(config)
    ram = tmp_path / "ram.c"
    ram.write_text(
        '#include "rns_pool_config.h"\n'
        f'_Static_assert(sizeof(rns_pool_t) == {POOL_BYTES_32}, "pool");\n'
        "_Static_assert(RNS_POOL_STORAGE_BYTES(0) + sizeof(rns_pool_t) =="
        f' {config.slots_bytes + told}, "all");\n'
    )
    for source in (ram, cbuild.ROOT / "tests/c/export_pool.c"):
        cbuild.execute(
            [*cbuild.TARGETS[target], *cbuild.STRICT, "-Os", "-ffreestanding", "-nostdlib"]
            + [*cbuild.INCLUDES, f"-I{tmp_path}", "-include", header]
            + ["-c", source, "-o", tmp_path / "out.o"]
        )


def kconfig(fragment, autoconf):
    """Return what Kconfig has to say of a fragment; write its header."""
    symbols = str(cbuild.CSRC / "core" / "Kconfig")
    kconf = kconfiglib.Kconfig(symbols, warn_to_stderr=False)
    kconf.warn_assign_undef = True
    kconf.load_config(str(fragment))
    kconf.write_autoconf(str(autoconf))
    return kconf.warnings


@pytest.mark.parametrize("name", ["eight tiers, spill", "design"])
def test_kconfig_takes_the_fragment_and_its_header_gives_the_same_pool(
    name, core, node, packed, tmp_path
):
    config = CONFIGS[name]
    fragment, autoconf = tmp_path / "rns_pool.conf", tmp_path / "autoconf.h"
    fragment.write_text(kconfig_text(tiny(config)))
    assert kconfig(fragment, autoconf) == []
    assert len(autoconf.read_text().splitlines()) >= 1 + 2 * len(config.tiers)
    program = build(tmp_path, core, "gcc", ["-include", "autoconf.h"])
    _, *counted = numbers(cbuild.run(program, packed, len(node)))
    assert counted == of_stats(rp.replay(node, config).stats)


def test_kconfig_warns_of_more_tiers_than_there_are(tmp_path):
    fragment = tmp_path / "bad.conf"
    fragment.write_text("CONFIG_RNS_POOL_TIER_COUNT=9\nCONFIG_RNS_POOL_TIER_8_SLOT_BYTES=1\n")
    warnings = " ".join(kconfig(fragment, tmp_path / "autoconf.h"))
    assert "TIER_8_SLOT_BYTES" in warnings and "range" in warnings


@pytest.mark.parametrize("compiler", cbuild.COMPILERS)
def test_platformio_flags_on_a_command_line_give_the_same_pool(
    compiler, core, node, packed, tmp_path
):
    config = CONFIGS["fork, spill"]
    ini = configparser.ConfigParser()
    ini.read_string(platformio_text(tiny(config)))
    flags = shlex.split(ini["rns_pool"]["build_flags"])
    assert flags[0] == "-DCONFIG_RNS_POOL_SPILL=1" and len(flags) == 2 + 2 * len(config.tiers)
    program = build(tmp_path, core, compiler, flags)
    _, *counted = numbers(cbuild.run(program, packed, len(node)))
    assert counted == of_stats(rp.replay(node, config).stats)


LWIP_PARTS = "TIMERS RAW UDP TCP NETCONN SOCKET"
LWIP_OFF = [f"#define LWIP_{part} 0" for part in LWIP_PARTS.split()]
LWIP_OFF += ["#define NO_SYS 1", "#define IP_REASSEMBLY 0", "#define IP_FRAG 0"]
LWIP_PROGRAM = """
#include <stdio.h>
#include "lwip/memp.h"
#include "lwip/mem.h"
#include "lwip/pbuf.h"
#include "lwip/timeouts.h"
#if !MEM_USE_POOLS
#error "not lwIP's own headers"
#endif
struct { const char* name; unsigned num; unsigned size; } pools[] = {
#define LWIP_MEMPOOL(name, num, size, desc) {#name, num, size},
#include "lwip/priv/memp_std.h"
};
int main(void)
{
    printf("%d\\n", MEM_USE_POOLS_TRY_BIGGER_POOL);
    for (int i = MEMP_POOL_FIRST; i <= (int)MEMP_POOL_LAST; ++i) {
        unsigned record = LWIP_MEM_ALIGN_SIZE(sizeof(struct memp_malloc_helper));
        printf("%u %u\\n", pools[i].size - record, pools[i].num);
    }
    return 0;
}
"""


@pytest.mark.parametrize("policy", ["strict", "spill"])
def test_lwips_own_headers_make_the_same_pools_of_lwippools(policy, tmp_path):
    config = PLAIN.with_policy(policy)
    text = lwip_text(tiny(config))
    (tmp_path / "lwippools.h").write_text(text)
    options = re.findall(r"^ \*  +(#define .*)$", text, re.M)
    assert len(options) == 3
    (tmp_path / "lwipopts.h").write_text("\n".join([*options, *LWIP_OFF, ""]))
    (tmp_path / "main.c").write_text(LWIP_PROGRAM)
    cbuild.execute(
        ["gcc", "-std=gnu11", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}", "-isystem"]
        + ["/usr/include/lwip", tmp_path / "main.c", "-o", tmp_path / "main"]
    )
    (bigger,), *pools = numbers(cbuild.run(tmp_path / "main"))
    assert pools == [[tier.slot_bytes, tier.slot_count] for tier in config.tiers]
    assert bigger == (policy == "spill")


ZEPHYR_PROGRAM = """
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
struct k_mem_slab { char* buffer; size_t block_size; uint32_t num_blocks; };
/* As documented: a buffer aligned to slab_align, block size a multiple of it. */
#define K_MEM_SLAB_DEFINE_STATIC(name, slab_block_size, slab_num_blocks, slab_align)            \\
    _Static_assert((slab_block_size) % (slab_align) == 0, "alignment");                         \\
    static _Alignas(slab_align) char buffer_##name[(slab_num_blocks) * (slab_block_size)];      \\
    static struct k_mem_slab name = {buffer_##name, slab_block_size, slab_num_blocks}
#include "rns_slabs.h"
USAGE
int main(void)
{
    for (size_t i = 0; i < RNS_SLAB_COUNT; ++i) {
        printf("%zu %u\\n", slabs[i]->block_size, (unsigned)slabs[i]->num_blocks);
    }
    return 0;
}
"""


def test_zephyrs_macro_makes_a_slab_of_each_tier_as_the_comment_tells(tmp_path):
    config = rp.PoolConfig.parse("12x3,100x40,256x2")
    text = zephyr_text(tiny(config))
    usage = "\n".join(re.findall(r"^ \* {5}(.*)$", text, re.M)[-5:])
    (tmp_path / "rns_slabs.h").write_text(text)
    (tmp_path / "main.c").write_text(ZEPHYR_PROGRAM.replace("USAGE", usage))
    flags = ["-std=c11", "-Wall", "-Wextra", "-Werror", f"-I{tmp_path}"]
    cbuild.execute(["gcc", *flags, tmp_path / "main.c", "-o", tmp_path / "main"])
    assert numbers(cbuild.run(tmp_path / "main")) == [[16, 3], [104, 40], [256, 2]]


@pytest.mark.parametrize("name", ["header", "kconfig", "platformio", "lwip", "zephyr", "toml"])
def test_every_form_of_a_pool_names_trace_prediction_ram_and_version(name, tmp_path):
    form = export_format(name)
    result = tiny(PLAIN, "evil */ name /* //")
    path = export(Source(None, result), form.name, tmp_path)
    assert path == tmp_path / form.file_name
    text = path.read_text()
    for fact in (
        result.trace.sha256,
        rp.__version__,
        "hit rate 66.6666 %",
        "10,368 bytes of slots",
    ):
        assert fact in text
    assert text.count("*/") == 1  # In C only the comment's own end; elsewhere only the name's.
    with pytest.raises(FileExistsError):
        export(Source(None, result), form.name, path)
    with pytest.raises(rp.ConfigError, match="no pool is given"):
        export(Source(None), form.name, path, overwrite=True)


def test_several_traces_of_one_pool_are_all_named_and_of_two_pools_are_refused():
    one, two = tiny(PLAIN, "one.csv"), tiny(PLAIN, "two.csv")
    text = header_text(one, two)
    assert "one.csv" in text and "two.csv" in text and text.count("Predicted") == 2
    with pytest.raises(rp.ConfigError, match="replays of 2 pools"):
        header_text(one, tiny(CONFIGS["design"]))
    with pytest.raises(rp.ConfigError, match="replays of 0 pools"):
        toml_text()


@pytest.mark.parametrize("text", [kconfig_text, platformio_text, lwip_text, zephyr_text])
def test_what_a_form_cannot_say_is_refused_by_name(text):
    with pytest.raises(rp.ConfigError, match=r"tier 0 \(64x4\): reserve_count: 2 cannot be said"):
        text(tiny(RESERVED))


def test_the_header_says_reserve_low_water_and_region():
    assert ".reserve_count = 2, .low_water_count = 1, .region = 3" in header_text(tiny(RESERVED))


@pytest.mark.parametrize(
    ("tiers", "says"), [("65521x1", "slot_bytes: 65521"), ("8x65536", "slot_count: 65536")]
)
def test_lwips_16_bits_are_a_limit_with_a_name(tiers, says):
    with pytest.raises(rp.ConfigError, match=says):
        lwip_text(tiny(rp.PoolConfig.parse(tiers)))


def test_an_unknown_form_names_those_that_there_are():
    with pytest.raises(rp.ConfigError, match="'elf' is not one of header, kconfig"):
        export_format("elf")


@st.composite
def configs(draw):
    sizes = sorted(draw(st.sets(st.integers(1, 5000), min_size=1, max_size=8)))
    tiers = []
    for size in sizes:
        count = draw(st.integers(1, 300))
        low = draw(st.integers(0, count))
        spare = draw(st.integers(0, count - low))
        extra = (draw(st.integers(0, count)), low, spare, draw(st.integers(0, 3)))
        tiers.append(rp.Tier(size, count, *extra))
    policy = draw(st.sampled_from(["strict", "spill"]))
    return rp.PoolConfig(tuple(tiers), policy, draw(st.sampled_from(["none", "malloc"])))


@settings(max_examples=50)
@given(config=configs(), name=st.text(max_size=20))
def test_toml_comes_back_as_the_same_configuration(config, name, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "round.toml"
    safe = rp.errors.printable(name)
    path.write_text(toml_text(tiny(config, safe)))
    assert load_config(path) == config
