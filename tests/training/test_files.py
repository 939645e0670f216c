"""Data in folders: IDX files as MNIST's are, and images by class."""

from __future__ import annotations

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

from groupconv_cli.errors import UsageError
from groupconv_cli.training.data import read_data
from groupconv_cli.training.image_folder import read_image_folder

NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}


def idx(array: np.ndarray, code: int = 8) -> bytes:
    """The bytes of an IDX file: values have their highest byte first."""
    swapped = array.astype(array.dtype.newbyteorder(">"))
    header = struct.pack(f">HBB{array.ndim}I", 0, code, array.ndim, *array.shape)
    return header + swapped.tobytes()


def mnist(samples: int = 20, seed: int = 1) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    y = (np.arange(samples) % 5).astype(np.uint8)
    images = random.integers(0, 256, (2, samples, 7, 6)).astype(np.uint8)
    return {"x_train": images[0], "y_train": y, "x_test": images[1], "y_test": y[::-1].copy()}


def written(folder: Path, arrays: dict[str, np.ndarray], *, packed: bool = False) -> str:
    folder.mkdir(exist_ok=True)
    for key, array in arrays.items():
        content = idx(array)
        if packed:
            (folder / f"{NAMES[key]}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / NAMES[key]).write_bytes(content)
    return str(folder)


def refusal(source: str, **options) -> str:
    with pytest.raises(UsageError) as caught:
        read_data(source, **options)
    return str(caught.value)


def test_idx_files_are_read_packed_or_not(tmp_path: Path) -> None:
    arrays = mnist()
    data = read_data(written(tmp_path / "plain", arrays))
    assert (data.shape, data.classes) == ((7, 6, 1), 5)
    np.testing.assert_array_equal(data.y_train, arrays["y_train"])
    np.testing.assert_array_equal(data.y_test, arrays["y_test"])
    x = arrays["x_train"]
    scaled = (x - x.mean()) / x.std()
    np.testing.assert_allclose(data.x_train[..., 0], scaled, rtol=1e-5, atol=1e-6)
    packed = read_data(written(tmp_path / "packed", arrays, packed=True))
    assert packed.digest == data.digest
    # A folder that has both has them once.
    assert read_data(written(tmp_path / "plain", arrays, packed=True)).digest == data.digest


def test_words_in_the_names_of_idx_files_are_whole(tmp_path: Path) -> None:
    """In `latest-train-images` is no word `test`, so these are no test samples."""
    arrays = {key: array for key, array in mnist(50).items() if "train" in key}
    folder = Path(written(tmp_path, arrays))
    digest = read_data(str(folder)).digest
    for path in list(folder.iterdir()):
        path.rename(folder / f"latest-{path.name}")
    data = read_data(str(folder))
    assert (len(data.x_train), len(data.x_test)) == (40, 10)
    assert data.digest == digest
    written(tmp_path, {key: array for key, array in mnist(5).items() if "test" in key})
    for path in list(folder.iterdir()):
        path.rename(folder / path.name.replace("t10k-", "emnist_TEST_").replace("-idx", ".idx"))
    assert len(read_data(str(folder)).x_test) == 5


def test_idx_files_without_test_files_are_split(tmp_path: Path) -> None:
    arrays = {key: array for key, array in mnist(50).items() if "train" in key}
    data = read_data(written(tmp_path / "set", arrays), test_share=0.4)
    assert np.bincount(data.y_test).tolist() == [4] * 5


def test_numbers_of_every_type_of_idx_files(tmp_path: Path) -> None:
    values = np.arange(-30, 30).reshape(20, 3)
    kinds = {9: "i1", 11: "i2", 12: "i4", 13: "f4", 14: "f8"}
    folder = Path(written(tmp_path / "set", mnist()))
    digests = set()
    for code, kind in kinds.items():
        for key in ("x_train", "x_test"):
            (folder / NAMES[key]).write_bytes(idx(values.astype(kind), code))
        data = read_data(str(folder))
        scaled = (values - values.mean(axis=0)) / values.std(axis=0)
        np.testing.assert_allclose(data.x_train, scaled, rtol=1e-5)
        digests.add(data.digest)
    assert len(digests) == len(kinds)


IMAGES, LABELS = NAMES["x_train"], NAMES["y_train"]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (IMAGES, None, "has train-labels-idx1-ubyte and no images for it"),
        (LABELS, None, "has train-images-idx3-ubyte and no labels for it"),
        (IMAGES, b"", "it does not begin like one"),
        (IMAGES, b"PK\3\4" + bytes(60), "it does not begin like one"),
        (IMAGES, b"\0\0\7\1" + bytes(60), "it does not begin like one"),
        (IMAGES, b"\0\0\x08\0" + bytes(60), "it has 0 axes"),
        (IMAGES, b"\0\0\x08\3\0\0", "is not a complete IDX file"),
        (IMAGES, idx(mnist()["x_train"])[:-1], "says that it has 840 bytes of values, and has few"),
        (
            IMAGES,
            idx(mnist()["x_train"]) + b"x",
            "says that it has 840 bytes of values, and has mo",
        ),
        (IMAGES, struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3), "is too large: it takes about"),
        (LABELS, idx(np.zeros((20, 2), np.uint8)), "is no list of labels: it has 2 axes"),
        (LABELS, idx(np.zeros(19, np.uint8)), "has 20 training inputs and 19 labels"),
        ("other-train-images-idx3-ubyte", b"", "has several files with train images"),
    ],
)
def test_idx_files_that_lie(name: str, content: bytes | None, said: str, tmp_path: Path) -> None:
    folder = written(tmp_path / "set", mnist())
    path = Path(folder) / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert said in refusal(folder)


