"""The catalogue: every published count, and the built models layer by layer."""

from __future__ import annotations

import pytest
from published import COUNTS
from specs import nightly_but

from groupconv_cli import analyze, build, compare_variants, load
from groupconv_cli.language.spec_file import SpecFile
from groupconv_cli.language.variant_names import variant_name
from groupconv_cli.sources.catalogue import (
    catalogue,
    configs_folder,
    families,
    find,
    names,
    published_top1,
    source_of,
    starter,
)

NAMES = [entry.name for entry in catalogue()]
SMALL = ("basic", "block", "depthwise")
MANY_MODULES = ("inception_v3", "nasnet_mobile")
"""Networks of five kinds of module, or of cells of five sums, each with its own branches."""


def test_every_network_has_published_counts_and_every_published_one_is_there() -> None:
    assert sorted(NAMES) == sorted(COUNTS)


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_the_published_ones_and_those_of_the_rows(name: str) -> None:
    summary = analyze(name)
    found = {
        "params": summary.params,
        "trainable_params": summary.trainable_params,
        "macs": summary.macs,
        "dense_trainable_params": summary.baseline.trainable_params,
        "dense_macs": summary.baseline.macs,
    }
    for published in COUNTS[name]:
        expected = {k: v for k, v in published._asdict().items() if v is not None}
        assert {key: found[key] for key in expected} == expected
    assert summary.flops == 2 * summary.macs
    assert summary.name == name
    assert sum(row.params for row in summary.layers) == summary.params
    assert sum(row.macs for row in summary.layers) == summary.macs
    assert sum(row.flops for row in summary.layers) == summary.flops
    assert sum(row.dense_cost.macs for row in summary.layers) == summary.baseline.macs


def test_accuracies_are_of_bundled_networks_and_have_a_source() -> None:
    """Only the small examples, and networks that do not classify, have none."""
    table = published_top1()
    assert set(NAMES) - set(table) == {*SMALL, "fpn", "unet"}
    assert set(table) <= set(NAMES)
    for each in table.values():
        assert 50 < each.accuracy < 90
        assert each.source


BUILT = ("block", "depthwise", "squeezenet")
"""With groups, depthwise convolutions and branches that are joined. So are random specs, of all
layers: see `tests/builder/test_build_model.py`."""


@pytest.mark.parametrize("name", nightly_but(BUILT, NAMES))
def test_the_built_model_is_the_analysis(name: str) -> None:
    """Read from Keras here once more, not left to the check that `build` makes."""
    import keras

    model = build(name)
    assert all(type(layer).__module__.startswith("keras.") for layer in model.layers)
    summary = analyze(name)
    for row in summary.layers:
        layer = model.get_layer(row.name)
        assert tuple(layer.output.shape[1:]) == row.output_shape
        assert layer.count_params() == row.params
    assert model.count_params() == summary.params
    trainable = sum(int(keras.ops.size(weight)) for weight in model.trainable_weights)
    assert trainable == summary.trainable_params


LARGER = ("shufflenet_v1_g3", "resnext50_32x4d", "mobilenet_v2")


@pytest.mark.parametrize("name", nightly_but(SMALL, [*SMALL, *LARGER]))
def test_the_dense_twin_builds_and_has_as_many_parameters_as_the_baseline(name: str) -> None:
    model = build(load(name).dense())
    assert model.count_params() == analyze(name).baseline.params
    assert all(getattr(layer, "groups", 1) == 1 for layer in model.layers)
    assert not any("Depthwise" in type(layer).__name__ for layer in model.layers)


@pytest.mark.parametrize("name", families())
def test_a_config_says_where_it_was_published_and_fits_on_a_screen(name: str) -> None:
    text = (configs_folder() / f"{name}.yaml").read_text(encoding="utf-8")
    comment = [line for line in text.splitlines() if line.startswith("# ")]
    assert text.startswith("# ")
    assert name in SMALL or len(comment) >= 2
    assert max(map(len, text.splitlines())) <= 100
    assert text.count("\n") <= (100 if name in MANY_MODULES else 60)


def test_resnext_fits_on_a_screen_of_fifty_lines() -> None:
    assert source_of("resnext").text.count("\n") <= 50


@pytest.mark.parametrize("family", families())
def test_a_family_without_a_variant_is_one_of_its_variants(family: str) -> None:
    variants = SpecFile(source_of(family)).variants
    default = analyze(family).totals
    found = (analyze(variant_name(family, variant)).totals for variant in variants)
    assert not variants or default in found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("resnet", ("resnet", None)),
        ("resnet50", ("resnet", "50")),
        ("resnet_50", ("resnet", "50")),
        ("resnet:50", ("resnet", "50")),
        ("resnext50_32x4d", ("resnext", "50_32x4d")),
        ("mobilenet_v1_0.5", ("mobilenet_v1", "0.5")),
        ("mobilenet_v1", ("mobilenet_v1", None)),
        ("resnet51", None),
        ("resnet5", None),
        ("resnet50.yaml", None),
        ("nothing", None),
    ],
)
def test_what_a_name_means(name: str, found) -> None:
    assert find(name) == found


def test_names_are_unique_and_each_means_itself() -> None:
    assert len(set(names())) == len(names())
    for name in names():
        family, variant = find(name)
        assert name == (family if variant is None else variant_name(family, variant))


def test_variants_side_by_side_are_the_published_table_of_shufflenet() -> None:
    """Zhang et al. 2018, table 1, counts without the last dense layer."""
    rows = compare_variants("shufflenet_v1").rows
    assert [row.variant for row in rows] == ["g1", "g2", "g3", "g4", "g8"]
    without_dense = [
        row.totals.macs - 4 * width * 1000 for row, width in zip(rows, WIDTHS, strict=True)
    ]
    assert [round(macs / 1e6) for macs in without_dense] == [143, 140, 137, 133, 137]
    for row in rows:
        assert row.totals.macs == COUNTS[row.name][0].macs
        assert row.baseline.macs == COUNTS[row.name][0].dense_macs


WIDTHS = (144, 200, 240, 272, 384)


def test_the_starter_is_a_spec_with_something_of_everything() -> None:
    text = starter()
    assert all(word in text for word in ("vars:", "blocks:", "$in", "repeat:", "groups:"))
    assert max(map(len, text.splitlines())) <= 100
