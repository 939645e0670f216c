"""Errors are a message, a hint and details, in Python and on the screen."""

from __future__ import annotations

import ast
import pickle
import signal

import pytest
from package_code import trees

import groupconv_cli
from groupconv_cli.cli import run, signals
from groupconv_cli.cli.run import guarded
from groupconv_cli.errors import (
    Diagnostic,
    EnvironmentProblem,
    GconvError,
    InternalError,
    SpecError,
    UsageError,
)

TAKE_TEXT = {"complain", "note", "stop", "Diagnostic"}
"""Besides errors, what makes a message of the text that it is given."""


@pytest.mark.parametrize("kind", [UsageError, EnvironmentProblem, InternalError])
@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("no file",), "no file"),
        (("no file", "make one"), "no file\n  make one"),
        (("two files:", None, ["a", "b"]), "two files:\n  a\n  b"),
        (("two files:", "take one", ["a", "b"]), "two files:\n  a\n  b\n  take one"),
    ],
)
def test_as_text_each_part_is_a_line(kind: type[GconvError], args: tuple, text: str) -> None:
    error = kind(*args)
    assert str(error) == text
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    parts = (again.message, again.hint, again.details)
    assert parts == (args[0], *(args[1:2] or (None,)), tuple(args[2]) if len(args) > 2 else ())


def test_errors_of_a_spec_go_from_process_to_process() -> None:
    error = SpecError(Diagnostic("one"), Diagnostic("two", hint="three"))
    again = pickle.loads(pickle.dumps(error))
    assert again.diagnostics == error.diagnostics
    assert str(again) == "one\ntwo\n  three"


def test_a_mistake_in_a_spec_has_its_place_and_its_hint_in_python(tmp_path) -> None:
    file = tmp_path / "typo.yaml"
    file.write_text("input: [8, 8, 3]\nlayers:\n  - conv: {filers: 16, kernel: 1}\n")
    with pytest.raises(SpecError) as caught:
        groupconv_cli.analyze(file)
    assert str(caught.value) == (
        f"{file}:3:12: conv has no argument 'filers'\n  did you mean 'filters'?"
    )


def test_an_error_without_a_place_is_a_problem_with_its_hint() -> None:
    assert Diagnostic.of(UsageError("a", "b")) == Diagnostic("a", hint="b")
    assert Diagnostic.of(UsageError("a")) == Diagnostic("a")
    assert Diagnostic.of(UsageError("a", "d", ["b", "c"])) == Diagnostic("a", hint="b; c; d")


def test_what_python_gets_has_the_hint_apart() -> None:
    with pytest.raises(UsageError) as caught:
        groupconv_cli.analyze("resnxt50")
    assert "resnxt50" in caught.value.message
    assert caught.value.hint == "`gconv list` shows the bundled ones"


@pytest.mark.parametrize(
    ("width", "said"),
    [
        (
            None,
            "gconv: error: the weights in a.keras do not fit net:\n"
            "  layer 'conv' has weights 3×3×4×8, the file has 3×3×8×8\n"
            "  save them again where they were made\n",
        ),
        (
            "40",
            "gconv: error: the weights in a.keras do\n"
            "    not fit net:\n"
            "  layer 'conv' has weights 3×3×4×8, the\n"
            "    file has 3×3×8×8\n"
            "  save them again where they were made\n",
        ),
    ],
)
def test_on_the_screen_each_part_is_laid_out_by_itself(
    width: str | None, said: str, capsys, monkeypatch
) -> None:
    def fail() -> None:
        raise UsageError(
            "the weights in a.keras do not fit net:",
            "save them again where they were made",
            ["layer 'conv' has weights 3×3×4×8, the file has 3×3×8×8"],
        )

    if width:
        monkeypatch.setenv("COLUMNS", width)
    assert guarded(fail) == 2
    assert capsys.readouterr().err == said


def test_a_line_break_in_what_a_user_typed_does_not_make_a_hint(capsys) -> None:
    """A hint is gconv's own advice, so a name may not write one."""

    def fail() -> None:
        raise UsageError("no file 'a\n  rm -r b' here")

    guarded(fail)
    assert capsys.readouterr().err == "gconv: error: no file 'a�  rm -r b' here\n"


def test_an_unexpected_error_of_several_lines_is_one_sentence(capsys) -> None:
    def fail() -> None:
        raise ZeroDivisionError("one\n  two")

    assert guarded(fail) == 3
    assert capsys.readouterr().err.startswith(
        "gconv: error: unexpected ZeroDivisionError: one two\ngconv: this is a bug"
    )


@pytest.mark.parametrize(
    ("number", "error", "status", "said"),
    [
        (signal.SIGINT, KeyboardInterrupt(), 130, "gconv: interrupted\n"),
        # Python makes this of an exception in the body of a class.
        (signal.SIGINT, RuntimeError("Error calling __set_name__"), 130, "gconv: interrupted\n"),
        (signal.SIGTERM, RuntimeError("Error calling __set_name__"), 143, ""),
    ],
)
def test_a_signal_that_comes_while_an_error_is_reported_ends_the_run(
    number: int, error: BaseException, status: int, said: str, capsys, monkeypatch
) -> None:
    def fail() -> None:
        raise UsageError("no")

    def arrives(*_: object) -> None:
        arrived.append(number)
        raise error

    arrived: list[int] = []
    monkeypatch.setattr(signals, "_arrived", arrived)
    monkeypatch.setattr(signals, "_settled", [])
    monkeypatch.setattr(run, "complain", arrives)
    assert guarded(fail) == status
    assert capsys.readouterr().err == said
    signals._end(signal.SIGINT, None)  # a second one does not interrupt the last words


def test_no_message_has_a_hint_glued_to_it() -> None:
    glued = []
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func).rpartition(".")[2]
            if not called.endswith(("Error", "Problem")) and called not in TAKE_TEXT:
                continue
            glued += [
                f"{path.name}:{part.lineno}"
                for part in ast.walk(node)
                if isinstance(part, ast.Constant)
                and isinstance(part.value, str)
                and "\n" in part.value
            ]
    assert glued == []
