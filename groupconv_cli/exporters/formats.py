"""The formats in which a model can be written, and the formats of paths.

Nothing heavy is imported here, so impossible requests are refused before TensorFlow is loaded.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, NamedTuple, get_args

from groupconv_cli.errors import EnvironmentProblem, UsageError
from groupconv_cli.words import did_you_mean, joined

FLATBUFFER_BYTES = PROTOBUF_BYTES = 2**31 - 1
"""Files of both kinds have their offsets or sizes in signed 32-bit integers."""

Quantization = Literal["float16", "dynamic", "int8"]
"""Ways to make a model smaller. A format may have some of them."""

CALIBRATED: Quantization = "int8"
"""The quantization that finds its ranges of values from samples."""


class Format(NamedTuple):
    """One format. The module of its name in this package has the `exporter.Exporter` of it."""

    name: str
    """Its name in `--to`, and the name of its module."""
    title: str
    ending: str
    """The ending of the file's name; '' means a folder."""
    needs: tuple[str, ...] = ()
    """The packages that writing it needs, besides TensorFlow and Keras."""
    extra: str = ""
    """The extra of this package that installs them."""
    runtime: str = ""
    """The common name of the package that runs it, for a message if that is not installed."""
    known_by: str = ""
    """A file that every folder of this format has."""
    limit: int | None = None
    """The most bytes that a file of it can hold."""
    is_converted: bool = False
    """Whether the converter process writes it. It then has fixed sizes, unless they are asked to
    be open."""
    has_fixed_batch: bool = False
    """Whether a file of it takes as many samples at once as it was written for."""
    quantizations: tuple[Quantization, ...] = ()

    @property
    def is_told_by(self) -> str:
        """How to recognize a path of this format: 'ends in .keras'."""
        return f"ends in {self.ending}" if self.ending else "has no ending"


FORMATS = (
    Format("keras", "Keras", ".keras"),
    Format("saved_model", "SavedModel", "", known_by="saved_model.pb"),
    Format(
        "tflite",
        "TFLite",
        ".tflite",
        runtime="ai-edge-litert",
        limit=FLATBUFFER_BYTES,
        is_converted=True,
        has_fixed_batch=True,
        quantizations=get_args(Quantization),
    ),
    Format(
        "onnx",
        "ONNX",
        ".onnx",
        needs=("onnx", "tf2onnx"),
        extra="onnx",
        runtime="onnxruntime",
        limit=PROTOBUF_BYTES,
        is_converted=True,
    ),
    Format("python", "Python", ".py", runtime="keras"),
)
"""Every format. A new one is a line here and a module of its name."""

NAMES = tuple(each.name for each in FORMATS)

ENDINGS = tuple(each.ending for each in FORMATS if each.ending)

FOLDERS = tuple(each.title for each in FORMATS if not each.ending)
"""Titles of the formats that are folders."""

CONVERTED = tuple(each for each in FORMATS if each.is_converted)

BATCHED = tuple(each for each in FORMATS if each.has_fixed_batch)

QUANTIZED = tuple(each for each in FORMATS if each.quantizations)

QUANTIZATIONS = tuple(dict.fromkeys(kind for each in QUANTIZED for kind in each.quantizations))


class Target(NamedTuple):
    """The path and the format of an output."""

    path: Path
    format: Format


def targets(paths: Sequence[Path], to: Sequence[str], stem: str) -> list[Target]:
    """The targets for paths and names of formats.

    With paths, the format is that of the path's ending, or the named format. Without paths, each
    named format is a file of that stem in the current folder. Without paths and names the format is
    `.keras`.

    Raises UsageError for an unknown name or ending, and if two paths are the same.
    """
    formats = [_named(name) for name in to]
    if not paths:
        found = [Target(Path(stem + each.ending), each) for each in formats or FORMATS[:1]]
    elif len(formats) > 1:
        raise UsageError(
            "--to can be repeated only without -o; with -o the ending gives the format"
        )
    else:
        found = [Target(path, _format_of(path, formats[0] if formats else None)) for path in paths]
    places = [target.path.absolute() for target in found]
    for place, target in zip(places, found, strict=True):
        if places.count(place) > 1:
            raise UsageError(f"{target.path} is given twice")
    return found


def _named(name: str) -> Format:
    for each in FORMATS:
        if each.name == name:
            return each
    raise UsageError(
        f"unknown format {name!r}; {did_you_mean(name, NAMES) or f'there are {_listed()}'}"
    )


def _listed() -> str:
    return joined(NAMES)


