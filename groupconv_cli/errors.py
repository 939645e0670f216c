"""Errors and their places.

Inner code raises one short fact (`OpError`); the one boundary that knows the place in the file
(`language.expand`) turns it into a `Diagnostic`; the command line prints it and exits.
Every exception here carries the exit status the program ends with.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, NamedTuple, NoReturn

from groupconv_cli.words import joined

MAX_REPORTED = 20
"""The most problems that are printed for one file. Further problems are only counted."""

MAX_ALIASES = 1000
"""The most aliases that are searched for remarks."""

MAX_LINES = 5
"""The most lines that a remark names."""

MAX_COLLECTED = 200
"""The most problems that are collected in one file. Reading stops after them."""


class Source(NamedTuple):
    """The text of one spec and its name in messages."""

    name: str
    text: str


class Place(NamedTuple):
    """A position in a source. `line` and `column` count from 1."""

    source: Source
    line: int
    column: int


class Diagnostic(NamedTuple):
    """One problem: what is wrong with the value received, where, and what would be right."""

    message: str
    place: Place | None = None
    hint: str | None = None
    level: str = "error"
    """How it is announced: error or warning."""
    code: str = ""
    """The code of the broken rule, if a rule found it."""

    def __str__(self) -> str:
        """The message after its place, and the hint on a line of its own."""
        at = self.place
        where = f"{at.source.name}:{at.line}:{at.column}: " if at else ""
        return "\n  ".join(filter(None, [where + self.message, self.hint]))

    @classmethod
    def of(cls, error: UsageError) -> Diagnostic:
        """A problem without a place."""
        said = "; ".join(filter(None, [*error.details, error.hint]))
        return cls(error.message, hint=said or None)


class HintedError(Exception):
    """An error with a message on the received value, and a `hint` on what would be right.

    Its text is the message, and the hint on a line of its own.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return "\n  ".join(filter(None, [self.message, self.hint]))


class GconvError(HintedError):
    """The base of every error that gconv raises on purpose.

    If the message announces a list, `details` has its items. Each is a line of its own.
    """

    exit_status: ClassVar[int] = 3

    def __init__(self, message: str, hint: str | None = None, details: Iterable[str] = ()) -> None:
        super().__init__(message, hint)
        self.details = tuple(details)
        self.args = (message, hint, self.details)

    def __str__(self) -> str:
        return "\n  ".join(filter(None, [self.message, *self.details, self.hint]))


class UsageError(GconvError):
    """A request that cannot be carried out (an unknown name, a bad option)."""

    exit_status = 2


class SpecError(GconvError):
    """A spec with mistakes: all independent mistakes."""

    exit_status = 2

    def __init__(self, *diagnostics: Diagnostic) -> None:
        super().__init__("; ".join(d.message for d in diagnostics))
        self.args = self.diagnostics = diagnostics

    def __str__(self) -> str:
        """Each mistake with its place on a line, and its hint below."""
        shown = [str(each) for each in self.diagnostics[:MAX_REPORTED]]
        more = len(self.diagnostics) - len(shown)
        return "\n".join([*shown, *([f"and {more} more"] if more else [])])


class UnreachableBudget(GconvError):
    """No choice is within the budgets, or none was found in time."""

    exit_status = 1


class Problems:
    """Collects the problems of one spec: the first problem at each place.

    A later problem at the same place repeats the first or follows from it, unless it is another
    fact, as when a block is used with several values. The rows and repetitions of one use have one
    problem at a place together: the first.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Place | None, str], Diagnostic] = {}
        self._uses: set[tuple[Place | None, tuple[Place, ...]]] = set()
        """The places of problems inside blocks, with the places where the blocks are used."""
        self._aliases: list[tuple[Place, Place, int]] = []
        """Text that aliases use again: its beginning, its end, the line of the alias."""

    def __len__(self) -> int:
        return len(self._known)

    def copy(self) -> Problems:
        """Another collector with the same problems."""
        other = Problems()
        other._known.update(self._known)
        other._uses |= self._uses
        other._aliases += self._aliases
        return other

    def note_alias(self, begin: Place, end: Place, line: int) -> None:
        """Notes that an alias on that line stands for the text between two places."""
        if len(self._aliases) < MAX_ALIASES:
            self._aliases.append((begin, end, line))

    def add(
        self,
        message: str,
        place: Place | None,
        hint: str | None = None,
        *,
        fact: str = "",
        used_at: tuple[Place, ...] = (),
    ) -> None:
        """Adds a problem; `fact` distinguishes several problems at the same place.

        `used_at` are the places where the blocks around are used.

        Raises SpecError with all problems if there are too many.
        """
        if used_at and (place, used_at) in self._uses:
            return
        if (place, "") not in self._known and (place, fact) not in self._known:
            self._uses.add((place, used_at))
            self._known[place, fact] = Diagnostic(message, place, hint)
            if len(self) >= MAX_COLLECTED:
                raise self.error()

    def stop(self, message: str, place: Place | None, hint: str | None = None) -> NoReturn:
        """Adds a problem after which nothing can be read. Raises SpecError with all problems."""
        self.add(message, place, hint)
        raise self.error()

    def error(self) -> SpecError:
        """All problems so far as one exception, in the order of the file."""
        found = sorted(self._known.values(), key=lambda problem: _position(problem.place))
        return SpecError(*map(self._with_aliases, found))

    def _with_aliases(self, problem: Diagnostic) -> Diagnostic:
        """The problem, with a remark if an alias uses the text at its place again."""
        at = _position(problem.place)
        lines = [
            f"line {line}"
            for begin, end, line in self._aliases
            if problem.place is not None
            and problem.place.source == begin.source
            and _position(begin) <= at < _position(end)
        ]
        if not lines:
            return problem
        note = f"(an alias uses this again on {joined(lines[:MAX_LINES])})"
        return problem._replace(hint=f"{problem.hint} {note}" if problem.hint else note)


def _position(place: Place | None) -> tuple[int, int]:
    return (place.line, place.column) if place else (0, 0)


class EnvironmentProblem(GconvError):
    """The surroundings failed: TensorFlow is missing, the disk is full, memory is short."""


class InternalError(GconvError):
    """gconv contradicts itself or Keras: a bug to report, never the user's mistake."""


class OpError(HintedError):
    """An impossible layer: one fact about it, without its place.

    `arg` names the argument at fault, so that the boundary can point at its value. In the message
    `{layer}` stands for the layer's name, which the boundary knows too.
    """

    def __init__(self, message: str, *, arg: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.arg = arg
