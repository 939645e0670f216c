"""The times of a model before and after its conversion, from made-up measurements."""

from __future__ import annotations

import pytest
from machines import MACHINE

from groupconv_cli.analysis.measurement import ConversionMeasurement, MeasureSettings, Timing
from groupconv_cli.render.conversion import conversion_view
from groupconv_cli.render.flow import plain
from groupconv_cli.render.text import lines


def said(
    before: tuple[float, ...],
    after: tuple[float, ...],
    *,
    untrained: str = "",
    complete: bool = True,
) -> str:
    measured = ConversionMeasurement(
        machine=MACHINE,
        settings=MeasureSettings(batch=4),
        forward=(Timing(before), Timing(after)),
        train=None if untrained else (Timing(before), Timing(after)),
        untrained=untrained,
        complete=complete,
    )
    return plain(lines(conversion_view(measured), width=80, exact=False))


@pytest.mark.parametrize(
    ("before", "after", "verdict", "sentence"),
    [
        (
            (0.3,) * 6,
            (0.1,) * 6,
            "WIN",
            "3.00× as fast as the original (95 % interval: 3.00× to 3.00×)",
        ),
        ((0.1,) * 6, (0.2,) * 6, "LOSS", "slower, 0.500× as fast as the original"),
        ((0.1,) * 6, (0.1,) * 6, "TIE", "the two are equally fast, within 5 %"),
        ((0.3,) * 4, (0.1,) * 4, "UNCERTAIN", "more --runs may tell."),
    ],
)
def test_a_verdict_and_a_sentence_per_phase(
    before: tuple[float, ...], after: tuple[float, ...], verdict: str, sentence: str
) -> None:
    text = said(before, after)
    words = " ".join(text.split())
    assert text.count(verdict) == 2
    assert words.count(sentence) == 2
    assert "batch 4" in words
    assert f"Medians of {len(before)} rounds, measured in turn." in words


def test_the_reason_why_training_was_not_measured() -> None:
    text = " ".join(said((0.3,), (0.1,), untrained="it has no weights to train").split())
    assert "Training was not measured: it has no weights to train." in text
    assert "Train step" not in text


def test_an_interruption_is_said() -> None:
    assert "Interrupted: only finished rounds are counted." in said((0.3,), (0.1,), complete=False)
