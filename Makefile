# The two commands of the README are `make demo` and `make test`. On Debian 12 each does its own
# set-up: packages by apt, a virtual environment over them, and an editable build of pyrns_pool.
# Nothing is taken from PyPI. CONTRIBUTING.md ("Packaging") has the reasons.

# Not whatever python3 comes first on PATH: the Debian packages belong to this one.
PYTHON := /usr/bin/python3
VENV := .venv
VENV_MADE := $(VENV)/made
INSTALLED := $(VENV)/installed
PYTEST := $(VENV)/bin/python -m pytest -q -n 2

DEMO_PACKAGES := gcc libc6-dev python3-dev python3-cffi python3-numpy python3-matplotlib \
    python3-setuptools python3-wheel python3-pip python3-venv python3-rich
TEST_PACKAGES := $(DEMO_PACKAGES) python3-pytest python3-pytest-xdist python3-hypothesis \
    python3-nbclient python3-nbformat python3-ipykernel python3-ipywidgets clang clang-format \
    clang-tidy cppcheck libclang-rt-14-dev gcc-multilib gcc-arm-none-eabi \
    gcc-riscv64-unknown-elf black flake8 mypy pydocstyle valgrind g++ nettle-dev \
    qemu-system-arm qemu-system-misc python3-clang patch python3-distributed python3-tomli \
    python3-kconfiglib liblwip-dev heaptrack zstd python3-zstandard python3-prometheus-client \
    sqlite3 jq git cmake ninja-build pkgconf python3-yaml chromium python3-jinja2 python3-aiohttp
VERIFY_PACKAGES := $(TEST_PACKAGES) spin relacy-dev afl++ locales gcovr frama-c-base why3 z3 \
    libopenblas0-pthread
BENCH_PACKAGES := $(DEMO_PACKAGES) libjemalloc2 libmimalloc2.0 libtcmalloc-minimal4 g++ pkgconf \
    nettle-dev libglib2.0-dev libabsl-dev qtbase5-dev python3-distributed heaptrack sqlite3 jq \
    chromium python3-aiohttp python3-prometheus-client

# What the extension modules are compiled from. Folders are listed too: their time stamps change
# when a source is removed.
BUILD_INPUTS := setup.py setup.cfg pyrns_pool/_build.py $(wildcard pyrns_pool/*.h) \
    $(shell find csrc)

# Either would make the virtual environment see another Python's packages.
unexport PYTHONPATH PYTHONHOME

.NOTPARALLEL:
.PHONY: help demo test lint sanitize verify soak bench allocs firmware firmware-size firmware-test clean \
    packages-demo packages-test packages-verify packages-bench

help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## /\1 /p' Makefile | while read -r target what; do \
	    printf '  make %-13s %s\n' "$$target" "$$what"; done

demo: packages-demo $(INSTALLED) ## run the demonstration: pyrns-pool demo --force
	@$(VENV)/bin/pyrns-pool demo --force

test: packages-test $(INSTALLED) ## run every check: linters, C suites, sanitizers, notebooks, Python
	@$(PYTEST)

lint: packages-test $(INSTALLED) ## run the linters only
	@$(PYTEST) tests/test_lint.py

sanitize: packages-test $(INSTALLED) ## run the C suites under the sanitizers only
	@$(PYTEST) tests -k sanit

verify: packages-verify $(INSTALLED) ## look for faults for a quarter of an hour: all states, proofs, mutants
	@$(VENV)/bin/python tests/verify

soak: packages-verify $(INSTALLED) ## the same for hours
	@$(VENV)/bin/python tests/verify --soak

bench: packages-bench $(INSTALLED) ## measure core and Bytes against their peers, replay, curves, tables
	@$(VENV)/bin/python benchmarks/core_peers.py
	@$(VENV)/bin/python benchmarks/bytes_peers.py
	@$(VENV)/bin/python benchmarks/replay_speed.py
	@$(VENV)/bin/python benchmarks/import_speed.py
	@$(VENV)/bin/python benchmarks/curve_speed.py
	@$(VENV)/bin/python benchmarks/table_speed.py
	@$(VENV)/bin/python benchmarks/bytes_python.py
	@$(VENV)/bin/python benchmarks/ops_speed.py
	@$(VENV)/bin/python benchmarks/heap_models.py
	@$(VENV)/bin/python benchmarks/compare_speed.py
	@$(VENV)/bin/python benchmarks/sweep_speed.py
	@$(VENV)/bin/python benchmarks/record_speed.py
	@$(VENV)/bin/python benchmarks/live_speed.py
	@$(VENV)/bin/python benchmarks/live_page.py

allocs: packages-bench $(INSTALLED) ## count the heap allocations of each path: none
	@$(VENV)/bin/python benchmarks/allocs.py

firmware: packages-test $(INSTALLED) ## measure the firmware on emulated targets, 48 simulated hours
	@$(VENV)/bin/python benchmarks/firmware.py

firmware-size: packages-test $(INSTALLED) ## bytes and instructions of the firmware, as a table
	@$(VENV)/bin/python tests/firmware_costs.py

firmware-test: packages-test $(INSTALLED) ## the firmware on emulated targets, and how it goes into a project
	@$(PYTEST) tests/test_firmware.py tests/test_firmware_project.py

clean: ## remove everything that make made
	@rm -rf $(VENV) build dist demo *.egg-info .pytest_cache .mypy_cache .hypothesis
	@rm -f pyrns_pool/*.so
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Installs those of the packages $(1) that are missing; without the right to, prints the line to run.
define need
@command -v dpkg-query >/dev/null || { echo "no apt here; needed are: $(1)"; exit 0; }; \
missing=; \
for package in $(1); do \
    dpkg-query -W -f='$${db:Status-Status}\n' $$package 2>/dev/null | grep -qx installed \
        || missing="$$missing $$package"; \
done; \
test -n "$$missing" || exit 0; \
if test "$$(id -u)" = 0; then as_root=env; \
elif sudo -n true 2>/dev/null; then as_root="sudo -n env"; \
else \
    echo "Some Debian packages are missing. Run this once, then make again:"; \
    echo "sudo sh -c 'apt-get update && apt-get install -y --no-install-recommends$$missing'"; \
    exit 1; \
fi; \
apt="$$as_root DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=500"; \
install="$$apt install -y --no-install-recommends$$missing"; \
echo "installing$$missing"; \
$$install >/dev/null 2>&1 || { $$apt update && $$install >/dev/null; }
endef

packages-demo:
	$(call need,$(DEMO_PACKAGES))

packages-test:
	$(call need,$(TEST_PACKAGES))

packages-verify:
	$(call need,$(VERIFY_PACKAGES))

packages-bench:
	$(call need,$(BENCH_PACKAGES))

$(VENV_MADE): | packages-demo
	@echo "making $(VENV)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv --system-site-packages $(VENV)
	@touch $@

# The modules are deleted first because setuptools does not see a change of compiler flags.
$(INSTALLED): $(VENV_MADE) $(BUILD_INPUTS)
	@echo "building pyrns_pool into $(VENV)"
	@rm -f pyrns_pool/*.so
	@$(VENV)/bin/python -m pip --isolated --quiet install --no-build-isolation --no-index -e .
	@touch $@
