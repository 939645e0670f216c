"""Which file a SPEC on the command line means: a path, a bundled config, or the default."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from groupconv_cli.errors import Source, UsageError
from groupconv_cli.spec.reader import MAX_BYTES, decode

DEFAULT_FILE = "gconv.yaml"
DEFAULT_CONFIG = "basic"


class Found(NamedTuple):
    """The text of a spec, and what the user should be told about the choice, if anything."""

    source: Source
    note: str | None = None


def configs_folder() -> Path:
    """Where the bundled configs lie: inside the package, or beside it in a checkout."""
    package = Path(__file__).parent.parent
    bundled = package / "configs"
    return bundled if bundled.is_dir() else package.parent / "configs"


def config_names() -> list[str]:
    """Names of the bundled configs."""
    return sorted(path.stem for path in configs_folder().glob("*.yaml"))


def locate(spec: str | None) -> Found:
    """Reads the spec that is meant: `-` is standard input, no spec the one of this folder.

    Raises UsageError if there is none of that name or it cannot be read, SpecError if it is not
    text.
    """
    if spec is None:
        note: str | None
        if Path(DEFAULT_FILE).is_file():
            return Found(_read(Path(DEFAULT_FILE)), f"using {DEFAULT_FILE} of this folder")
        found = locate_config(DEFAULT_CONFIG)
        note = f"no SPEC given and no {DEFAULT_FILE} here: using the bundled {DEFAULT_CONFIG!r}"
        return Found(found, note)
    if not spec:
        raise UsageError("SPEC is empty")
    if spec == "-":
        if sys.stdin is None:
            raise UsageError("standard input is closed")
        return Found(decode(sys.stdin.buffer.read(MAX_BYTES + 1), "<stdin>"))
    path = Path(spec)
    is_config = spec in config_names()
    if _exists(path) and not (is_config and path.is_dir()):
        taken = f"using the file {spec}; a bundled config has this name too"
        return Found(_read(path), taken if is_config else None)
    if is_config:
        return Found(locate_config(spec))
    raise UsageError(_not_there(spec))


def locate_config(name: str) -> Source:
    """The text of a bundled config."""
    return _read(configs_folder() / f"{name}.yaml", name=f"{name}.yaml (bundled)")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):  # a name too long, or with a NUL
        return False


def _read(path: Path, name: str | None = None) -> Source:
    shown = name or str(path)
    try:
        if path.is_dir():
            raise UsageError(f"{shown} is a folder, not a spec")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageError(f"cannot read {shown}: {error.strerror or error}") from None
    return decode(data, shown)


def _not_there(spec: str) -> str:
    from groupconv_cli.words import did_you_mean

    names = config_names()
    stem = Path(spec).stem if spec.endswith((".yaml", ".yml")) else spec
    hint = did_you_mean(stem, names)
    return (
        f"no file {spec!r} here, and no bundled config of that name"
        + (f"; {hint}" if hint else "")
        + f"\n  bundled: {', '.join(names)}"
    )
