"""Running the program: in this process, as a process of its own, and in a terminal."""

from __future__ import annotations

import fcntl
import functools
import gc
import io
import json
import logging
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
GCONV = (sys.executable, "-m", "groupconv_cli")

CHANGES_OUTPUT = (
    *("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TERM", "CI", "GITHUB_ACTIONS"),
    *("GITHUB_WORKSPACE", "GITHUB_STEP_SUMMARY", "GCONV_DEBUG"),
)
"""Variables that change what is printed; tests that want one set it."""

PATIENCE = 300
"""Seconds after which a process that says nothing, or has not ended, hangs."""

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Result(NamedTuple):
    """What a run of the program left."""

    status: int
    out: str
    err: str


def clean_environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process' environment less what changes the output, and with `changes`."""
    kept = {key: value for key, value in os.environ.items() if key not in CHANGES_OUTPUT}
    return {**kept, "TERM": "xterm-256color", "PYTHONPATH": str(ROOT), **(changes or {})}


# In this process


def run_gconv(
    *args: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    in_order: bool = False,
) -> Result:
    """Runs the program in this process, with its output to files: not to a terminal.

    With `in_order`, `out` is all that is written, errors too, as a person would see it.

    It takes a tenth of the time that a process takes, and TensorFlow is loaded once. What Python
    reads as it starts is not read again: for its variables, and for tests of signals, pipes and
    imports, there is `run_process`.
    """
    started = [name for name in env or () if name.startswith("PYTHON")]
    assert not started, f"{started} says how Python starts: take run_process"

    def main() -> None:
        from groupconv_cli.__main__ import main

        sys.argv = ["gconv", *map(str, args)]
        main()

    return run_here(main, cwd=cwd, env=env, stdin=stdin, in_order=in_order)


def run_code(code: str, *args: str | Path, cwd: Path | None = None) -> Result:
    """Runs Python code as a script in this process."""

    def main() -> None:
        sys.argv = ["-c", *map(str, args)]
        exec(compile(code, "<code>", "exec"), {"__name__": "__main__"})

    return run_here(main, cwd=cwd)


