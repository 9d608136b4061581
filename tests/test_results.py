"""Results: kept whole in a file, and refused when the file is not one."""

import dataclasses
import json
import zipfile
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pyrns_pool as rp
from pyrns_pool import _results_file, results
from pyrns_pool.config import PoolConfig
from pyrns_pool.errors import PyrnsPoolError, ResultError
from pyrns_pool.replay import replay
from pyrns_pool.results import ReplayResult
from pyrns_pool.trace import Trace

ARRAYS = ("edges_ns", "bins", "oversize", "sizes")


def small_result():
    rng = np.random.default_rng(5)
    n = 300
    columns = {
        "t_ns": np.sort(rng.integers(0, 9000, n)),
        "op": np.zeros(n, int),
        "id": np.arange(n),
        "size": rng.integers(0, 70, n),
        "site": rng.integers(0, 3, n),
    }
    trace = Trace.from_events(columns, ["a:é", "b", ""], {"file": "made.csv"}).filter(site="*")
    return replay(trace, PoolConfig.parse("16x9,40x200", "spill"), bins=40)


def arrays_of(result):
    timeline = result.timeline
    return dict(zip(ARRAYS, (timeline.edges_ns, timeline.bins, timeline.oversize, result.sizes)))


def assert_equal(a, b):
    for field in dataclasses.fields(ReplayResult):
        if field.name not in ("timeline", "sizes"):
            assert getattr(a, field.name) == getattr(b, field.name), field.name
    for name, array in arrays_of(a).items():
        other = arrays_of(b)[name]
        assert array.dtype == other.dtype and array.tobytes() == other.tobytes(), name
        assert array.shape == other.shape


@pytest.fixture()
def saved(tmp_path):
    path = tmp_path / "result.npz"
    small_result().save(path)
    return path


def members_of(path):
    with np.load(path) as archive:
        return {name: archive[name] for name in archive.files}


def values_of(members):
    return json.loads(members["values"].tobytes())


def packed(values):
    return np.frombuffer(json.dumps(values).encode(), np.uint8)


def test_a_result_survives_its_file(saved, tmp_path):
    result = small_result()
    loaded = ReplayResult.load(saved)
    assert_equal(loaded, result)
    assert loaded.to_dict() == result.to_dict()
    loaded.save(tmp_path / "again.npz")
    assert (tmp_path / "again.npz").read_bytes() == saved.read_bytes()


def test_a_result_of_the_recording_survives_its_file(tmp_path):
    trace = rp.load_trace(rp.shipped("microreticulum_node_a.npz"))
    result = replay(trace, PoolConfig.preset("prism"))
    result.save(tmp_path / "a")
    assert_equal(ReplayResult.load(tmp_path / "a"), result)


def test_a_loaded_result_cannot_be_written_to(saved):
    loaded = ReplayResult.load(saved)
    for array in arrays_of(loaded).values():
        with pytest.raises(ValueError):
            array[0] = array[0]
    with pytest.raises(dataclasses.FrozenInstanceError):
        loaded.stats = None


def test_a_directory_stands_for_the_result_in_it(saved, tmp_path):
    assert_equal(ReplayResult.load(tmp_path), small_result())
    assert_equal(ReplayResult.load(str(tmp_path)), small_result())


def test_a_file_is_replaced_only_on_demand_and_left_whole_otherwise(saved, tmp_path):
    before = saved.read_bytes()
    other = dataclasses.replace(small_result(), missed_bytes_peak=1)
    with pytest.raises(FileExistsError, match="exists; pass overwrite=True .*result.npz"):
        other.save(saved)
    assert saved.read_bytes() == before
    broken = dataclasses.replace(other, missed_bytes_peak=object())
    with pytest.raises(TypeError):
        broken.save(saved, overwrite=True)
    assert saved.read_bytes() == before
    other.save(saved, overwrite=True)
    assert ReplayResult.load(saved).missed_bytes_peak == 1
    assert [path.name for path in tmp_path.iterdir()] == ["result.npz"]


def test_the_summary_is_plain_and_in_a_fixed_order():
    values = small_result().to_dict()
    assert json.loads(json.dumps(values)) == values
    assert list(values) == [
        "requests",
        "hits",
        "spills",
        "exhausted",
        "oversize",
        "fallbacks",
        "failures",
        "hit_rate",
        "tiers",
        "policy",
        "fallback",
        "slots_bytes",
        "missed_bytes_peak",
        "missed_bytes_peak_ns",
        "trace",
        "machine",
        "episode_count",
        "episodes",
    ]
    assert values["slots_bytes"] == 16 * 9 + 40 * 200
    assert values["trace"]["filter"] == "site='*'" and values["trace"]["name"] == "made.csv"
    tier = small_result().stats.tiers[0]
    shown = values["tiers"][0]
    assert shown["slots"] == tier.slot_count == 9 and shown["high_water"] == 9
    for name in ("slot_bytes", "requests", "hits", "spills", "exhausted", "in_use", "spills_in"):
        assert shown[name] == getattr(tier, name)


def rewrite(path, **changes):
    """Save the file again with other members; None leaves one out."""
    members = {**members_of(path), **changes}
    np.savez(path, **{name: array for name, array in members.items() if array is not None})


def change_values(**changes):
    def change(path):
        values = {**values_of(members_of(path)), **changes}
        rewrite(path, values=packed({k: v for k, v in values.items() if v is not None}))

    return change


def without_an_array_header(path):
    with zipfile.ZipFile(path, "a") as archive:
        names = archive.namelist()
        rest = {name: archive.read(name) for name in names if name != "values.npy"}
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("values.npy", "no array")
        for name, data in rest.items():
            archive.writestr(name, data)


