"""Typer's complaints about arguments in gconv's words, so that all errors look alike.

Typer's exceptions are recognized by their attributes. Their classes are private, and have moved
between its releases.
"""

from __future__ import annotations

import re
from typing import Any

from groupconv_cli.errors import UsageError
from groupconv_cli.words import did_you_mean, joined, printable, shortened

_EXTRA = re.compile(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", re.DOTALL)


def is_complaint(error: Exception) -> bool:
    """Whether Typer raised it about the arguments. Help that is shown unasked does not count."""
    is_help = type(error).__name__ == "NoArgsIsHelpError"  # its message is all of the help
    return hasattr(error, "format_message") and hasattr(error, "exit_code") and not is_help


def as_usage_error(error: Any, program: Any = None) -> UsageError:
    """The complaint as an error of gconv: what is wrong, and the command that shows help.

    `program` is the context of the commands, if it is known. A complaint may have no context.
    """
    path, command = _command_of(getattr(error, "ctx", None), program)
    params = command.params if command is not None else []
    return UsageError(_message(error, path, params), f"{path} --help says more")


def _command_of(context: Any, program: Any) -> tuple[str, Any]:
    """The command that was typed: the words to type for it, and Typer's object."""
    if context is not None:
        return context.command_path, context.command
    if program is not None and program.invoked_subcommand in program.command.commands:
        name = program.invoked_subcommand
        return f"{program.command_path} {name}", program.command.commands[name]
    return "gconv", None


def _message(error: Any, command: str, params: list[Any]) -> str:
    kind = type(error).__name__
    param = getattr(error, "param", None)
    if kind == "MissingParameter" and param is not None:
        return f"{command} needs {_usage(param)}"
    if kind == "NoSuchOption":
        option = shortened(printable(error.option_name))
        hint = did_you_mean(option, [name for each in params for name in each.opts])
        return f"{command} has no option {option!r}" + (f"; {hint}" if hint else "")
    if kind == "BadOptionUsage":
        if "does not take a value" in error.message:
            return f"{error.option_name} takes no value"
        named = [_usage(each) for each in params if error.option_name in each.opts]
        return f"{error.option_name} needs a value{''.join(f': {usage}' for usage in named)}"
    if kind == "BadParameter" and param is not None:
        return _bad_value(error, param)
    if extra := _EXTRA.match(error.message):
        takes_counts = any("--groups" in each.opts for each in params)
        return f"unexpected argument {shortened(printable(extra[1]))!r}" + (
            "; numbers of groups are separated by commas: --groups 1,4,8"
            if takes_counts and extra[1].replace(" ", "").isdecimal()
            else ""
        )
    return _lowered(error.format_message())


def _usage(param: Any) -> str:
    """The words to type for a parameter: SPEC, or --output FILE."""
    metavar = param.metavar or "VALUE"
    return f"{_name(param)} {metavar}" if param.param_type_name == "option" else metavar


def _name(param: Any) -> str:
    """The long name of an option (--output, not -o), or the placeholder of an argument."""
    if param.param_type_name == "option":
        return str(max(param.opts, key=len))
    return str(param.metavar or param.human_readable_name)


def _bad_value(error: Any, param: Any) -> str:
    """The values that an option takes, and the value it got.

    Typer's message has the value before ' is not '.
    """
    got, is_not, _ = error.message.partition(" is not ")
    expected = _expected(param.type)
    if not is_not or expected is None:
        return f"{_name(param)}: {_lowered(error.message)}"
    choices = [str(getattr(each, "value", each)) for each in getattr(param.type, "choices", ())]
    near = did_you_mean(got.strip("'"), choices)
    return f"{_name(param)} must be {expected}; got {shortened(printable(got))}" + (
        f"; {near}" if near else ""
    )


def _expected(kind: Any) -> str | None:
    """The values of one of Typer's types; None for a type that no option of gconv has."""
    if choices := getattr(kind, "choices", None):
        return joined([str(getattr(each, "value", each)) for each in choices], "or")
    if not getattr(kind, "name", "").startswith("int"):
        return None
    low, high = getattr(kind, "min", None), getattr(kind, "max", None)
    if low is None:
        return "a whole number"
    return f"a whole number from {low:,} {'up' if high is None else f'to {high:,}'}"


def _lowered(message: str) -> str:
    shown = shortened(printable(message)).rstrip(".")
    return shown[:1].lower() + shown[1:]
