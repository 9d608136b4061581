"""Configuration: every refusal with its text, the text form, the presets."""

import dataclasses
import json
import pickle

import pytest

from pyrns_pool.config import PoolConfig, Tier, preset_names, preset_origin
from pyrns_pool.errors import ConfigError, PoolError
from pyrns_pool.pool import Pool

LIMIT = 2**24
SMALL = Tier(16, 4)

REFUSED_TIERS = {
    "slot_bytes: 0 is not in 1 to 16777216": (0, 1),
    "slot_bytes: -1 is not in 1 to 16777216": (-1, 1),
    "slot_bytes: 16777217 is not in 1 to 16777216": (LIMIT + 1, 1),
    "slot_bytes: True is not a whole number": (True, 1),
    "slot_bytes: 256.0 is not a whole number": (256.0, 1),
    "slot_bytes: '256' is not a whole number": ("256", 1),
    "slot_bytes: None is not a whole number": (None, 1),
    "slot_count: 0 is not in 1 to 16777216": (1, 0),
    "slot_count: 16777217 is not in 1 to 16777216": (1, LIMIT + 1),
    "slot_count: False is not a whole number": (1, False),
    "reserve_count: -1 is not in 0 to 4": (16, 4, -1),
    "reserve_count: 5 is not in 0 to 4": (16, 4, 5),
    "reserve_count: True is not a whole number": (16, 4, True),
    "low_water_count: 5 is not in 0 to 4": (16, 4, 0, 5),
    "low_water_count: 1.5 is not a whole number": (16, 4, 0, 1.5),
    "hysteresis_count: 2 is not in 0 to 1": (16, 4, 0, 3, 2),
    "hysteresis_count: -1 is not in 0 to 1": (16, 4, 0, 3, -1),
    "region: 4 is not in 0 to 3": (16, 4, 0, 0, 0, 4),
    "region: True is not a whole number": (16, 4, 0, 0, 0, True),
}

REFUSED_POOLS = {
    "tiers: 0 tiers are not 1 to 8": ((),),
    "tiers: 9 tiers are not 1 to 8": (tuple(Tier(size, 1) for size in range(1, 10)),),
    "tiers: (16, 4) is not a Tier": (((16, 4),),),
    "tiers: 16 after 16: sizes must ascend": ((SMALL, SMALL),),
    "tiers: 8 after 16: sizes must ascend": ((Tier(4, 1), SMALL, Tier(8, 1)),),
    "policy: 'Spill' is not one of strict, spill": ((SMALL,), "Spill"),
    "policy: None is not one of strict, spill": ((SMALL,), None),
    "policy: ['spill'] is not one of strict, spill": ((SMALL,), ["spill"]),
    "policy: 'a\\nb' is not one of strict, spill": ((SMALL,), "a\nb"),
    "fallback: 'heap' is not one of none, malloc": ((SMALL,), "spill", "heap"),
}


@pytest.mark.parametrize("text", REFUSED_TIERS)
def test_a_refused_tier_names_the_field_the_value_and_the_limit(text):
    with pytest.raises(ConfigError) as caught:
        Tier(*REFUSED_TIERS[text])
    assert str(caught.value) == text


@pytest.mark.parametrize("text", REFUSED_POOLS)
def test_a_refused_pool_names_the_field_the_value_and_what_is_allowed(text):
    with pytest.raises(ConfigError) as caught:
        PoolConfig(*REFUSED_POOLS[text])
    assert str(caught.value) == text


def test_a_config_error_is_a_pool_error_and_a_value_error():
    assert issubclass(ConfigError, PoolError) and issubclass(ConfigError, ValueError)


def test_the_limits_themselves_are_allowed():
    assert Tier(LIMIT, LIMIT, LIMIT, LIMIT, 0, 3).slots_bytes == 2**48
    assert Tier(16, 4, 4, 1, 3).hysteresis_count == 3
    assert len(PoolConfig(tuple(Tier(size, 1) for size in range(1, 9))).tiers) == 8


def test_tiers_may_come_as_any_iterable_and_are_kept_as_a_tuple():
    assert PoolConfig([SMALL]) == PoolConfig(iter([SMALL])) == PoolConfig((SMALL,))
    assert type(PoolConfig([SMALL]).tiers) is tuple