def with_a_damaged_member(path):
    data = bytearray(path.read_bytes())
    start = data.index(b"values.npy") + 60
    data[start : start + 20] = b"\xff" * 20
    path.write_bytes(data)


def with_other(name, array):
    return lambda path: rewrite(path, **{name: array})


DAMAGES = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("requests,hits\n1,1\n"),
    "cut in the middle": lambda path: path.write_bytes(path.read_bytes()[:1500]),
    "cut at the end": lambda path: path.write_bytes(path.read_bytes()[:-1]),
    "damaged member": with_a_damaged_member,
    "member without header": without_an_array_header,
    "one array": lambda path: path.write_bytes(b"\x93NUMPY\x01\x00" + bytes(200)),
    "another format": change_values(format="pyrns_pool replay 2"),
    "no format": change_values(format=None),
    "no statistics": change_values(stats=None),
    "statistics that are none": change_values(stats=5),
    "a configuration that is refused": change_values(config={"tiers": []}),
    "an unknown field": change_values(trace={"colour": "red"}),
    "values that are a list": with_other("values", packed([])),
    "values that are no JSON": with_other("values", np.frombuffer(b"{'a': 1}", np.uint8)),
    "values that are no UTF-8": with_other("values", np.frombuffer(b'"\xff"', np.uint8)),
    "values nested without end": with_other("values", np.full(200_000, ord("["), np.uint8)),
    "values of text": with_other("values", np.array(["{}"])),
    "objects": with_other("oversize", np.array([1, "a", None], object)),
    "objects in a record": with_other("sizes", np.zeros(2, [("size_bytes", object)])),
    "narrow integers": with_other("oversize", np.zeros(40, np.uint32)),
    "floats": with_other("edges_ns", np.zeros(41)),
    "other byte order": with_other("edges_ns", np.zeros(41, ">i8")),
    "another record": with_other("bins", np.zeros((40, 2), [("in_use_ns", "<u8")])),
    "a bin too few": with_other("oversize", np.zeros(39, np.uint64)),
    "an edge too many": with_other("edges_ns", np.zeros(42, np.int64)),
    "a tier too few": with_other("bins", np.zeros((40, 1), results.BIN_DTYPE)),
    "bins in one row": with_other("bins", np.zeros(80, results.BIN_DTYPE)),
    "sizes in two rows": with_other("sizes", np.zeros((2, 2), results.SIZE_DTYPE)),
    **{f"no {name}": with_other(name, None) for name in ("values", *ARRAYS)},
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_file_that_is_no_result_is_refused_on_one_line_that_names_it(saved, name):
    DAMAGES[name](saved)
    with pytest.raises(ResultError) as caught:
        ReplayResult.load(saved)
    text = str(caught.value)
    print(text)
    assert text.startswith(f"{saved}: not a result of pyrns_pool (")
    assert text.isprintable()
    assert isinstance(caught.value, PyrnsPoolError) and isinstance(caught.value, ValueError)
    assert caught.value.__cause__ is None and caught.value.__suppress_context__


def test_another_format_is_named(saved):
    change_values(format="pyrns_pool replay 2")(saved)
    with pytest.raises(ResultError, match=r"\(its format is 'pyrns_pool replay 2'\)$"):
        ReplayResult.load(saved)


def test_a_missing_file_is_named(tmp_path):
    for path in (tmp_path / "none.npz", tmp_path):
        file = path if path.suffix else path / "result.npz"
        with pytest.raises(ResultError) as caught:
            ReplayResult.load(path)
        assert str(caught.value) == f"{file}: no such file"


def test_a_name_of_two_lines_is_refused_on_one(tmp_path):
    path = tmp_path / "a\nb"
    for create in (lambda: None, lambda: path.write_bytes(b"x")):
        create()
        with pytest.raises(ResultError) as caught:
            ReplayResult.load(path)
        assert "a\\nb: " in str(caught.value) and str(caught.value).isprintable()


def test_nothing_longer_than_the_limit_is_decompressed(saved, monkeypatch):
    monkeypatch.setattr(_results_file, "MEMBER_BYTES_MAX", 100)
    with pytest.raises(ResultError, match=r"\(values.npy is longer than 100 bytes\)$"):
        ReplayResult.load(saved)


def test_code_in_a_file_is_not_run(saved, tmp_path):
    class Touch:
        def __reduce__(self):
            return (open, (str(tmp_path / "touched"), "w"))

    rewrite(saved, sizes=np.array([Touch()], object))
    with pytest.raises(ResultError, match="allow_pickle=False"):
        ReplayResult.load(saved)
    assert not (tmp_path / "touched").exists()


def test_random_damage_is_a_result_error_or_harmless(tmp_path):
    path = tmp_path / "a.npz"
    small_result().save(path)
    good = path.read_bytes()
    seen = Counter()

    @settings(max_examples=400)
    @given(
        st.lists(st.tuples(st.integers(0, len(good) - 1), st.integers(0, 255)), max_size=3),
        st.sampled_from([None, None, None, len(good) - 1, len(good) // 2, 30, 1, 0]),
    )
    def damage(changes, cut):
        data = bytearray(good)
        for place, value in changes:
            data[place] = value
        path.write_bytes(data[:cut])
        try:
            loaded = ReplayResult.load(path)
        except ResultError as error:
            assert str(error).startswith(str(path)) and str(error).isprintable()
            seen["refused"] += 1
        else:
            assert_equal(loaded, small)
            seen["harmless"] += 1

    small = ReplayResult.load(path)
    damage()
    print(dict(seen))
    assert seen["refused"] > 100 and seen["harmless"] > 0
