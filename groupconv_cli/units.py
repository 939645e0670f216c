"""The number formatter: every number that a person reads is written here."""

from __future__ import annotations

from math import isfinite

EXACT_BELOW = 10_000
MAX_IN_FULL = 1e15
"""From here on a ratio has an exponent."""

_PREFIXES = ("", "k", "M", "G", "T", "P", "E")


def count_text(number: int, *, exact: bool = False) -> str:
    """A count: in full below 10,000 or if `exact`, else with three digits and a prefix (4.23 G)."""
    if exact or abs(number) < EXACT_BELOW:
        return f"{number:,}"
    digits, prefix = _scaled(number)
    return f"{digits} {prefix}".rstrip()


def bytes_text(number: int, *, exact: bool = False) -> str:
    """A size in bytes: kB, MB, GB are powers of 1000."""
    if exact:
        return f"{number:,} B"
    digits, prefix = _scaled(number)
    return f"{digits} {prefix}B"


def ratio_text(ratio: float | None) -> str:
    """A ratio to the baseline in three digits: 0.25× is a quarter. None means no ratio."""
    if ratio is None or not isfinite(ratio):
        return ""
    if EXACT_BELOW <= abs(ratio) < MAX_IN_FULL:
        return f"{float(f'{ratio:.3g}'):,.0f}×"
    return f"{_three_digits(ratio)}×"


def ratio(value: float, baseline: float) -> float | None:
    """`value` / `baseline`; None if the baseline is 0."""
    return value / baseline if baseline else None


def decimal_text(number: float) -> str:
    """A number that is not a count, in three digits."""
    return _three_digits(number)


def value_text(value: float) -> str:
    """The value of a choice: a whole number in full, else with three decimals."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.3f}"


def seconds_text(seconds: float) -> str:
    """A time in three digits: 1.23 s, 45.6 ms, 789 µs."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if seconds >= 0.9995 * size:
            return f"{_three_digits(seconds / size)} {unit}"
    return f"{_three_digits(seconds * 1e6)} µs"


def percent_text(share: float) -> str:
    """A share in per cent; without decimals from 10 % on."""
    percent = 100 * share
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %"


def accuracy_text(percent: float) -> str:
    """An accuracy that is in per cent already, as 76.1 %."""
    return f"{percent:.1f} %"


def points_text(share: float) -> str:
    """A difference of two shares in percentage points, with its sign: -1.2."""
    text = f"{100 * share:+.1f}"
    return "0.0" if float(text) == 0 else text


def interval_text(ends: tuple[float, float]) -> str:
    """The ends of an interval of differences, in percentage points: -2.5 to +0.1."""
    return " to ".join(map(points_text, ends))


def _scaled(number: int) -> tuple[str, str]:
    # Integers are scaled by integer arithmetic: a float would overflow on the largest.
    size, step = abs(number), 0
    while size >= 1000 ** (step + 1):
        step += 1
    sign = "-" if number < 0 else ""
    if step >= len(_PREFIXES):
        exponent = len(str(size)) - 1
        return f"{sign}{str(size)[0]}.{str(size)[1:3]}e{exponent}", ""
    unit = 1000**step
    for decimals in (2, 1, 0):
        scale = 10**decimals
        rounded = (size * scale + unit // 2) // unit
        if rounded < 1000:
            break
    else:
        return _scaled(1000 ** (step + 1) * (-1 if number < 0 else 1))
    if step == 0:
        return f"{number}", ""
    text = f"{rounded // scale}"
    if decimals:
        text += f".{rounded % scale:0{decimals}d}"
    return sign + text, _PREFIXES[step]


def _three_digits(number: float) -> str:
    if number == 0:
        return "0"
    if number == int(number) and abs(number) < EXACT_BELOW:
        return f"{int(number):,}"
    if abs(number) >= EXACT_BELOW:
        return f"{number:.3g}"
    if abs(number) >= 100:
        return f"{number:,.0f}"
    text = f"{number:#.3g}"
    return text if "e" not in text else f"{number:.2e}"


def change_text(number: int, text: str) -> str:
    """A difference with its sign, such as +1.2 M; `text` is the text of the number."""
    return f"+{text}" if number > 0 else text


def share_change_text(share: float | None) -> str:
    """A relative difference in per cent, in three digits: +4.76 %. None means no share."""
    if share is None or not isfinite(share):
        return ""
    return f"{'+' if share > 0 else ''}{_three_digits(100 * share)} %"