def test_what_only_c_refuses_is_a_config_error_with_its_name():
    config = PoolConfig((Tier(LIMIT, LIMIT),))
    with pytest.raises(ConfigError) as caught:
        Pool(config)
    assert str(caught.value) == "16777216x16777216 strict: refused (CONFIG_OVERFLOW)"


READ = {
    "256x16": ((256, 16),),
    "1x1": ((1, 1),),
    "256x16,512x8": ((256, 16), (512, 8)),
    " 256x16 ,\t512x8\n": ((256, 16), (512, 8)),
    "0256x00016": ((256, 16),),
    "16777216x16777216": ((LIMIT, LIMIT),),
}

REFUSED_TEXTS = {
    "": "tiers: '' is not like 256x16",
    " ": "tiers: ' ' is not like 256x16",
    ",": "tiers: '' is not like 256x16",
    "256x16,": "tiers: '' is not like 256x16",
    ",256x16": "tiers: '' is not like 256x16",
    "256": "tiers: '256' is not like 256x16",
    "256x": "tiers: '256x' is not like 256x16",
    "x16": "tiers: 'x16' is not like 256x16",
    "256x16x2": "tiers: '256x16x2' is not like 256x16",
    "256 x 16": "tiers: '256 x 16' is not like 256x16",
    "256X16": "tiers: '256X16' is not like 256x16",
    "256×16": "tiers: '256×16' is not like 256x16",
    "256;16": "tiers: '256;16' is not like 256x16",
    "-256x16": "tiers: '-256x16' is not like 256x16",
    "+256x16": "tiers: '+256x16' is not like 256x16",
    "2_56x16": "tiers: '2_56x16' is not like 256x16",
    "1e3x16": "tiers: '1e3x16' is not like 256x16",
    "256.0x16": "tiers: '256.0x16' is not like 256x16",
    "２５６x16": "tiers: '２５６x16' is not like 256x16",
    "٢x16": "tiers: '٢x16' is not like 256x16",
    "²x16": "tiers: '²x16' is not like 256x16",
    "256x16,\x1b[31m\n": "tiers: '\\x1b[31m\\n' is not like 256x16",
    "9" * 50: f"tiers: '{'9' * 40}...' is not like 256x16",
    "1000000000x1": "tiers: '1000000000x1' is not like 256x16",
    "999999999x1": "slot_bytes: 999999999 is not in 1 to 16777216",
    "1x999999999": "slot_count: 999999999 is not in 1 to 16777216",
    "0x16": "slot_bytes: 0 is not in 1 to 16777216",
    "16x0": "slot_count: 0 is not in 1 to 16777216",
    "512x16,256x16": "tiers: 256 after 512: sizes must ascend",
    "256x16,256x16": "tiers: 256 after 256: sizes must ascend",
    ",".join(f"{size}x1" for size in range(1, 10)): "tiers: 9 tiers are not 1 to 8",
}


@pytest.mark.parametrize("text", READ)
def test_a_text_is_read_as_its_tiers(text):
    config = PoolConfig.parse(text)
    assert config == PoolConfig(tuple(Tier(*tier) for tier in READ[text]))
    assert PoolConfig.parse(str(config).split()[0]) == config


@pytest.mark.parametrize("text", REFUSED_TEXTS)
def test_a_refused_text_is_quoted_on_one_line(text):
    with pytest.raises(ConfigError) as caught:
        PoolConfig.parse(text)
    assert str(caught.value) == REFUSED_TEXTS[text]


def test_parse_passes_policy_and_fallback_on():
    config = PoolConfig.parse("16x4", "spill", "malloc")
    assert config == PoolConfig((SMALL,), policy="spill", fallback="malloc")
    with pytest.raises(ConfigError, match="^policy: 'no' is not one of strict, spill$"):
        PoolConfig.parse("16x4", "no")


PRESETS = {
    "design": ("256x16,512x16,1024x16", "strict", 28_672),
    "prism": ("256x32,1024x16,4096x8", "spill", 57_344),
    "fork": ("64x48,256x24,512x16,1024x16", "strict", 33_792),
    "pyxis": ("64x1024,256x16,512x12,1024x12", "strict", 88_064),
}


