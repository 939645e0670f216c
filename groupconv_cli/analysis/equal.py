"""The whole value of a variable at which a network costs as much as another one, or nearly so.

Costs can be any function of a variable, and not every value makes a network. So the search proves
what it finds in one of two ways:

- If costs never fall while the variable rises (`growth_proof.py`), it halves the range between a
  network that costs less and one that costs as much or more, until no network is left between them.
  This covers every value up to `FAR` times the value as written.
- Otherwise it tries every value up to a limit: `NEAR`, or `TIMES` times the value as written, and
  twice that for as long as no network costs as much as the target, but no more than `MOST`.

What was covered is part of the result.
"""

from __future__ import annotations

from collections.abc import Callable
from math import gcd, isqrt
from typing import NamedTuple

from groupconv_cli.analysis.report import Equal
from groupconv_cli.analysis.totals import total
from groupconv_cli.errors import UsageError
from groupconv_cli.network import Network
from groupconv_cli.policy.totals import EQUALS, METRICS
from groupconv_cli.words import joined

FAR = 2**20
NEAR, TIMES, MOST = 256, 4, 4096
MOST_LAYERS = 200_000
"""The most layers that are tried for one row if every value has to be."""


class Found(NamedTuple):
    """The result of a search."""

    value: int | None
    """None if there is none, and then `reason` says why."""
    cost: int | None
    covered: int
    """The largest value that the result holds for; 0 is the smallest."""
    reason: str = ""


class _TooFewError(Exception):
    """Raised if so few values make networks that looking for them takes too long."""


class Tried:
    """The networks that were tried, each made once."""

    def __init__(self, make: Callable[[int], Network | str], metric: str) -> None:
        self.make = make
        self.metric = metric
        self.costs: dict[int, int | None] = {}
        self.networks: dict[int, Network] = {}
        self.layers = 0
        self.reason = ""

    def cost(self, value: int) -> int | None:
        """The cost with this value; None if it makes no network."""
        if value not in self.costs:
            made = self.make(value)
            if isinstance(made, str):
                self.reason = made
                self.costs[value] = None
                self.layers += 1
            else:
                self.networks = {**dict([*self.networks.items()][-KEPT:]), value: made}
                self.costs[value] = cost_of(made, self.metric)
                self.layers += len(made.nodes)
        return self.costs[value]

    def network(self, value: int) -> Network | None:
        """The network with this value."""
        made = self.networks.get(value) or self.make(value)
        return None if isinstance(made, str) else made

    @property
    def known(self) -> dict[int, int]:
        """The costs of those that make a network."""
        return {value: cost for value, cost in self.costs.items() if cost is not None}


KEPT = 4
"""Networks that are kept. They would take more memory than their costs do."""


def cost_of(network: Network, metric: str) -> int:
    """One of `EQUALS`. Raises UsageError for another, and for MACs that are not known."""
    if metric not in EQUALS:
        raise UsageError(f"rows can be made equal in {joined(EQUALS, 'or')}; got {metric!r}")
    costs = total(network)
    if METRICS[metric].is_of_macs and not costs.macs_complete:
        raise UsageError(f"the MACs of {network.name} are not known, so nothing can equal them")
    return costs.metric(METRICS[metric])


def nearest(
    make: Callable[[int], Network | str],
    equal: Equal,
    start: int,
    grows: Callable[[Network, Network], bool] | None = None,
) -> Found:
    """The value from 0 on with which the cost is nearest to the target, or nearest below it.

    `make` gives the network with a value, or why there is none, `start` is a value to begin with,
    and `grows` says of the networks of a smaller and a larger value that costs between them never
    fall while the value rises. None means that this is not known.

    Of two equally near costs the smaller is taken. Of several values with the same cost `start`
    is taken, or else the smallest.
    """
    tried = Tried(make, equal.metric)
    tried.cost(start)
    try:
        bounds = grows and _bounds(tried, max(start, 1), grows)
        covered = _halved(tried, *bounds, equal.target) if bounds else -1
    except _TooFewError:
        covered = -1
    if covered < 0:
        covered = _all(tried, equal, start)
    known = {value: cost for value, cost in tried.known.items() if value <= covered}
    if not known:
        return Found(None, None, covered, tried.reason)
    fitting = {v: c for v, c in known.items() if c <= equal.target or not equal.at_most}
    if not fitting:
        least = min(known, key=lambda value: (known[value], value))
        reason = f"with {equal.by}={least} it costs {known[least]:,} {equal.metric}, the least"
        return Found(None, None, covered, f"no value of {equal.by} costs so little: {reason}")
    value = min(
        fitting,
        key=lambda v: (abs(fitting[v] - equal.target), fitting[v], v != start, v),
    )
    return Found(value, fitting[value], covered)