def run_here(
    main: Callable[[], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
    in_order: bool = False,
) -> Result:
    """Runs what would be the main function of a process, and puts back what it changed."""
    with ExitStack() as stack:
        streams = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        streams[0].write(stdin or b"")
        streams[0].seek(0)
        stack.enter_context(_the_process_kept(cwd, clean_environment(env)))
        stack.enter_context(_descriptors(*(streams[:2] + streams[1:2] if in_order else streams)))
        stack.enter_context(_warnings_as_at_start())
        status = _status_of(main)
        for stream in _outputs():
            stream.flush()
        told = []
        for stream in streams[1:]:
            stream.seek(0)
            told.append(stream.read().decode())
    return Result(status, *told)


def _status_of(main: Callable[[], None]) -> int:
    """The status that a process would end with."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, int) or end.code is None:
            return end.code or 0
        print(end.code, file=sys.stderr)  # noqa: T201
        return 1
    except Exception:  # noqa: BLE001
        traceback.print_exc()
        return 1
    return 0


@contextmanager
def _the_process_kept(cwd: Path | None, env: Mapping[str, str]) -> Iterator[None]:
    """What belongs to the process as a whole is after the block what it was before."""
    environment, folder, argv, path = (
        dict(os.environ),
        os.open(".", os.O_RDONLY),
        sys.argv,
        sys.path,
    )
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    collected = gc.isenabled()
    root = logging.getLogger()
    level, logged_by = root.level, root.handlers[:]
    sys.path = [*path]
    try:
        _set_environment(env)
        if cwd is not None:
            os.chdir(cwd)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        with _keras_kept():
            yield
    finally:
        root.level, root.handlers[:] = level, logged_by
        (gc.enable if collected else gc.disable)()
        if (signals := sys.modules.get("groupconv_cli.cli.signals")) is not None:
            signals.end_cleanly()  # forgets the signals of this run
        for number, handler in handlers.items():
            signal.signal(number, handler)
        sys.argv, sys.path = argv, path
        os.fchdir(folder)
        os.close(folder)
        _set_environment(environment)


def _set_environment(env: Mapping[str, str]) -> None:
    for key in set(os.environ) - set(env):
        del os.environ[key]
    for key, value in env.items():
        if os.environ.get(key) != value:
            os.environ[key] = value


@contextmanager
def _keras_kept() -> Iterator[None]:
    """The settings of Keras, if it is loaded, are after the block what they were before."""
    keras = sys.modules.get("keras")
    if keras is None:
        yield
        return
    config = keras.config
    policy, floatx = config.dtype_policy(), config.floatx()
    try:
        yield
    finally:
        config.set_floatx(floatx)
        config.set_dtype_policy(policy)


@contextmanager
def _descriptors(*files: io.BufferedIOBase) -> Iterator[None]:
    """Descriptors 0 to 2 lead to the files, and the streams of Python to the descriptors.

    The streams are those of a pipe: no terminal, and native code and other processes write to where
    Python does.
    """
    streams = sys.stdin, sys.stdout, sys.stderr
    for stream in streams[1:]:
        stream.flush()
    kept = [os.dup(number) for number in range(3)]
    try:
        for number, file in enumerate(files):
            os.dup2(file.fileno(), number)
        sys.stdout, sys.stderr = _outputs()
        with open(0, encoding="utf-8", closefd=False) as sys.stdin:
            yield
    finally:
        for stream in _outputs():
            stream.flush()
        sys.stdin, sys.stdout, sys.stderr = streams
        for number, descriptor in enumerate(kept):
            os.dup2(descriptor, number)
            os.close(descriptor)


@functools.cache
def _outputs() -> tuple[io.TextIOWrapper, io.TextIOWrapper]:
    """What Python writes to in every run: what keeps a stream, as a log does, keeps a good one."""
    errors = {"encoding": "utf-8", "errors": "backslashreplace", "buffering": 1}
    return (
        open(1, "w", encoding="utf-8", closefd=False),
        open(2, "w", closefd=False, **errors),
    )


@contextmanager
def _warnings_as_at_start() -> Iterator[None]:
    """Warnings are filtered as in a new process, and printed rather than kept for pytest."""
    with warnings.catch_warnings():
        warnings.resetwarnings()
        warnings.simplefilter("ignore", ResourceWarning)
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
        warnings.showwarning = _print_warning
        yield


def _print_warning(message, category, filename, lineno, file=None, line=None) -> None:
    shown = warnings.formatwarning(message, category, filename, lineno, line)
    (file or sys.stderr).write(shown)


# As a process


def run_process(
    *args: str | Path,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes | None = None,
) -> Result:
    """Runs the program as a process whose output goes to pipes."""
    done = subprocess.run(
        [sys.executable, "-m", "groupconv_cli", *map(str, args)],
        cwd=cwd,
        env=clean_environment(env),
        input=stdin,
        stdin=subprocess.DEVNULL if stdin is None else None,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


IN_TURN = """
import json, sys
sys.path.append(sys.argv[1])
from running import run_gconv
commands, env = map(json.loads, sys.argv[2:])
print(json.dumps([run_gconv(*args, env=env) for args in commands]))
"""


def run_in_turn(
    *commands: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None
) -> list[Result]:
    """Runs the program several times in one new process, which loads TensorFlow once at most."""
    each = {name: text for name, text in (env or {}).items() if not name.startswith("PYTHON")}
    given = [str(Path(__file__).parent), json.dumps(commands), json.dumps(each)]
    done = subprocess.run(
        [sys.executable, "-c", IN_TURN, *given],
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return [Result(*each) for each in json.loads(done.stdout)]


def run_in_terminal(
    *args: str | Path,
    columns: int = 80,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Runs the program in a terminal of that width; what it shows is `out`."""
    command = [sys.executable, "-m", "groupconv_cli", *map(str, args)]
    status, shown = in_terminal(command, columns=columns, cwd=cwd, env=env)
    return Result(status, shown.replace("\r\n", "\n"), "")


def in_terminal(
    command: Sequence[str],
    *,
    columns: int = 80,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """Runs a command in a terminal; its exit status, and all that it wrote."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        command,
        cwd=cwd,
        env=clean_environment(env),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        close_fds=True,
    )
    os.close(slave)
    try:
        shown = read_all(master)
        return process.wait(timeout=PATIENCE), shown
    finally:
        process.kill()
        process.wait()


def read_all(master: int, patience: float = PATIENCE) -> str:
    """What is written to a terminal until nobody has it open; closes this end.

    Raises TimeoutError if nothing is written for so many seconds, and it stays open.
    """
    shown = b""
    try:
        while True:
            if not select.select([master], [], [], patience)[0]:
                raise TimeoutError(f"nothing for {patience:g} s after {shown[-2000:]!r}")
            try:
                piece = os.read(master, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            shown += piece
    finally:
        os.close(master)
    return shown.decode()


def in_bash(script: str, *args: str, cwd: Path, env: dict | None = None):
    """Runs a line of bash in which `"$@"` is gconv with those arguments."""
    return subprocess.run(
        ["bash", "-c", script, "bash", *GCONV, *args],
        cwd=cwd,
        env=clean_environment(env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def run_in_process(monkeypatch, capsys, *args) -> tuple[int, str]:
    """The exit status and what is said on stderr."""
    import pytest

    from groupconv_cli.cli.app import app

    monkeypatch.setenv("COLUMNS", "88")
    with pytest.raises(SystemExit) as stop:
        app([str(arg) for arg in args], prog_name="gconv")
    return stop.value.code, capsys.readouterr().err


def run_python(probe: str, *, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Runs Python code in a process of its own."""
    return subprocess.run(
        [sys.executable, "-c", probe],
        cwd=ROOT,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=check,
    )
