"""What every test runs under, and shared fixtures. Tests that need Keras import it inside."""

from __future__ import annotations

import gc
import os
import signal
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import hypothesis
import pytest
from running import (  # noqa: F401
    CHANGES_OUTPUT,
    ROOT,
    SIGNALS,
    clean_environment,
    run_gconv,
    run_in_terminal,
)

# A worker of pytest-xdist has a processor for itself. TensorFlow reads these as it starts.
os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Processes that tests start keep what they compile: the next one starts in a third of the time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
for name in CHANGES_OUTPUT:
    os.environ.pop(name, None)

GOLDEN = Path(__file__).parent / "golden"
MOST_WORKERS = 4
"""Each loads TensorFlow: seconds and half a gigabyte."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew; read the diff"
    )
    parser.addoption("--nightly", action="store_true", help="run what only runs nightly too")
    parser.addoption(
        "--without-tensorflow", action="store_true", help="skip every test that loads TensorFlow"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Sets what examples are tried, and keeps TensorFlow from the tests if that is asked for.

    Always the same random examples run, so that no change fails for what another one did. The
    nightly run takes new ones each time.
    """
    hypothesis.settings.register_profile("always", derandomize=True)
    if not config.option.nightly:
        hypothesis.settings.load_profile("always")
    if config.option.without_tensorflow:
        sys.meta_path.insert(0, _Skipping())
    gc.disable()  # until everything is loaded: most of it stays


class _Skipping(MetaPathFinder):
    """Ends a test as skipped where it would import TensorFlow, or Keras on it."""

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname.partition(".")[0] in ("tensorflow", "keras"):
            pytest.skip("imports TensorFlow", allow_module_level=True)


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Workers: one for each processor, and none where a part of the suite is asked for."""
    whole = [Path(arg).resolve() for arg in config.args] == [Path(__file__).parent]
    if not whole or config.option.keyword or config.option.markexpr:
        return 0
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2
    return min(processors, MOST_WORKERS)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what only runs nightly, unless it is asked for, and processes with TensorFlow."""
    out = set()
    if not (config.option.nightly or "nightly" in config.option.markexpr):
        out.add("nightly")
    if config.option.without_tensorflow:
        out.add("loads_tensorflow")

    def is_out(item: pytest.Item) -> bool:
        return any(mark.name in out for mark in item.iter_markers())

    left_out = [item for item in items if is_out(item)]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not is_out(item)]


def pytest_collection_finish() -> None:
    """Leaves what is loaded by now out of every collection of garbage: TensorFlow is most of it."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _signals_are_not_ignored_by_children() -> None:
    """Gives signals that the parent ignores, as nohup does, a handler that does nothing.

    What is ignored is ignored by every process that is started, and handlers are not.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture
def golden(request: pytest.FixtureRequest):
    """Compares a text with the file of that name; `--update-golden` writes it instead."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8")

    return compare
