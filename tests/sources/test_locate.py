"""Files that are given for a spec and are no text."""

from __future__ import annotations

from pathlib import Path

import pytest
from running import run_gconv

BYTES = bytes(range(256))[::-1]


@pytest.mark.parametrize(
    ("name", "begins", "message"),
    [
        ("net.onnx", b"\x08\x07\x12\x05torch", "net.onnx is an ONNX model"),
        ("text.onnx", b"layers: []", "text.onnx is an ONNX model"),
        ("net.tflite", b"\x1c\x00\x00\x00TFL3", "net.tflite is a TFLite model"),
        ("net.bin", b"\x1c\x00\x00\x00TFL3", "net.bin is a TFLite model"),
        ("saved_model.pb", b"\x08\x01\x12\xf8", "is a graph of TensorFlow, part of a SavedModel"),
        ("net.PT", b"PK\x03\x04", "net.PT is a PyTorch model"),
        ("weights", b"\x89HDF\r\n\x1a\n", "a name that ends in .h5"),
        ("net.zip", b"PK\x03\x04", "a name that ends in .keras"),
    ],
)
@pytest.mark.parametrize("command", ["summary", "compare", "check", "build"])
def test_the_file_of_another_model_is_named_as_what_it_is(
    name: str, begins: bytes, message: str, command: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(begins + BYTES)
    done = run_gconv(command, name, cwd=tmp_path)
    assert done.status == 2
    said = done.out + done.err
    assert message in " ".join(said.split())
    assert "0x" not in said
    assert said.isascii() or set(said) - set(map(chr, range(128))) <= set("─·×≥✗✓…")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("net.yml", "net.yaml"),
        ("net", "net.yaml"),
        ("Net.yaml", "net.yaml"),
        ("nett.yaml", "net.yaml"),
        ("sub/wide.yaml", "sub/wide.yml"),
        ("modle.kears", "model.keras"),
        ("resnt50", "resnet50"),
        ("zzz.yaml", None),
        ("e.yaml", None),
        ("wider.yaml", None),
    ],
)
def test_a_file_of_nearly_that_name_is_asked_for(
    given: str, meant: str | None, tmp_path: Path
) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("net.yaml", "model.keras", "net.png", "sub/wide.yml"):
        (tmp_path / name).touch()
    done = run_gconv("summary", given, cwd=tmp_path)
    said = " ".join(done.err.split())
    assert done.status == 2
    assert "did you mean" not in said if meant is None else f"did you mean '{meant}'?" in said
