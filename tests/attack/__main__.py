"""Attacks gconv with specs and files that are made of a seed, and says what got through.

    python -m tests.attack                                    # some of everything
    python -m tests.attack --seed 7 --specs 100000 --models 0
    python -m tests.attack --seed 7 --half models --case 123  # one case again

Cases run in worker processes, so that one that crashes or never ends is a fault like any other.
Exits with 1 if anything got through.
"""

from __future__ import annotations

import argparse
import json
import queue
import resource
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).parent.parent
PATIENCE = 400.0
"""Seconds after which a case that has not ended never does."""

MEGABYTES = {"specs": 500, "models": 1500, "situations": 500}
"""Resident memory of a worker; TensorFlow and what it keeps of models take 1,000 of the latter."""

RENEWED = {"specs": 20_000, "models": 400, "situations": 20_000}
"""Cases after which a worker is another: libraries keep what they have seen."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--specs", type=int, default=1000, metavar="N")
    parser.add_argument("--models", type=int, default=200, metavar="N")
    parser.add_argument("--situations", type=int, default=50, metavar="N")
    parser.add_argument("--jobs", type=int, default=2, metavar="N")
    parser.add_argument("--half", choices=MEGABYTES, help="of the case, or of a worker")
    parser.add_argument("--case", type=int, metavar="N", help="only this one, with what it says")
    parser.add_argument("--work", nargs=3, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case is not None:
        return _one(options.half or "specs", options.seed, options.case)
    if options.work:
        return _work(options.half, options.seed, range(*options.work))
    faults = 0
    for half in MEGABYTES:
        count = getattr(options, half)
        if count:
            faults += _attack(half, options.seed, count, options.jobs)
    return 1 if faults else 0


def _attack(half: str, seed: int, count: int, jobs: int) -> int:
    """Runs so many cases; returns how many got through."""
    began = time.monotonic()
    results: queue.Queue[dict] = queue.Queue()
    threads = [
        threading.Thread(
            target=_watch, args=(half, seed, range(job, count, jobs), results), daemon=True
        )
        for job in range(jobs)
    ]
    for thread in threads:
        thread.start()
    statuses: Counter[str] = Counter()
    kinds: Counter[str] = Counter()
    slowest, largest, found = (0.0, -1), 0.0, []
    for done in range(count):
        try:
            result = results.get(timeout=3 * PATIENCE)
        except queue.Empty:
            found.append("the attack has stopped")
            say(f"{half}: no more results after {done:,} of {count:,}")
            break
        statuses[str(result["status"])] += 1
        kinds[result["kind"]] += 1
        slowest = max(slowest, (result["seconds"], result["number"]))
        largest = max(largest, result["megabytes"])
        found += _told(half, result)
        if done and done % 10_000 == 0:
            say(f"  {done:,} of {count:,}, {time.monotonic() - began:,.0f} s")
    for thread in threads:
        thread.join(PATIENCE)
    while not results.empty():  # of workers that crashed behind their last case
        found += _told(half, results.get())
    refused = statuses["2"] / count
    say(f"{count:,} {half}, seed {seed}, {time.monotonic() - began:,.0f} s: {dict(kinds)}")
    say(f"exit statuses {dict(statuses)}: {refused:.0%} refused")
    by = "by the clock" if half == "situations" else "of processor time"
    say(f"slowest {slowest[0]:.2f} s {by} ({slowest[1]}), {largest:,.0f} MB resident")
    say(f"{len(found)} faults" if found else "no faults")
    return len(found)


def _told(half: str, result: dict) -> list[str]:
    """Says what got through in a case; returns that."""
    for fault in result["faults"]:
        say(f"{half} {result['number']}: {fault} ({result['kind']}: {result['args']})")
        say(f"    {result['err'][:400]!r}")
    return result["faults"]


def _watch(half: str, seed: int, numbers: range, results: queue.Queue) -> None:
    """Has workers do the cases, and says of the one in hand that it crashed or never ended."""
    while numbers:
        part = numbers[: RENEWED[half]]
        command = [sys.executable, "-m", "tests.attack", "--half", half, "--seed", str(seed)]
        worker = subprocess.Popen(
            [*command, "--work", *map(str, (part.start, part.stop, part.step))],
            cwd=TESTS.parent,
            stdout=subprocess.PIPE,
            text=True,
        )
        timer = threading.Timer(PATIENCE, worker.kill)
        timer.start()
        done = 0
        for line in worker.stdout or ():
            timer.cancel()
            timer = threading.Timer(PATIENCE, worker.kill)
            timer.start()
            results.put(json.loads(line))
            done += 1
        timer.cancel()
        status = worker.wait()
        if status:
            behind = done == len(part)
            number = part[-1] if behind else part[done]
            ending = {"number": number, "status": status, "kind": "?", "args": "", "err": ""}
            ended = "a case without an end" if status == -9 else f"a crash ({status})"
            if behind:
                ended += " of the worker, behind its last case"
            results.put({**ending, "seconds": 0.0, "megabytes": 0.0, "faults": [ended]})
            done += not behind
        numbers = numbers[done:]


def _work(half: str, seed: int, numbers: range) -> int:
    run = _half(half)
    out = sys.stdout
    bound = MEGABYTES[half]
    for number in numbers:
        made, outcome, faults = run(seed, number)
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
        if megabytes > bound:
            faults = [*faults, f"more than {bound} MB"]
            bound += 200
        result = {"number": number, "status": outcome.status, "kind": made.kind}
        result |= {"args": " ".join(made.args), "err": outcome.err if faults else ""}
        result |= {"seconds": outcome.seconds, "megabytes": megabytes, "faults": faults}
        out.write(json.dumps(result) + "\n")
        out.flush()
    return 0


def _half(name: str):
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]
    if name == "specs":
        from attack import specs

        return specs.run
    if name == "situations":
        from attack import situations

        return situations.run
    from attack import models

    models.good()
    return models.run


def _one(half: str, seed: int, number: int) -> int:
    made, outcome, faults = _half(half)(seed, number)
    say(f"{made.kind}: {' '.join(made.args)} ({len(made.data):,} bytes as {made.file})")
    if half == "specs":
        say(made.data.decode())
    elif half == "models":
        Path(made.file).write_bytes(made.data)
        say(f"written to {made.file}")
    say(f"status {outcome.status}, {outcome.seconds:.2f} s", outcome.out[:2000], outcome.err[:2000])
    say(*(faults or ["no faults"]))
    return 1 if faults else 0


def say(*lines: str) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
