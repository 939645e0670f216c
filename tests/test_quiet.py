"""What TensorFlow and absl log is kept off the screen while gconv is at work, and only then."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading

import pytest
from running import clean_environment

from groupconv_cli.runtime import LOGGERS, load_keras, quiet


class Kept(logging.Handler):
    """Keeps what reaches the handlers of a logger."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@pytest.mark.parametrize("name", LOGGERS)
def test_a_logger_is_quiet_for_as_long_as_gconv_works(name: str) -> None:
    load_keras()
    logger, kept = logging.getLogger(name), Kept()
    state = (logger.level, logger.propagate, logger.handlers[:], logger.filters[:])
    logger.addHandler(kept)
    try:
        with quiet():
            logger.error("ours")
            other = threading.Thread(target=lambda: logger.error("of another thread"))
            other.start()
            other.join()
            with quiet():
                logger.error("ours, within")
            logger.error("ours, behind")
        logger.error("the user's")
    finally:
        logger.removeHandler(kept)
    assert kept.messages == ["of another thread", "the user's"]
    assert (logger.level, logger.propagate, logger.handlers, logger.filters) == state


def test_export_logs_nothing(monkeypatch, tmp_path) -> None:
    """TensorFlow would warn of functions traced anew, wherever its log goes."""
    from groupconv_cli import export

    load_keras()
    kept = Kept()
    monkeypatch.setattr(logging.getLogger("tensorflow"), "handlers", [kept])
    layer = {"conv": {"filters": 8, "kernel": 3, "groups": 2}}
    spec = {"input": [8, 8, 8], "layers": [{**layer, "repeat": 6}]}
    export(spec, tmp_path / "net.keras")
    assert kept.messages == []


QUIET = """
from groupconv_cli import MeasureSettings, TrainSettings, measure, train
from groupconv_cli.training.recipe import Recipe

grouped = [{"conv": {"filters": 8, "kernel": 3, "groups": 2}}]
head = ["global_avg_pool", {"dense": {"units": 10}}]
if __name__ == "__main__":
    settings = MeasureSettings(runs=1, batch=1)
    measure({"input": [8, 8, 8], "layers": grouped}, [1, 2], settings=settings)
    settings = TrainSettings(seeds=1, recipe=Recipe(steps=1))
    net = {"input": [40, 1], "layers": [{"conv": {"filters": 8, "kernel": 3}}, *grouped, *head]}
    train(net, "mnist1d", [1, 2], settings=settings)
"""


@pytest.mark.nightly
def test_measuring_and_training_from_python_log_nothing() -> None:
    """The command line sets TensorFlow's level of logs; a library may not."""
    environment = {**clean_environment(), "TF_CPP_MIN_LOG_LEVEL": "0"}
    code = [sys.executable, "-c", QUIET]
    done = subprocess.run(code, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
