"""Throws hostile input at gconv and looks at how it ends.

    python tests/fuzz_specs.py                        # 10,000 cases, every 25th as a process
    python tests/fuzz_specs.py --seed 7 --cases 500
    python tests/fuzz_specs.py --seed 7 --case 123    # one case again, reduced to what matters

What must hold is in `faults`. Exits with 1 if anything does not.
"""

from __future__ import annotations

import argparse
import gc
import io
import math
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from hostile import Case, case, write

from groupconv_cli.cli.app import app
from groupconv_cli.cli.run import guarded

SECONDS = 2.0
"""Processor time that no run takes."""

MEGABYTES = 500
LIMITED = ("bash", "-c", 'ulimit -v "$0" -t 60; exec "$@"', str(MEGABYTES * 1000))
"""Runs a command that gets no more memory than it may take, and has an end."""

STARTING = 1.0
"""Processor time in which a process may start, on top."""


class Outcome(NamedTuple):
    """How a run ended, and what it took."""

    status: int
    out: str
    err: str
    seconds: float
    megabytes: float | None = None


def run_inside(made: Case) -> Outcome:
    """Runs a case in this process, through the same door as the program."""
    with _in_new_folder() as folder, _captured() as (out, err):
        args = write(made, folder)
        began = time.process_time()
        try:
            status = guarded(lambda: app(args, prog_name="gconv"))
        except SystemExit as stop:
            status = int(stop.code or 0)
        seconds = time.process_time() - began
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    return Outcome(status, _decoded(out), _decoded(err), seconds)


def run_as_process(made: Case) -> Outcome:
    """Runs a case in a process of its own that gets no more memory than it may take."""

    with (
        _in_new_folder() as folder,
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
    ):
        args = [os.fsencode(arg) for arg in write(made, folder)]
        environment = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "FORCE_COLOR")}
        # The system says of a process that a large one started that it was as large. What it took
        # itself `ulimit` bounds.
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        limit = MEGABYTES if own > MEGABYTES else math.inf
        process = subprocess.Popen(
            [*LIMITED, sys.executable, "-m", "groupconv_cli", *args],
            env={**environment, "PYTHONPATH": str(Path(__file__).parent.parent)},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        for stream in (out, err):
            stream.seek(0)
        return Outcome(
            process.returncode,
            out.read().decode("utf-8", "surrogateescape"),
            err.read().decode("utf-8", "surrogateescape"),
            usage.ru_utime + usage.ru_stime,
            min(usage.ru_maxrss / 1000, limit),
        )


@contextmanager
def _in_new_folder() -> Iterator[Path]:
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(before)


@contextmanager
def _captured() -> Iterator[tuple[io.BytesIO, io.BytesIO]]:
    """Gives the program streams of its own; it runs without garbage collection as in `main`."""
    out, err = io.BytesIO(), io.BytesIO()
    before = sys.stdin, sys.stdout, sys.stderr
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(stream, "utf-8", errors)
        for stream, errors in ((out, "strict"), (err, "backslashreplace"))
    )
    gc.disable()
    try:
        yield out, err
    finally:
        gc.enable()
        for stream in (sys.stdout, sys.stderr):
            stream.detach()
        sys.stdin, sys.stdout, sys.stderr = before


def _decoded(stream: io.BytesIO) -> str:
    return stream.getvalue().decode("utf-8", "surrogateescape")


def faults(made: Case, outcome: Outcome, *, timed: bool = True) -> list[str]:
    """What is wrong with how a case ended; nothing if all is well."""
    found = []
    if "Traceback" in outcome.err:
        found.append("a traceback")
    if outcome.status not in ((0, 1, 2) if made.args[0] == "compare" else (0, 2)):
        found.append(f"exit status {outcome.status}")
    if "unexpected" in outcome.err and "bug" in outcome.err:
        found.append("an unexpected error")
    stray = [char for char in outcome.out + outcome.err if not (char.isprintable() or char == "\n")]
    if stray:
        found.append(f"the character {stray[0]!r} gets out")
    if outcome.status == 2:
        found += _refusal_faults(made, outcome)
    elif outcome.status in (0, 1) and not outcome.out:
        found.append("no result")
    limit = SECONDS if outcome.megabytes is None else SECONDS + STARTING
    if timed and outcome.seconds > limit:
        found.append(f"more than {limit:g} seconds")
    if outcome.megabytes is not None and outcome.megabytes > MEGABYTES:
        found.append(f"more than {MEGABYTES} MB")
    return found