def test_the_presets_are_these():
    assert preset_names() == tuple(PRESETS)
    assert len({preset_origin(name) for name in PRESETS}) == len(PRESETS)
    assert all(preset_origin(name) for name in PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_has_the_tiers_and_the_policy_of_its_origin(name):
    text, policy, slots_bytes = PRESETS[name]
    config = PoolConfig.preset(name)
    assert config == PoolConfig.parse(text, policy)
    assert config.slots_bytes == slots_bytes
    assert PoolConfig.preset(name, "spill") == PoolConfig.parse(text, "spill")
    assert PoolConfig.preset(name, policy="strict") == config.with_policy("strict")


@pytest.mark.parametrize("find", [PoolConfig.preset, preset_origin])
def test_an_unknown_preset_is_refused_with_the_names_that_there_are(find):
    for name, quoted in {
        "esp": "esp",
        "": "",
        "a\nb": "a\\nb",
        "x" * 99: "x" * 40 + "...",
    }.items():
        with pytest.raises(ConfigError) as caught:
            find(name)
        expected = f"preset: '{quoted}' is not one of design, prism, fork, pyxis"
        assert str(caught.value) == expected


def test_a_configuration_is_a_value_that_cannot_be_changed():
    config = PoolConfig((Tier(16, 4, 1, 2, 1, 3),), "spill", "malloc")
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.policy = "strict"
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.tiers[0].slot_bytes = 1
    assert hash(config) == hash(dataclasses.replace(config))
    assert pickle.loads(pickle.dumps(config)) == config
    assert config.with_policy("strict") == dataclasses.replace(config, policy="strict") != config


@pytest.mark.parametrize(
    "config",
    [
        PoolConfig.preset("prism"),
        PoolConfig((Tier(16, 4, 1, 2, 1, 3), Tier(17, 9, region=1)), "spill", "malloc"),
    ],
    ids=str,
)
def test_a_configuration_survives_json(config):
    values = config.to_dict()
    assert PoolConfig.from_dict(json.loads(json.dumps(values))) == config
    assert list(values) == ["tiers", "policy", "fallback"]
    assert list(values["tiers"][0]) == [field.name for field in dataclasses.fields(Tier)]


def test_a_dictionary_may_leave_out_what_has_a_default():
    values = {"tiers": [{"slot_bytes": 16, "slot_count": 4}]}
    assert PoolConfig.from_dict(values) == PoolConfig((SMALL,))


TIER = {"slot_bytes": 16, "slot_count": 4}


@pytest.mark.parametrize(
    "values, text",
    [
        ({}, "not a pool configuration: 'tiers'"),
        ({"tiers": 5}, "not a pool configuration: "),
        ({"tiers": None}, "not a pool configuration: "),
        ({"tiers": [5]}, "not a pool configuration: "),
        ({"tiers": [{"slot_bytes": 16}]}, "not a pool configuration: "),
        ({"tiers": [{**TIER, "colour": 1}]}, "not a pool configuration: "),
        ({"tiers": [TIER], "colour": 1}, "not a pool configuration: "),
        ([], "not a pool configuration: "),
        (None, "not a pool configuration: "),
        ("tiers", "not a pool configuration: "),
        ({"tiers": []}, "tiers: 0 tiers are not 1 to 8"),
        ({"tiers": [{**TIER, "slot_count": 0}]}, "slot_count: 0 is not in 1 to 16777216"),
        ({"tiers": [{**TIER, "slot_count": "4"}]}, "slot_count: '4' is not a whole number"),
        ({"tiers": [TIER], "policy": "no"}, "policy: 'no' is not one of strict, spill"),
    ],
)
def test_a_dictionary_that_is_no_configuration_is_refused_on_one_line(values, text):
    with pytest.raises(ConfigError) as caught:
        PoolConfig.from_dict(values)
    assert str(caught.value).startswith(text)
    assert "\n" not in str(caught.value)


def test_a_configuration_reads_as_the_command_line_writes_it():
    assert str(Tier(256, 16, reserve_count=2)) == "256x16"
    assert str(PoolConfig.preset("prism")) == "256x32,1024x16,4096x8 spill"
    assert PoolConfig.parse("3x5,7x11").slots_bytes == 3 * 5 + 7 * 11
