"""Drawings: every edge is in them, boxes do not overlap, and groups say what they see."""

from __future__ import annotations

from itertools import combinations

import pytest
from specs import network as network_of
from specs import nightly_but

from groupconv_cli import load
from groupconv_cli.analysis.alive import alive_at, lifetimes, output_bytes
from groupconv_cli.page.drawing import Drawing, drawings
from groupconv_cli.page.layout import Size, placed
from groupconv_cli.page.memory import memory_of
from groupconv_cli.page.sketch import all_sketches

NAMES = ("resnext50_32x4d", "shufflenet_v1", "nasnet_mobile", "fpn", "densenet121", "googlenet")
networks = pytest.mark.parametrize("name", nightly_but(("nasnet_mobile", "fpn"), NAMES))


def label(drawing: Drawing, box: int) -> str:
    return drawing.boxes[box].lines[0].text


def arrows(drawing: Drawing) -> set[tuple[str, str]]:
    return {(label(drawing, each.source), label(drawing, each.target)) for each in drawing.arrows}


def test_drawing_of_a_pyramid_has_its_named_tensors():
    whole = drawings(load("fpn"))[0]
    assert arrows(whole) == {
        ("input", "conv 7×7/2 · batch_norm · relu"),
        ("conv 7×7/2 · batch_norm · relu", "max_pool 3×3/2"),
        *(("max_pool 3×3/2", "c2"), ("c2", "c3"), ("c3", "c4"), ("c4", "c5"), ("c5", "m5")),
        *(("c4", "m4"), ("m5", "m4"), ("c3", "m3"), ("m4", "m3")),
        *(("m3", "p3"), ("m4", "p4"), ("m5", "p5")),
    }
    outputs = [box.lines[0].text for box in whole.boxes if box.lines[-1].text == "output"]
    assert outputs == ["p3", "p4", "p5"]


def test_block_has_what_it_reads_from_outside():
    inside = next(each for each in drawings(load("fpn")) if each.title == "m4")
    assert ("from m5", "upsample") in arrows(inside)
    assert {text for _, text in arrows(inside)} == {"lateral", "upsample", "add"}


def test_grouped_convolutions_say_what_each_group_sees():
    net = network_of(
        """
        input: [8, 8, 12]
        layers:
          - conv: {filters: 24, kernel: 1, groups: 4, norm: batch, activation: relu}
          - depthwise_conv: {kernel: 3}
          - conv: {filters: 8, kernel: 1}
        """
    )
    whole = drawings(net)[0]
    said = [[line.text for line in box.lines if line.style == "groups"] for box in whole.boxes]
    assert said == [
        [],
        ["g=4: each sees 3 of 12 channels"],
        ["depthwise: each sees 1 channel"],
        [],
    ]
    assert whole.boxes[1].lines[0].text == "conv 1×1 · batch_norm · relu"


def test_repeats_are_one_box_with_their_number():
    whole = drawings(load("resnext50_32x4d"))
    assert "bottleneck_2 ×2" in [label(whole[1], index) for index in range(len(whole[1].boxes))]


def test_repeats_that_grow_have_the_first_and_the_last_shape():
    net = network_of(
        """
        input: [8, 8, 8]
        blocks:
          grow:
            layers:
              - {conv: {filters: 4, kernel: 1}, name: new}
              - {concat: , from: [new, -2]}
        layers:
          - conv: {filters: 8, kernel: 1}
          - grow:
            repeat: 3
        """
    )
    whole = drawings(net)[0]
    assert whole.boxes[-1].lines[0].text == "grow ×3"
    assert "8×8×12 … 8×8×20" in [line.text for line in whole.boxes[-1].lines]


def test_residual_has_both_ways():
    net = network_of(
        """
        input: [8, 8, 8]
        layers:
          - {conv: {filters: $in, kernel: 1}, name: first}
          - residual: {body: [conv: {filters: $in, kernel: 1}]}
        """
    )
    inside = drawings(net)[1]
    assert arrows(inside) == {
        *(("from first", "conv 1×1"), ("from first", "add"), ("conv 1×1", "add")),
    }


@networks
def test_every_edge_of_the_network_is_drawn_where_its_ends_differ(name):
    net = load(name)
    whole = drawings(net)[0]
    tops = [(node.path[0].name if node.path else node.name) for node in net.nodes]
    reads = {
        (tops[source], tops[index])
        for index, node in enumerate(net.nodes)
        for source in node.inputs
        if tops[source] != tops[index]
    }
    # Boxes join repeats, and norms with their convolutions: then both ends are in one box.
    assert 0 < len(whole.arrows) <= len(reads)
    entered = {each.target for each in whole.arrows}
    assert entered == set(range(1, len(whole.boxes)))  # all but the input read something


@networks
def test_boxes_do_not_overlap_and_edges_lead_down(name):
    for sketch in all_sketches(load(name)):
        for one, other in combinations(sketch.boxes, 2):
            beside = one.x + one.width <= other.x or other.x + other.width <= one.x
            below = one.y + one.height <= other.y or other.y + other.height <= one.y
            assert beside or below, (sketch.title, one, other)
        for box in sketch.boxes:
            assert box.x >= 0
            assert box.x + box.width <= sketch.width
            assert box.y + box.height <= sketch.height + 1


def test_edges_go_around_boxes():
    sizes = [Size(60, 20)] * 4
    layout = placed(sizes, [(0, 1), (1, 2), (2, 3), (0, 3)])
    long = layout.edges[3]
    for x, y in long[1:-1]:
        for left, top in layout.boxes[1:3]:
            assert not (left < x < left + 60 and top < y < top + 20)
    ys = [y for _, y in long]
    assert ys == sorted(ys)


def test_memory_is_that_of_an_addition_by_hand():
    net = network_of(
        """
        input: [4, 4, 8]
        layers:
          - {conv: {filters: 8, kernel: 1}, name: one}
          - {conv: {filters: 16, kernel: 1}, name: wide}
          - {conv: {filters: 8, kernel: 1}, name: three}
          - {add: , from: [one, three]}
        """
    )
    small, wide = 4 * 4 * 8 * 4, 4 * 4 * 16 * 4
    tensors = lifetimes(net, output_bytes(net))
    assert [(each.first, each.last, each.size) for each in tensors] == [
        *((0, 1, small), (1, 4, small), (2, 3, wide), (3, 4, small), (4, 4, small)),
    ]
    assert alive_at(tensors, 5) == [
        small,  # the input
        2 * small,
        small + wide,
        2 * small + wide,
        3 * small,
    ]
    memory = memory_of(net, None)
    assert memory.peak_layer == "three"
    assert [each.name for each in memory.alive] == ["wide", "one", "three"]
    assert [each.until for each in memory.alive] == ["three", "add", "add"]