def _refusal_faults(made: Case, outcome: Outcome) -> Iterator[str]:
    if outcome.out:
        yield "a refusal with a result"
    if not outcome.err.strip():
        yield "a refusal without a word"
    heads = re.findall(
        rf"^{re.escape(made.file)}:(\d+):(\d+): error: \S", outcome.err, re.MULTILINE
    )
    asks_too_much = re.match(
        r"gconv: error: (.* has no variants|there is no convolution to vary|\d+ numbers of groups"
        r"|\d+ channels have too many divisors)",
        outcome.err,
    )
    if made.plain and not heads and not asks_too_much:
        yield "a refusal without a place"
    lines = re.split("\r\n|[\n\r\x85\u2028\u2029]", made.data.decode("utf-8", "replace"))
    for line, column in heads:
        number, at = int(line), int(column)
        if not 1 <= number <= len(lines) + 1:
            yield "a line that is not there"
        # A place in broken text is counted in bytes.
        elif number <= len(lines) and at > len(lines[number - 1].encode()) + 1:
            yield "a column that is not there"


def reduced(made: Case, fault: str, run=run_inside, *, timed: bool = True) -> Case:
    """A smaller case with the same fault: pieces of the file are left out while it stays."""
    size = max(1, len(made.data) // 2)
    while size:
        at, smaller = 0, False
        while at < len(made.data):
            tried = made._replace(data=made.data[:at] + made.data[at + size :])
            if fault in faults(tried, run(tried), timed=timed):
                made, smaller = tried, True
            else:
                at += size
        size = size if smaller and size < len(made.data) else size // 2
    return made


def described(made: Case, outcome: Outcome) -> str:
    """A case to read."""
    data = made.data if len(made.data) < 600 else made.data[:300] + b" ... " + made.data[-200:]
    args = [arg if len(arg) < 100 else arg[:100] + "…" for arg in made.args]
    return (
        f"    {made.kind}: {args} {made.file!r} ({len(made.data):,} bytes)\n    {data!r}\n"
        f"    status {outcome.status}, {outcome.seconds:.2f} s\n"
        f"    stderr {outcome.err[:400]!r}\n"
    )


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0, metavar="N", help="begin with the N-th")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="only this one, reduced")
    parser.add_argument("--as-process", type=int, default=25, metavar="N", help="every N-th")
    options = parser.parse_args()
    if options.case is not None:
        return _one(case(options.seed, options.case))
    found: dict[str, list[int]] = {}
    kinds: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    slowest = largest = (0.0, -1)
    slowest_process = (0.0, -1)
    for number in range(options.first, options.cases):
        made = case(options.seed, number)
        is_process = number % options.as_process == 0
        outcome = run_as_process(made) if is_process else run_inside(made)
        kinds[made.kind] += 1
        statuses[outcome.status] += 1
        if is_process:
            slowest_process = max(slowest_process, (outcome.seconds, number))
            largest = max(largest, (outcome.megabytes or 0.0, number))
        else:
            slowest = max(slowest, (outcome.seconds, number))
        for fault in faults(made, outcome):
            known = found.setdefault(f"{fault} ({made.kind})", [])
            known.append(number)
            if len(known) <= 2:
                say(f"case {number}: {fault}\n{described(made, outcome)}")
    say(f"{kinds.total():,} cases, seed {options.seed}: {dict(kinds)}")
    say(f"exit statuses: {dict(statuses)}")
    say(f"slowest: {slowest[0]:.2f} s of processor time (case {slowest[1]})")
    say(f"as processes: {slowest_process[0]:.2f} s (case {slowest_process[1]})")
    say(f"{largest[0]:.0f} MB resident (case {largest[1]})")
    for fault, numbers in found.items():
        say(f"FAULT {fault}: {len(numbers)} cases, {numbers[:8]}")
    say("no faults" if not found else f"{len(found)} kinds of faults")
    return 1 if found else 0


def _one(made: Case) -> int:
    outcome = run_inside(made)
    say(described(made, outcome), f"    stdout {outcome.out[:300]!r}")
    wrong = faults(made, outcome)
    for fault in wrong:
        smaller = reduced(made, fault)
        say(f"{fault}; reduced:\n{described(smaller, run_inside(smaller))}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
