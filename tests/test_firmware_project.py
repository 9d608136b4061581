"""How the library goes into a project: plain CMake, pkg-config, ESP-IDF, PlatformIO, lock ports.

Plain CMake and pkg-config are used as a project would. ESP-IDF and PlatformIO are not here: their
files are read by what reads their forms, and their lock ports compiled against names alone.
"""

import json
import re

import cbuild
import kconfiglib
import pytest
import yaml

import pyrns_pool as rp

ROOT = cbuild.ROOT
PROGRAM = r"""
#include "rns_bytes.h"
#include "rns_packet.h"
#include <stdio.h>

int main(void)
{
    static _Alignas(RNS_ALIGN_BYTES) unsigned char storage[4096];
    static const rns_tier_config_t tiers[] = {{.slot_bytes = 64, .slot_count = 40}};
    const rns_pool_config_t config = {.tiers = tiers, .tier_count = 1, .header_bytes = 16};
    const rns_memory_t memory = {storage, sizeof storage};
    rns_pool_t pool;
    rns_store_t store;
    rns_bytes_t bytes = {0};
    rns_packet_t packet;
    if (rns_pool_init(&pool, &config, memory) != RNS_OK ||
        rns_store_init(&store, &pool, &(rns_store_options_t){0}) != RNS_OK ||
        rns_bytes_init(&bytes, &store, "packet", 6) != RNS_OK) {
        return 1;
    }
    printf("profile %d, %d bytes, %zu of a tier, packets of %zu\n", RNS_PROFILE,
           (int)bytes.length, sizeof(rns_pool_tier_t), sizeof packet);
    return rns_bytes_drop(&bytes, &store) == RNS_OK ? 0 : 1;
}
"""
PROJECT = """
cmake_minimum_required(VERSION 3.18)
project(outside LANGUAGES C)
find_package(rns_pool 0.1 REQUIRED)
add_executable(outside main.c)
target_link_libraries(outside PRIVATE rns_pool::rns_pool)
"""
SMALL = 'RNS_PROFILE=RNS_PROFILE_SMALL;RNS_SYNC=RNS_SYNC_LOCK;RNS_LOCK_HEADER="rns_lock_irq.h"'


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """Build and install the small profile with a lock of its own; return the prefix."""
    tmp = tmp_path_factory.mktemp("install")
    build, prefix = tmp / "build", tmp / "prefix"
    flags = ["-G", "Ninja", f"-DCMAKE_INSTALL_PREFIX={prefix}", "-DCMAKE_INSTALL_LIBDIR=lib"]
    cbuild.execute(["cmake", "-S", ROOT, "-B", build, *flags, f"-DRNS_DEFINITIONS={SMALL}"])
    cbuild.execute(["cmake", "--build", build])
    cbuild.execute(["cmake", "--install", build])
    return prefix


@pytest.fixture
def project(tmp_path):
    (tmp_path / "main.c").write_text(PROGRAM)
    (tmp_path / "CMakeLists.txt").write_text(PROJECT)
    return tmp_path


def check_output(output):
    """Verify that the program was compiled as the library was."""
    assert re.match(r"profile 1, 6 bytes, \d+ of a tier, packets of \d+\n", output), output


def test_a_program_outside_the_tree_finds_the_package(installed, project):
    build = project / "build"
    flags = ["-G", "Ninja", f"-DCMAKE_PREFIX_PATH={installed}", "-DCMAKE_C_FLAGS=-Wall -Werror"]
    cbuild.execute(["cmake", "-S", project, "-B", build, *flags])
    cbuild.execute(["cmake", "--build", build])
    check_output(cbuild.execute([build / "outside"]))


def test_a_program_outside_the_tree_is_compiled_with_what_pkg_config_says(installed, project):
    pkg_config = ["env", f"PKG_CONFIG_PATH={installed}/lib/pkgconfig", "pkg-config", "rns_pool"]
    found = cbuild.execute([*pkg_config, "--cflags", "--libs"])
    assert cbuild.execute([*pkg_config, "--modversion"]).strip() == rp.__version__
    command = f"gcc -std=c11 -Wall -Werror main.c -o outside {found.strip()}"
    cbuild.execute(["sh", "-c", f"cd {project} && {command}"])
    check_output(cbuild.execute([project / "outside"]))


