"""Hostile surroundings: closed and full streams, odd paths, small disks, and signals at any time.

A case is a command in a folder with something precious in it. However it ends, what was precious is
there, or is replaced whole where the command may do that, and nothing else is left behind.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import NamedTuple

from fuzz_specs import Outcome
from hostile.words import Case
from running import clean_environment

PRECIOUS = "precious\n"
STATUSES = {0, 1, 2, 3, 130, 141, 143, 129}
SECONDS = 120.0
LIGHT: tuple[tuple[str, ...], ...] = (
    ("summary", "basic"),
    ("summary", "shufflenet_v1", "--depth", "1"),
    ("compare", "basic", "-g", "1,2,3"),
    ("check", "."),
    ("check", "*.yaml"),
    ("diff", "basic", "block"),
    ("diff", "net.yaml", "--against", "HEAD"),
    ("list",),
    ("schema",),
    ("init",),
    ("summary", "nothing-there"),
    ("summary", "--nope"),
    ("nope",),
)
HEAVY: tuple[tuple[str, ...], ...] = (
    ("build", "basic", "-o", "a.keras"),
    ("build", "basic", "-o", "sm"),
    ("build", "basic", "-o", "a.keras", "-o", "a.tflite", "-o", "sm"),
)
OUTPUTS = (
    *(
        "result.md",
        "there.md",
        "there.json",
        "folder",
        "folder/",
        "newdir/",
        "newdir/a.md",
        "link.md",
    ),
    *("pipe.md", "/dev/stdout", "/dev/null", "/proc/self/fd/1", "closed/a.md", "a" * 300 + ".md"),
    *("ü" * 120 + ".md", "a\nb.md", "-", "", "..", "loop.md", "there.md/a.md"),
)
STREAMS = (
    "",
    "2>&-",
    ">&-",
    "<&-",
    "<&- 2>&-",
    "2>/dev/full",
    ">/dev/full",
    ">there.log",
    "| true",
)
ENVIRONMENTS: tuple[dict[str, str], ...] = (
    {},
    {"COLUMNS": "0", "FORCE_COLOR": "1"},
    {"COLUMNS": "7"},
    {"TERM": "dumb"},
    {"NO_COLOR": "1", "LC_ALL": "C"},
    {"HOME": "/nonexistent"},
    {"PYTHONIOENCODING": "ascii"},
    {"TMPDIR": "/nonexistent"},
)


class Situation(NamedTuple):
    """A case: what is asked, and how the run is treated."""

    made: Case
    script: str
    env: dict[str, str]
    blocks: int | None
    """Blocks of 1 kB that a file may have: a small disk."""
    number: int | None
    """A signal that arrives."""
    after: float
    """Seconds until it does."""


def situation(random: Random, *, signals: bool = True) -> Situation:
    """A case made of random numbers. Without `signals`, none arrives, and the rest is the same."""
    heavy = random.random() < 0.08
    args = random.choice(HEAVY if heavy else LIGHT)
    kind = "stream"
    if not heavy and random.random() < 0.5 and args[0] not in ("nope", "summary --nope"):
        args, kind = (*args, "-o", random.choice(OUTPUTS)), "path"
    if random.random() < 0.4:
        args = (*args, "--force")
    blocks = random.choice([0, 1, 8]) if random.random() < 0.15 else None
    number = None
    if random.random() < 0.3:
        number = random.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
    if number is not None and signals:
        kind = "signal"
    elif blocks is not None:
        kind = "disk"
    after = random.random() * (8.0 if heavy else 0.5)
    script = f'"$@" {random.choice(STREAMS)}'
    env = random.choice(ENVIRONMENTS)
    return Situation(Case(kind, b"", args), script, env, blocks, number if signals else None, after)


def run(seed: int, number: int, *, signals: bool = True) -> tuple[Case, Outcome, list[str]]:
    """Runs a case; says how it ended, and what is wrong with that."""
    case = situation(Random(f"{seed} situations {number}"), signals=signals)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "here")
        folder.mkdir()
        _furnish(folder)
        before = _content(folder)
        outcome = _ended(case, folder)
        found = _faults(case, outcome, before, _content(folder))
        (folder / "closed").chmod(0o755)
    return case.made, outcome, found


def _furnish(folder: Path) -> None:
    for name in ("there.md", "there.json", "there.log", "a.keras", "target.md"):
        (folder / name).write_text(PRECIOUS)
    (folder / "net.yaml").write_text("input: [8, 8, 4]\nlayers: [relu]\n")
    (folder / "folder").mkdir()
    (folder / "folder" / "mine.txt").write_text(PRECIOUS)
    (folder / "sm").mkdir()
    (folder / "sm" / "mine.txt").write_text(PRECIOUS)
    (folder / "closed").mkdir(mode=0o000)
    (folder / "link.md").symlink_to("target.md")
    (folder / "loop.md").symlink_to("loop.md")
    os.mkfifo(folder / "pipe.md")
    os.mkfifo(folder / "pipe.yaml")


def _content(folder: Path) -> dict[str, str]:
    """Every file in the folder and below by its name; of a model or a result that it is there."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file():
            found[name] = path.read_bytes()[:40].decode("latin-1")
        else:
            found[name] = "folder" if path.is_dir() else "pipe"
    return found


