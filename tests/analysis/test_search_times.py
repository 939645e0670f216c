"""Time budgets of a search, with made-up times: no test here measures anything."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import product
from math import log2
from random import Random

import pytest
from machines import MACHINE

from groupconv_cli import UnreachableBudget, UsageError, load
from groupconv_cli.analysis.measurement import MeasureSettings
from groupconv_cli.analysis.search.options import SearchOptions
from groupconv_cli.analysis.search.report import SearchReport
from groupconv_cli.analysis.search.search import search
from groupconv_cli.analysis.search.times import Taken, Times
from groupconv_cli.analysis.search.timing import layer_key
from groupconv_cli.network import Network, Node
from groupconv_cli.policy.amounts import AmountError, nanoseconds

SPEC = {
    "input": [6, 6, 4],
    "layers": [
        {"conv": {"filters": 8, "kernel": 3}},
        {"conv": {"filters": 8, "kernel": 1, "groups": 2}},
        {"channel_shuffle": {}},
        {"conv": {"filters": 8, "kernel": 3}, "repeat": 2},
        {"conv": {"filters": 8, "kernel": 5}},
    ],
}
COUNTS = (1, 2, 4)


class FakeTimer:
    """Gives made-up times, and keeps which layers it was asked for."""

    def __init__(self, times: Mapping[str, Mapping[str, int]], whole: int, call: int = 0) -> None:
        self.times = times
        """Nanoseconds by phase and the layer's key."""
        self.whole = whole
        self.call = call
        self.asked: set[str] = set()

    def __call__(
        self, network: Network, layers: Mapping[str, Node], phases: Collection[str]
    ) -> Taken:
        self.asked = set(layers)
        return Taken(
            times={
                phase: Times(self.whole, self.call, {key: self.times[phase][key] for key in layers})
                for phase in phases
            },
            machine=MACHINE,
            settings=MeasureSettings(),
            layers=len(layers),
            cached=0,
            since="",
        )


def all_layers(network: Network) -> dict[str, Node]:
    """Every layer that could change, with every count."""
    made = {}
    for index, node in enumerate(network.nodes):
        if node.op.is_convolution and index > 1:
            for count in COUNTS:
                changed = network.regrouped({index: count})
                made |= {layer_key(each): each for each in changed.nodes if each.groups}
    return made


def searched(timer: FakeTimer, budget: Mapping[str, object], **options: object) -> SearchReport:
    options = {"per": "layer", "groups": COUNTS, "allow_unmixed": True, **options}
    return search(load(SPEC), budget, SearchOptions(**options), timer)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
def test_no_choice_within_the_time_is_better(seed: int) -> None:
    random = Random(seed)
    network = load(SPEC)
    keys = [*all_layers(network)]
    times = {
        phase: {key: random.randint(1_000, 90_000) for key in keys}
        for phase in ("forward", "train")
    }
    whole = 10**6  # more than all layers together
    convolutions = [i for i, n in enumerate(network.nodes) if n.op.is_convolution][1:]

    def predicted(made: Network, phase: str) -> int:
        # The layers that differ only by their names differ in nothing; so all may be summed.
        return whole + sum(
            times[phase][layer_key(after)] - times[phase][layer_key(before)]
            for before, after in zip(network.nodes, made.nodes, strict=True)
            if after.op != before.op
        )

    choices = []
    for counts in product(COUNTS, repeat=len(convolutions)):
        made = network.regrouped(
            {
                i: count
                for i, count in zip(convolutions, counts, strict=True)
                if network.nodes[i].groups != count
            }
        )
        choices.append(
            (-sum(map(log2, counts)), predicted(made, "forward"), predicted(made, "train"), counts)
        )
    limit = sorted(each[1] for each in choices)[random.randint(0, len(choices) - 1)]
    most = max(each[2] for each in choices if each[1] <= limit) - random.randint(0, 20_000)
    fitting = [each for each in choices if each[1] <= limit and each[2] <= most]
    timer = FakeTimer(times, whole)
    budget = {"time": f"{limit}ns", "train_time": f"{most}ns"}
    if not fitting:
        with pytest.raises(UnreachableBudget):
            searched(timer, budget)
        return
    report = searched(timer, budget)
    assert report.optimal
    assert report.value == max(each[0] for each in fitting)
    chosen = next(each for each in choices if each[3] == tuple(report.choice.values()))
    assert [each.used for each in report.budgets] == [chosen[1], chosen[2]]
    assert [each.predicted for each in report.times] == [chosen[1], chosen[2]]
    assert [each.before for each in report.times] == [whole, whole]


