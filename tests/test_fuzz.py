"""A short run of the fuzzer of readers; `make verify` runs it for longer, and those in C."""

import sys
from pathlib import Path
from unittest import mock

import pytest

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE / "fuzz"))
import readers  # noqa: E402


def test_damaged_files_are_read_or_refused_in_one_line_and_nothing_else(tmp_path):
    for name in readers.READERS:
        counts = readers.fuzz(name, 120, tmp_path)
        print(name, counts)
        assert counts["read"] > 0 and counts["refused"] > 0


def test_an_error_that_is_no_refusal_is_found_and_its_file_kept(tmp_path):
    with mock.patch("pyrns_pool.formats.npz.DAMAGE", ()):
        with pytest.raises(AssertionError, match="npz.file [0-9]+: raised BadZipFile"):
            readers.fuzz("npz", 500, tmp_path)
    assert (tmp_path / "npz.file").stat().st_size > 0


def test_the_corpus_is_small_and_has_seeds_for_every_harness():
    corpus = HERE / "fuzz" / "corpus"
    files = [path for path in corpus.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 200_000
    harnesses = {path.stem.removeprefix("fuzz_") for path in (HERE / "fuzz").glob("fuzz_*.c")}
    assert {path.name for path in corpus.iterdir()} == harnesses | {"readers"}
    assert {path.name for path in (corpus / "readers").iterdir()} == set(readers.READERS)