def test_packed_idx_files_that_lie(tmp_path: Path) -> None:
    folder = written(tmp_path / "set", mnist(), packed=True)
    path = Path(folder) / f"{IMAGES}.gz"
    whole = path.read_bytes()
    for content in (b"", b"not packed", whole[:-20], whole[:30]):
        path.write_bytes(content)
        assert "is not a complete IDX file" in refusal(folder)
    # A file that unpacks to far more than it says is not unpacked to its end.
    path.write_bytes(gzip.compress(idx(mnist()["x_train"]) + bytes(10**7)))
    assert "says that it has 840 bytes of values, and has more" in refusal(folder)


def test_only_test_files_are_no_data(tmp_path: Path) -> None:
    arrays = {key: array for key, array in mnist().items() if "test" in key}
    said = refusal(written(tmp_path / "set", arrays))
    assert "has no training files; its IDX files are t10k-images-idx3-ubyte and t10k-lab" in said


# Folders of images


def images(folder: Path, sizes=((8, 6),), channels: int = 3, samples: int = 4) -> Path:
    """Two classes of images, each of noise; the sizes are taken in turn."""
    import keras

    random = np.random.default_rng(2)
    for number, name in enumerate(("cat", "dog")):
        own = folder / name
        own.mkdir(parents=True)
        for index in range(samples):
            height, width = sizes[index % len(sizes)]
            pixels = random.integers(0, 256, (height, width, channels)).astype(np.uint8)
            keras.utils.save_img(own / f"{index}.png", pixels + 0 * number, scale=False)
    return folder


def unscaled(data) -> np.ndarray:
    """All samples in one array, in the order of their first values, to be compared."""
    both = np.concatenate([data.x_train, data.x_test])
    return both[np.argsort(both.reshape(len(both), -1)[:, 0])]


def as_keras_reads(folder: Path, **options) -> np.ndarray:
    from keras.utils import image_dataset_from_directory

    dataset = image_dataset_from_directory(
        folder, shuffle=False, batch_size=100, verbose=False, **options
    )
    ((x, _),) = list(dataset)
    return x.numpy()


@pytest.mark.parametrize(("channels", "mode"), [(3, "rgb"), (1, "grayscale")])
def test_images_are_those_that_keras_reads(channels: int, mode: str, tmp_path: Path) -> None:
    train = images(tmp_path / "set" / "train", channels=channels)
    images(tmp_path / "set" / "test", channels=channels)
    data = read_data(str(tmp_path / "set"))
    assert (data.shape, data.classes) == ((8, 6, channels), 2)
    assert data.y_train.tolist() == [0] * 4 + [1] * 4
    x = as_keras_reads(train, image_size=(8, 6), color_mode=mode)
    scaled = (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))
    np.testing.assert_allclose(data.x_train, scaled, rtol=1e-4, atol=1e-5)