def flat(network: Network, forward: Mapping[int, int]) -> dict[str, dict[str, int]]:
    """Times that depend only on the count; a shuffle takes none."""
    return {
        "forward": {
            key: forward[node.groups or 1] if node.op.is_convolution else 0
            for key, node in all_layers(network).items()
        }
    }


def test_a_share_is_one_of_the_measured_network() -> None:
    # As written g=2, 1, 1 and 1: 80 + 3 × 100, and the rest of the network takes 620.
    timer = FakeTimer(flat(load(SPEC), {1: 100, 2: 80, 4: 50}), whole=1_000)
    report = searched(timer, {"time": "88%"})
    assert report.times[0].limit == 880
    # The least halvings that save 120 of 1,000: from 1 to 4 in two of them saves 100, and g=2 in
    # the third 20: 6 halvings. From 1 to 4 in two and from 2 to 4 in the first saves 130: 6 too.
    assert report.value == -6
    assert report.times[0].predicted <= 880
    change = report.times[0].layers
    assert set(change) == {each.name for each in report.changes}
    # Several choices have this value; HiGHS decides between them.
    taken = {1: 100, 2: 80, 4: 50}
    before = {each.name: taken[each.before] for each in report.changes}
    assert change == {name: (before[name], taken[report.choice[name]]) for name in change}


def test_the_empty_call_is_in_no_difference_and_layers_scale_to_the_whole() -> None:
    # By themselves and without the call 80 + 3 × 100 = 380; the whole takes half of that.
    timer = FakeTimer(flat(load(SPEC), {1: 130, 2: 110, 4: 80}), whole=190, call=30)
    report = searched(timer, {"time": "190ns"}, groups=(4,))
    assert report.times[0].predicted == 4 * 25
    assert {before for before, _ in report.times[0].layers.values()} == {40, 50}
    assert report.uniform is not None
    assert report.times[0].uniform == 100


def test_only_what_may_change_is_measured() -> None:
    timer = FakeTimer(flat(load(SPEC), {1: 3, 2: 2, 4: 1}), whole=100)
    searched(timer, {"time": "100%"}, only=load(SPEC).nodes[-1].name, groups=(1, 2))
    assert len(timer.asked) == 2
    assert all("kernel=(5,)" in key for key in timer.asked)


def test_an_unreachable_time_says_the_least() -> None:
    times = flat(load(SPEC), {1: 10**6, 2: 8 * 10**5, 4: 5 * 10**5})
    timer = FakeTimer(times, whole=10**7)
    with pytest.raises(UnreachableBudget) as raised:
        searched(timer, {"time": "2ms"})
    assert "within 2.000 ms of inference time" in raised.value.message
    assert "the least possible is 8.200 ms" in raised.value.message
    assert "g=4" in " ".join(raised.value.details)


def test_a_frontier_of_times() -> None:
    timer = FakeTimer(flat(load(SPEC), {1: 100, 2: 80, 4: 50}), whole=1_000)
    frontier = searched(timer, {"time": "90%"}, frontier=3).frontier
    assert frontier is not None
    assert frontier.metric == "time"
    # From all at g=4 to all at g=1.
    assert [each.limit for each in frontier.points] == [820, 920, 1020]
    assert [each.value for each in frontier.points][::2] == [-8, 0]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("20ms", 20_000_000),
        ("1.5 s", 1_500_000_000),
        ("800us", 800_000),
        ("800µs", 800_000),
        ("800μs", 800_000),
        ("0.5ns", 0),
        ("20MS", 20_000_000),
        (0.02, 20_000_000),
        (3, 3_000_000_000),
    ],
)
def test_times_are_read(text: object, number: int) -> None:
    assert nanoseconds(text) == number


@pytest.mark.parametrize("text", ["20", "fast", "20 m", "-1ms", "", True, None, -1.0, float("nan")])
def test_what_is_no_time_is_refused(text: object) -> None:
    with pytest.raises(AmountError, match=r"20ms, 1\.5s or 800us"):
        nanoseconds(text)


def test_a_time_budget_without_a_unit_says_what_is_right() -> None:
    with pytest.raises(UsageError, match="a percentage, such as 5%, or a time with a unit") as told:
        searched(FakeTimer({}, 1), {"time": "20"})
    assert told.value.hint == "did you mean 20ms?"