def _format_of(path: Path, asked: Format | None) -> Format:
    by_ending = next((each for each in FORMATS if each.ending == path.suffix.lower()), None)
    if asked is None and by_ending is None:
        raise UsageError(
            f"unknown format {path.suffix!r}; use {joined(ENDINGS, 'or')}, no ending for a "
            f"{joined(FOLDERS, 'or')} folder, or name the format with --to"
        )
    if asked is None or asked is by_ending:
        assert by_ending is not None  # noqa: S101 - one of the two is known here
        return by_ending
    if by_ending is not None and by_ending.ending:
        raise UsageError(f"--to {asked.name} contradicts the ending of {path.name!r}")
    if asked.name == "keras":
        raise UsageError(f"the name of a Keras file must end in .keras, got {path.name!r}")
    return asked


def require_packages(formats: Iterable[Format]) -> None:
    """Raises EnvironmentProblem if a package for writing one of the formats is not installed."""
    for each in formats:
        missing = [package for package in each.needs if find_spec(package) is None]
        if missing:
            raise EnvironmentProblem(
                f"{each.title} needs {joined(missing)}, which {_is_are(missing)} not installed",
                f"in a clone of gconv: pip install '.[{each.extra}]'",
            )


def _is_are(words: Sequence[str]) -> str:
    return "is" if len(words) == 1 else "are"


def check_quantization(
    kind: str | None, formats: Iterable[Format], *, calibrated: bool = False
) -> None:
    """Raises UsageError for an unknown kind, or a kind that no requested format supports.

    `calibrated` says whether there are samples, which only int8 takes.
    """
    if calibrated and kind != CALIBRATED:
        raise UsageError(f"calibration samples are for {CALIBRATED}; got quantize {kind or 'none'}")
    if kind is None:
        return
    if kind not in QUANTIZATIONS:
        raise UsageError(f"quantize is {joined(QUANTIZATIONS, 'or')}, got {kind!r}")
    if not any(kind in each.quantizations for each in formats):
        raise UsageError(where_quantized(kind))


def where_quantized(kind: str) -> str:
    """A sentence on the formats of a quantization: 'quantize int8 is for TFLite: name an …'."""
    return _where(f"quantize {kind}", [each for each in QUANTIZED if kind in each.quantizations])


def _where(option: str, able: Sequence[Format]) -> str:
    titles = joined([each.title for each in able], "or")
    told = joined([each.is_told_by for each in able], "or")
    return f"{option} is for {titles}: name an output that {told}"


def check_shapes(formats: Iterable[Format], *, batch: object, dynamic: bool) -> None:
    """Raises UsageError for a batch or open sizes that no requested format has a choice of."""
    wanted = list(formats)
    if batch is not None:
        if isinstance(batch, bool) or not isinstance(batch, int) or batch < 1:
            raise UsageError(f"batch is a whole number of samples, 1 or more; got {batch!r}")
        if not any(each.has_fixed_batch for each in wanted):
            raise UsageError(
                _where(f"batch {batch}", BATCHED), "files of other formats take a batch of any size"
            )
    if dynamic and not any(each.is_converted for each in wanted):
        raise UsageError(
            _where("dynamic", CONVERTED), "files of other formats keep the sizes that the model has"
        )


def check_sizes(formats: Iterable[Format], weight_bytes: int) -> None:
    """Raises UsageError if the weights do not fit into a file of one of the formats."""
    from groupconv_cli.units import bytes_text

    for each in formats:
        if each.limit is not None and weight_bytes > each.limit:
            raise UsageError(
                f"the weights take {bytes_text(weight_bytes)}, and {each.title} files hold "
                f"{bytes_text(each.limit)} at most"
            )


@contextmanager
def reserved(wanted: Sequence[Target], *, force: bool) -> Iterator[list[tuple[Target, Path]]]:
    """Gives a temporary path for each target, and puts all files in place when the block ends.

    If the block fails, no file is put in place. The caller reads and prints the file of the path -.

    Raises the errors of `files.written_whole`, before the block begins if a target cannot be
    written.
    """
    from groupconv_cli.files import Wanted, all_written_whole

    if [str(target.path) for target in wanted] == ["-"]:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            yield [(wanted[0], Path(folder, f"model{wanted[0].format.ending}"))]
        return
    files = [Wanted(target.path, force, target.format.known_by) for target in wanted]
    with all_written_whole(files) as temporaries:
        if any(target.format.is_converted for target in wanted):
            from groupconv_cli.exporters import converter

            converter.start()  # it loads TensorFlow while the model is made
        yield list(zip(wanted, temporaries, strict=True))


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