def test_images_are_resized_as_keras_does(tmp_path: Path) -> None:
    train = images(tmp_path / "set" / "train", sizes=((8, 6), (20, 31)))
    images(tmp_path / "set" / "test", sizes=((5, 5),))
    assert "all images must be equally large" in refusal(str(tmp_path / "set"))
    data = read_data(str(tmp_path / "set"), shape=(10, 12, 3))
    assert data.shape == (10, 12, 3) == data.x_test.shape[1:]
    x = as_keras_reads(train, image_size=(10, 12))
    scaled = (x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))
    np.testing.assert_allclose(data.x_train, scaled, rtol=1e-4, atol=1e-4)
    assert "the network's input is 40×1" in refusal(str(tmp_path / "set"), shape=(40, 1))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_images_of_every_kind_are_read_with_the_channels_of_the_network(
    channels: int, tmp_path: Path
) -> None:
    """A .bmp or .gif is not decoded as grey, and a .jpg or .gif not as transparent."""
    from PIL import Image

    modes = {1: "L", 3: "RGB", 4: "RGBA"}
    random = np.random.default_rng(3)
    kinds = [("0.bmp", "RGB"), ("1.bmp", "L"), ("2.gif", "L"), ("3.png", "RGBA"), ("4.jpg", "RGB")]
    expected = []
    for name in ("cat", "dog"):
        own = tmp_path / "set" / name
        own.mkdir(parents=True)
        for file, mode in kinds:
            pixels = random.integers(0, 256, 3).astype(np.uint8) * np.ones((8, 8, 1), np.uint8)
            image = Image.fromarray(pixels).convert(mode)
            image.save(own / file)
            wanted = np.asarray(image.convert(modes[channels]), float).reshape(8, 8, channels)
            expected.append(wanted)
    raw = read_image_folder(tmp_path / "set", (8, 8, channels))
    # Roundings of grey and of the colours of a .jpg differ by a few of 255.
    np.testing.assert_allclose(raw.train.x, np.stack(expected), atol=4)


def test_a_folder_without_parts_is_split(tmp_path: Path) -> None:
    images(tmp_path / "set", samples=10)
    data = read_data(str(tmp_path / "set"), test_share=0.3, seed=1)
    assert np.bincount(data.y_test).tolist() == [3, 3]
    assert (data.name, data.digest) == (
        "set",
        read_data(f"{tmp_path}/set/", test_share=0.3, seed=1).digest,
    )


def test_folders_that_are_no_data(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    assert "has no folders of images" in refusal(str(folder))
    images(folder)
    (folder / "empty").mkdir()
    assert "empty has no images; each class needs some" in refusal(str(folder))
    (folder / "empty" / "notes.txt").write_text("x")
    assert "empty has no images; each class needs some" in refusal(str(folder))
    (folder / "empty" / "._lie.png").write_text("what macOS leaves")
    assert "empty has no images; each class needs some" in refusal(str(folder))
    (folder / "empty" / "lie.png").write_text("no image")
    assert "lie.png cannot be read as an image: Unknown image file format" in refusal(str(folder))
    assert "lie.png cannot be read as an image" in refusal(str(folder))
    whole = (folder / "cat" / "0.png").read_bytes()
    (folder / "empty" / "lie.png").write_bytes(whole[: len(whole) // 2])
    assert "lie.png cannot be read as an image" in refusal(str(folder))
    (folder / "empty" / "lie.png").unlink()
    os.mkfifo(folder / "empty" / "lie.png")
    assert "lie.png is not a regular file but a device or a pipe" in refusal(str(folder))
    (folder / "empty" / "lie.png").unlink()
    # Its header says that the image is 60,000 pixels wide.
    huge = whole[:16] + struct.pack(">II", 60_000, 50_000) + whole[24:]
    (folder / "empty" / "lie.png").write_bytes(huge)
    assert "lie.png is too large: 50,000×60,000 pixels" in refusal(str(folder))
    (folder / "train").mkdir()
    assert "has the folder train beside cat, dog and empty" in refusal(str(folder))


def test_parts_with_other_classes_are_no_data(tmp_path: Path) -> None:
    images(tmp_path / "train")
    images(tmp_path / "test")
    (tmp_path / "test" / "dog").rename(tmp_path / "test" / "cow")
    assert "has other classes in train than in test: cow and dog" in refusal(str(tmp_path))