def test_every_file_for_a_project_says_the_version_of_the_package():
    component = yaml.safe_load((ROOT / "idf_component.yml").read_text())
    library = json.loads((ROOT / "library.json").read_text())
    cmake = re.search(r"project\(rns_pool VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert {component["version"], library["version"], cmake[1]} == {rp.__version__}


def test_the_forms_of_esp_idf_and_platformio_name_what_is_there():
    component = yaml.safe_load((ROOT / "idf_component.yml").read_text())
    assert component.keys() == {"version", "description", "license", "dependencies", "files"}
    left_out = {pattern.removesuffix("/**/*") for pattern in component["files"]["exclude"]}
    assert all((ROOT / folder).is_dir() for folder in left_out)
    library = json.loads((ROOT / "library.json").read_text())
    build = library["build"]
    filters = [re.fullmatch(r"\+<(.+)>", each)[1] for each in build["srcFilter"]]
    sources = {path for each in filters for path in (ROOT / build["srcDir"]).glob(each)}
    assert sources == set(cbuild.sources("core", "node"))
    folders = [flag.removeprefix("-I") for flag in build["flags"]]
    found = {
        header for header in library["headers"] for f in folders if (ROOT / f / header).exists()
    }
    assert found == set(library["headers"])
    assert all((ROOT / path).exists() for path in library["export"]["include"])


@pytest.mark.parametrize("profile", ["FULL", "SMALL", "LEAST"])
def test_kconfig_reads_the_menu_and_one_profile_is_chosen(profile, tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    menu = kconfiglib.Kconfig("Kconfig", warn_to_stderr=False)
    assert menu.warnings == []
    menu.syms[f"RNS_POOL_PROFILE_{profile}"].set_value("y")
    menu.write_config(str(tmp_path / "sdkconfig"))
    lines = (tmp_path / "sdkconfig").read_text().splitlines()
    chosen = [line for line in lines if re.match(r"CONFIG_RNS_POOL_PROFILE_\w+=y", line)]
    assert chosen == [f"CONFIG_RNS_POOL_PROFILE_{profile}=y"]
    assert "CONFIG_RNS_POOL_TIER_COUNT=3" in lines


def test_the_component_registers_the_sources_and_what_its_profile_needs(tmp_path):
    stub = tmp_path / "component.cmake"
    stub.write_text(
        "function(idf_component_register)\n"
        '    message("register ${ARGN}")\n'
        '    set(COMPONENT_LIB "of_idf" PARENT_SCOPE)\n'
        "endfunction()\n"
        "function(target_compile_definitions)\n"
        '    message("define ${ARGN}")\n'
        "endfunction()\n"
        f'include("{ROOT}/CMakeLists.txt")\n'
    )
    flags = ["-DESP_PLATFORM=1", "-DCONFIG_RNS_POOL_PROFILE_SMALL=y"]
    lines = cbuild.execute(["cmake", *flags, "-P", stub]).splitlines()
    registered, defined = lines
    assert set(map(str, cbuild.sources("core", "node"))) <= set(re.split("[ ;]", registered))
    assert "INCLUDE_DIRS;csrc/port;csrc/core;csrc/node;REQUIRES;freertos" in registered
    assert defined == (
        'define of_idf;PUBLIC;RNS_SYNC=RNS_SYNC_LOCK;RNS_LOCK_HEADER="rns_lock_esp.h";'
        "RNS_PROFILE=RNS_PROFILE_SMALL"
    )


@pytest.mark.parametrize("lock", ["esp", "freertos"])
@pytest.mark.parametrize("target", ["cortex-m0", "cortex-m3", "rv32imac"])
def test_a_lock_port_compiles_and_leaves_what_it_enters(target, lock, tmp_path):
    defines = [f'RNS_LOCK_HEADER="rns_lock_{lock}.h"', "RNS_SYNC=RNS_SYNC_LOCK"]
    made = tmp_path / "pool.o"
    cbuild.execute(
        [*cbuild.TARGETS[target], *cbuild.STRICT, "-Os", "-ffreestanding"]
        + [*(f"-D{define}" for define in defines), f"-I{cbuild.CSRC / 'core'}"]
        + [f"-I{cbuild.CSRC / 'port'}", "-isystem", ROOT / "tests" / "data" / "ports"]
        + ["-c", cbuild.CSRC / "core" / "rns_pool.c", "-o", made]
    )
    wanted = cbuild.undefined_symbols(target, [made])
    safe = "Safe" if lock == "esp" else ""
    assert {f"vPortEnterCritical{safe}", f"vPortExitCritical{safe}"} <= wanted