def _ended(case: Situation, folder: Path) -> Outcome:
    began = time.monotonic()

    def limited() -> None:
        if case.blocks is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000 * case.blocks,) * 2)
        signal.signal(signal.SIGINT, signal.default_int_handler)

    process = subprocess.Popen(
        ["bash", "-c", case.script, "bash", sys.executable, "-m", "groupconv_cli", *case.made.args],
        cwd=folder,
        env=clean_environment(case.env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=limited,  # noqa: PLW1509  (no thread of this process holds a lock)
    )
    if case.number is not None:
        _wait(process, case.after)
        if process.poll() is None:
            os.killpg(process.pid, case.number)
    try:
        out, err = process.communicate(timeout=SECONDS)
        status = process.returncode
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate()
        status = -99
    seconds = time.monotonic() - began
    return Outcome(status, out.decode(errors="replace"), err.decode(errors="replace"), seconds)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> None:
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return


def _faults(
    case: Situation, outcome: Outcome, before: dict[str, str], after: dict[str, str]
) -> list[str]:
    checks: tuple[Callable[..., list[str]], ...] = (_badly_ended, _lost, _left)
    return [fault for check in checks for fault in check(case, outcome, before, after)]


def _badly_ended(case: Situation, outcome: Outcome, *_: dict[str, str]) -> list[str]:
    if outcome.status == -99:
        return ["a case without an end"]
    killed = case.number is not None and (outcome.status < 0 or outcome.status >= 128)
    found = []
    if not killed and outcome.status not in STATUSES:
        found.append(f"exit status {outcome.status}")
    if case.number is None and outcome.status == 3 and "bug in gconv" in outcome.err:
        found.append("an unexpected error")
    # Before a line of the program runs, an interrupt is Python's own to tell.
    early = case.number == signal.SIGINT and "groupconv_cli/__main__.py" not in outcome.err
    if "Traceback" in outcome.out + outcome.err and not early:
        found.append("a traceback")
    return found


def _lost(case: Situation, _: Outcome, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """What was there must be there, but for what the command was told to replace."""
    replaced = {
        name
        for given, value in zip(case.made.args, case.made.args[1:], strict=False)
        if given == "-o" and "--force" in case.made.args
        for name in (value, "target.md" if value == "link.md" else value)
    }
    by_shell = {"there.log"} if ">there.log" in case.script else set()
    return [
        f"{name} is {after.get(name, 'gone')!r}"
        for name, text in before.items()
        if after.get(name) != text
        and name not in by_shell
        and not (name in replaced and after.get(name))
    ]


def _left(case: Situation, _: Outcome, before: dict[str, str], after: dict[str, str]) -> list[str]:
    """A run that was not killed leaves no temporary folders."""
    if case.number == signal.SIGKILL:
        return []
    return [f"{name} is left" for name in after if ".gconv-" in name and name not in before]
