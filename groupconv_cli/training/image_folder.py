"""Data in a folder with a folder of images for each class, read by Keras."""

from __future__ import annotations

import struct
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from groupconv_cli.errors import UsageError
from groupconv_cli.foreign import check_regular, foreign
from groupconv_cli.ops.base import Shape, shape_text
from groupconv_cli.runtime import load_keras, start_devices
from groupconv_cli.training.samples import Raw, Samples, check_size
from groupconv_cli.words import joined

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
"""Of the files that Keras reads; it reads the first image of a .gif."""

CHANNELS = (1, 3, 4)
"""Of images: grey, colours, and colours with transparency."""

MAX_PIXELS = 90_000_000
"""The most pixels of an image. A small file may unpack to gigabytes of one colour."""

TRAIN, TEST = "train", "test"

BROKEN = "cannot be read as an image"
REMEDY = f"images are files of the kinds {joined(ENDINGS)}"
LAYOUT = "a folder of data has a folder of images for each class, also inside train/ and test/"


class _Files(NamedTuple):
    """The images of a part, in the order of their classes and names."""

    paths: list[Path]
    labels: list[int]
    classes: list[str]


def read_image_folder(folder: Path, shape: Shape | None) -> Raw:
    """The images of a folder with values of 0 to 255, resized to the shape.

    Without a shape they are read as they are, with the channels of the first one; then all must be
    equally large. With `train` and `test` inside, these are the parts.

    Raises UsageError for a folder of another layout, an empty class, a file that is no image.
    """
    inside = {path.name for path in _folders(folder)}
    if TRAIN not in inside:
        return Raw(_read(_files(folder), shape, folder), None)
    if others := sorted(inside - {TRAIN, TEST}):
        raise UsageError(
            f"{folder} has the folder {TRAIN} beside {joined(others[:10])}; with {TRAIN} there may "
            f"be {TEST} and no other",
            LAYOUT,
        )
    train = _files(folder / TRAIN)
    test = _files(folder / TEST) if TEST in inside else None
    if test is not None and test.classes != train.classes:
        differing = sorted({*train.classes} ^ {*test.classes})
        raise UsageError(
            f"{folder} has other classes in {TRAIN} than in {TEST}: {joined(differing[:10])} is "
            "only in one of them"
        )
    first = _read(train, shape, folder)
    own = tuple(int(size) for size in first.x.shape[1:])
    return Raw(
        first, None if test is None else _read(test, own if shape is None else shape, folder)
    )


def _folders(folder: Path) -> list[Path]:
    entries = sorted(folder.iterdir())
    return [path for path in entries if path.is_dir() and not path.name.startswith(".")]


def _files(folder: Path) -> _Files:
    """The images of a folder of classes. Raises UsageError if there are none of a class."""
    folders = _folders(folder)
    if not folders:
        raise UsageError(f"{folder} has no folders of images", LAYOUT)
    paths: list[Path] = []
    labels: list[int] = []
    for number, own in enumerate(folders):
        images = [path for path in sorted(own.iterdir()) if _is_image(path)]
        if not images:
            raise UsageError(f"the folder {own} has no images; each class needs some", REMEDY)
        paths += images
        labels += [number] * len(images)
    return _Files(paths, labels, [own.name for own in folders])


def _is_image(path: Path) -> bool:
    """Whether a file is named like an image. macOS leaves `._0.png`, which is none."""
    return path.suffix.lower() in ENDINGS and not path.name.startswith(".")


def _read(files: _Files, shape: Shape | None, folder: Path) -> Samples:
    load_keras()
    start_devices()
    wanted = shape or _first_shape(files.paths[0])
    if len(wanted) != 3 or wanted[2] not in CHANNELS:
        raise UsageError(
            f"{folder} has images, which are samples of height×width×channels with "
            f"{joined([str(each) for each in CHANNELS], 'or')} channels; the network's input is "
            f"{shape_text(wanted)}"
        )
    check_size(str(folder), 4 * len(files.paths) * prod(wanted))
    x = np.empty((len(files.paths), *wanted), np.float32)
    for index, path in enumerate(files.paths):
        image = _decoded(path, wanted[2])
        if shape is not None:
            image = _resized(image, wanted)
        elif image.shape != wanted:
            raise UsageError(
                f"{path} is {shape_text(image.shape)}, and {files.paths[0]} is "
                f"{shape_text(wanted)}; all images must be equally large"
            )
        x[index] = image
    return Samples(x, np.array(files.labels))


def _first_shape(path: Path) -> Shape:
    """The shape of an image as it is; grey with transparency becomes grey."""
    height, width, channels = _decoded(path, 0).shape
    return height, width, 1 if channels == 2 else channels


def _decoded(path: Path, channels: int) -> Any:
    """The image in a file, with so many channels, or those that it has if they are 0."""
    import tensorflow as tf

    check_regular(path)
    with foreign(path, BROKEN, REMEDY):
        content = path.read_bytes()
        height, width = _declared_size(content)
        if height * width > MAX_PIXELS:
            raise UsageError(
                f"{path} is too large: {height:,}×{width:,} pixels; an image may have "
                f"{MAX_PIXELS:,} in all"
            )
        asked = channels if channels in _decodable(content) else 0
        image = tf.io.decode_image(content, asked, expand_animations=False).numpy()
    if not image.size:
        raise UsageError(f"{path} is an empty image")
    return image if asked or not channels else _converted(image, channels)


def _decodable(content: bytes) -> tuple[int, ...]:
    """The numbers of channels that TensorFlow's decoder makes of an image of this kind."""
    if content.startswith(b"\x89PNG"):
        return CHANNELS
    return (1, 3) if content.startswith(b"\xff\xd8") else ()


def _converted(image: Any, channels: int) -> Any:
    """The image with so many channels: grey, colours, or colours that are not transparent."""
    import tensorflow as tf

    if image.shape[-1] == channels:
        return image
    colours = np.repeat(image[..., :1], 3, axis=-1) if image.shape[-1] < 3 else image[..., :3]
    if channels == 1:
        return tf.image.rgb_to_grayscale(colours).numpy() if image.shape[-1] > 2 else image[..., :1]
    opaque = np.full((*colours.shape[:-1], 1), 255, colours.dtype)
    return colours if channels == 3 else np.concatenate([colours, opaque], axis=-1)


def _declared_size(content: bytes) -> tuple[int, int]:
    """The height and the width that the beginning of an image's file says; 0 if it is unknown."""
    if content.startswith(b"\x89PNG") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
    elif content.startswith(b"GIF8") and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
    elif content.startswith(b"BM") and len(content) >= 26:
        width, height = struct.unpack("<ii", content[18:26])
    elif content.startswith(b"\xff\xd8"):
        import tensorflow as tf

        height, width = (int(size) for size in tf.io.extract_jpeg_shape(content)[:2])
    else:
        return 0, 0
    return abs(height), abs(width)


def _resized(image: Any, shape: Shape) -> Any:
    """The image in another size, as `keras.utils.image_dataset_from_directory` resizes it."""
    import tensorflow as tf

    return image if image.shape == shape else tf.image.resize(image, shape[:2]).numpy()
