"""Input that nobody should send and somebody will: cases for `tests/fuzz_specs.py`.

A case is made of a seed and a number and of nothing else, so that it can be made again.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from hostile.bombs import bomb, many_rows, many_variants
from hostile.commands import arguments, command, file_names
from hostile.language import arithmetic, lined, sentence
from hostile.text import broken_bytes, encodings, mutated_config, random_bytes, yaml_noise
from hostile.words import Case

__all__ = ["KINDS", "Case", "case", "write"]

KINDS: dict[str, tuple[Callable[[Random], Case | bytes | str], int]] = {
    "broken bytes": (broken_bytes, 10),
    "random bytes": (random_bytes, 3),
    "other encodings": (encodings, 3),
    "YAML noise": (yaml_noise, 10),
    "mutated configs": (mutated_config, 25),
    "bombs": (bomb, 12),
    "many variants": (many_variants, 1),
    "many rows": (many_rows, 1),
    "arithmetic": (arithmetic, 10),
    "sentences": (sentence, 8),
    "sentences in lines": (lined, 8),
    "arguments": (arguments, 10),
    "file names": (file_names, 2),
}
"""What there is, how it is made, and how often."""


def case(seed: int, number: int, kind: str | None = None) -> Case:
    """The case of that number, of one kind or of any."""
    random = Random(f"{seed}/{number}")
    kind = kind or random.choices([*KINDS], [weight for _, weight in KINDS.values()])[0]
    make, _ = KINDS[kind]
    made = make(random)
    if isinstance(made, Case):
        return made._replace(kind=kind)
    data = made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass")
    return Case(kind, data, command(random))


def write(made: Case, folder: Path) -> list[str]:
    """Puts the file of a case into a folder; returns the arguments that gconv gets there."""
    (folder / made.file).write_bytes(made.data)
    takes_a_spec = made.args[0] in ("summary", "compare")
    return [*made.args, *(["--", made.file] if takes_a_spec else [])]