def _all(tried: Tried, equal: Equal, start: int) -> int:
    """Tries every value up to a limit, which it returns."""
    limit = min(MOST, max(NEAR, TIMES * start))
    done = -1
    while True:
        for value in range(done + 1, limit + 1):
            if tried.layers > MOST_LAYERS:
                return value - 1
            tried.cost(value)
        done = limit
        if limit >= MOST or max(tried.known.values(), default=0) >= equal.target:
            return limit
        limit = min(MOST, 2 * limit)


def _bounds(
    tried: Tried, start: int, grows: Callable[[Network, Network], bool]
) -> tuple[int, int] | None:
    """The smallest value that makes a network, and a large one, if costs grow between them."""
    power = FAR
    while tried.cost(start * power) is None:
        power //= 16
        if power <= 1:
            return None
    high = start * power
    low = next((v for v in range(min(high, MOST) + 1) if tried.cost(v) is not None), None)
    if low is None:
        return None
    first, last = tried.network(low), tried.network(high)
    return (low, high) if first and last and grows(first, last) else None


def _halved(tried: Tried, low: int, high: int, target: int) -> int:
    """Tries enough values between two bounds, where costs never fall; returns the larger bound.

    Afterwards the nearest costs above and below the target are known, each with its smallest value.
    """
    _reach(tried, low, high, target)
    below = [cost for cost in tried.known.values() if cost < target]
    if below:
        _reach(tried, low, high, max(below))
    return high


def _reach(tried: Tried, low: int, high: int, target: int) -> None:
    """Finds the smallest value with a cost of the target or more.

    Then every value between it and one with a smaller cost has been tried.
    """
    known = tried.known
    low = max((v for v in known if known[v] < target), default=low)
    high = min((v for v in known if known[v] >= target), default=high)
    if known[low] >= target or known[high] < target:
        return
    turn = 0
    while low + 1 < high:
        found = _valid(tried, _guess(tried, turn, target, low, high), low, high)
        if found is None:
            return
        if tried.known[found] < target:
            low = found
        else:
            high = found
        turn += 1


def _guess(tried: Tried, turn: int, target: int, low: int, high: int) -> int:
    """Where to look next between two values. Any choice leads to the same end.

    In turn: where the target lies if the root of the cost is a line, as most costs are nearly
    squares; close to the bound that is nearer to the target; and after some turns in the middle.
    """
    below, above = tried.known[low], tried.known[high]
    if turn % 2 == 0:
        left, right = isqrt(below), isqrt(above)
        return low + (high - low) * (isqrt(target) - left) // max(1, right - left)
    if turn > TURNS:
        return (low + high) // 2
    step = 1 << turn // 2
    return low + step if target - below < above - target else high - step


TURNS = 8
"""Turns after which every other guess halves the range."""


def _valid(tried: Tried, guess: int, low: int, high: int) -> int | None:
    """The value nearest to the guess, strictly between two, that makes a network."""
    guess = min(max(guess, low + 1), high - 1)
    values = list(tried.known)
    step = gcd(*(value - values[0] for value in values[1:])) if len(values) > 2 else 1
    on_grid = low + (guess - low) // step * step
    for value in (on_grid, on_grid + step):  # often only multiples of something make networks
        if low < value < high and tried.cost(value) is not None:
            return value
    for distance in range(high - low):
        if distance > MOST:
            raise _TooFewError
        for value in (guess - distance, guess + distance):
            if low < value < high and tried.cost(value) is not None:
                return value
    return None
