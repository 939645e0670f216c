"""Data: files that NumPy writes are read as they are; what cannot be trained on is said."""

from __future__ import annotations

import functools
import pickle
from pathlib import Path

import numpy as np
import pytest

from groupconv_cli.errors import UsageError
from groupconv_cli.training.data import read_data
from groupconv_cli.training.mnist1d import generate
from groupconv_cli.training.samples import Data


def made(samples: int = 40, classes: int = 4, shape: tuple[int, ...] = (6, 5, 3), seed: int = 1):
    """Inputs of whole numbers, and the number of a class for each."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 256, (samples, *shape)).astype(np.uint8)
    return x, np.arange(samples) % classes


def saved(path: Path, **arrays) -> str:
    np.savez(path / "set.npz", **arrays)
    return str(path / "set.npz")


def refusal(source: str, **options) -> str:
    with pytest.raises(UsageError) as caught:
        read_data(source, **options)
    return str(caught.value)


def test_a_split_file_is_read_and_scaled_by_its_training_samples(tmp_path: Path) -> None:
    x, y = made(30)
    x_test, y_test = made(12, seed=2)
    data = read_data(saved(tmp_path, x_train=x, y_train=y, x_test=x_test, y_test=y_test))
    assert (data.name, data.classes, data.shape) == ("set.npz", 4, (6, 5, 3))
    np.testing.assert_array_equal(data.y_train, y)
    np.testing.assert_array_equal(data.y_test, y_test)
    mean, deviation = x.mean(axis=(0, 1, 2)), x.std(axis=(0, 1, 2))
    np.testing.assert_allclose(data.x_train, (x - mean) / deviation, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(data.x_test, (x_test - mean) / deviation, rtol=1e-5, atol=1e-6)
    assert data.x_train.dtype == np.float32


def test_rows_with_a_one_are_labels_too(tmp_path: Path) -> None:
    x, y = made()
    plain = read_data(saved(tmp_path, x=x, y=y))
    for labels in (np.eye(4)[y], np.eye(4, dtype=bool)[y], y[:, None], y.astype(float)):
        data = read_data(saved(tmp_path, x=x, y=labels))
        np.testing.assert_array_equal(data.y_train, plain.y_train)
        assert data.classes == 4


def test_a_file_in_one_piece_is_split_class_by_class(tmp_path: Path) -> None:
    x = np.arange(200.0)[:, None]
    y = np.repeat([0, 1, 2], [100, 80, 20])
    file = saved(tmp_path, x=x, y=y)
    for share, expected in ((None, [20, 16, 4]), (0.25, [25, 20, 5]), (0.001, [1, 1, 1])):
        data = read_data(file, test_share=share, seed=3)
        assert np.bincount(data.y_test).tolist() == expected
        # Scaling keeps the order, so every sample is on one side, and once.
        both = np.sort(np.concatenate([data.x_train, data.x_test]), axis=None)
        assert len(np.unique(both)) == 200
    again = read_data(file, seed=3)
    other = read_data(file, seed=4)
    assert again.digest == read_data(file, seed=3).digest != other.digest
    assert not np.array_equal(again.x_test, other.x_test)


def test_the_digest_is_of_contents_and_not_of_files(tmp_path: Path) -> None:
    x, y = made()
    first = read_data(saved(tmp_path, x=x, y=y)).digest
    np.savez_compressed(tmp_path / "other.npz", y=y, x=x, unused=np.zeros(9))
    assert read_data(str(tmp_path / "other.npz")).digest == first
    x[3, 2, 1, 0] ^= 1
    assert read_data(saved(tmp_path, x=x, y=y)).digest != first


@pytest.mark.parametrize("shape", [(28, 28), (40,)], ids=str)
def test_samples_without_an_axis_for_their_channel_are_scaled_as_one(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    """Keras' mnist.npz has images of 28×28. Its pixels are no channels, and neither are columns."""
    x, y = made(shape=shape)
    x = x + np.arange(shape[-1])  # columns with means of their own
    bare = read_data(saved(tmp_path, x_train=x, y_train=y, x_test=x, y_test=y), shape=(*shape, 1))
    np.testing.assert_allclose(bare.x_train[..., 0], (x - x.mean()) / x.std(), rtol=1e-4, atol=1e-5)
    arrays = {"x_train": x[..., None], "y_train": y, "x_test": x[..., None], "y_test": y}
    whole = read_data(saved(tmp_path, **arrays), shape=(*shape, 1))
    np.testing.assert_array_equal(bare.x_test, whole.x_test)
    assert bare.digest == whole.digest
    # A network of so many features has each of them scaled by itself.
    features = read_data(saved(tmp_path, x_train=x, y_train=y, x_test=x, y_test=y), shape=shape)
    assert features.shape == shape
    assert features.digest != bare.digest


def test_channels_that_never_change_stay_finite(tmp_path: Path) -> None:
    x, y = made()
    x = x / 3.0
    x[..., 1] = 0.1  # its mean is not exactly 0.1
    data = read_data(saved(tmp_path, x=x, y=y))
    assert np.abs(data.x_train[..., 1]).max() < 1e-6
    assert refusal(saved(tmp_path, x=0 * x, y=y)).startswith("set.npz: all training samples are eq")


X, Y = made()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"x": X}, "has no x_train, y_train, x_test and y_test; it has 'x'"),
        ({"x_train": X, "y_train": Y, "x_test": X}, "has no y_test"),
        ({"x": X, "y": Y[:-1]}, "has 40 training inputs and 39 labels"),
        ({"x": X, "y": Y + 1}, "no training sample of the class 0, and one of the class 4"),
        ({"x": X, "y": 2 * Y}, "no training sample of the class 1, and one of the class 6"),
        ({"x": X, "y": 0 * Y}, "has only one class"),
        ({"x": X, "y": Y - 1}, "must be whole numbers from 0; one of them is -1"),
        ({"x": X, "y": Y + 0.5}, "must be whole numbers from 0; one of them is 0.5"),
        ({"x": X, "y": np.where(Y, Y, np.nan)}, "one of them is nan"),
        ({"x": X, "y": Y * 10**9}, "a label is 3,000,000,000"),
        ({"x": X, "y": np.full((40, 4), 0.25)}, "row 0 is not a 1 in the column"),
        ({"x": X, "y": np.eye(5)[Y]}, None),
        ({"x": X, "y": np.eye(5)[Y + 1]}, "no training sample of the class 0"),
        ({"x": X, "y": np.zeros((40, 2, 2))}, "the training labels are 40×2×2"),
        ({"x": X, "y": Y.astype(str)}, "must be whole numbers from 0, got <U"),
        ({"x": X[:1], "y": Y[:1]}, "only one class"),
        ({"x": X[:5], "y": Y[:5]}, "one sample of the class 1"),
        ({"x": X[:0], "y": Y[:0]}, "has no training samples"),
        ({"x": X[..., :0], "y": Y}, "samples are empty: 40×6×5×0"),
        ({"x": Y, "y": Y}, "the training inputs are 40; they must be"),
        ({"x": X.astype(complex), "y": Y}, "must be numbers, got complex128"),
        ({"x": np.where(X < 9, np.nan, X), "y": Y}, "has values that are not finite"),
        ({"x": X * 1e40, "y": Y}, "too large for float32"),
        ({"x": np.where(X < 9, np.inf, X).astype(np.float16), "y": Y}, "are not finite"),
        (
            {"x": X, "y": np.where(Y, np.uint64(0), np.uint64(2**63))},
            "is 9,223,372,036,854,775,808;",
        ),
        (
            {"x_train": X * 1e-30, "y_train": Y, "x_test": X * 1e30, "y_test": Y},
            "set.npz: a test sample has values that are too far from those of the training samples",
        ),
        (
            {"x_train": X, "y_train": Y, "x_test": X[:, :3], "y_test": Y},
            "a training sample is 6×5×3, and a test sample is 3×5×3",
        ),
        (
            {"x_train": X, "y_train": Y % 3, "x_test": X, "y_test": Y},
            "a test sample has the class 3, of which there is no training sample",
        ),
        ({"x_train": X, "y_train": Y, "x_test": X[:0], "y_test": Y[:0]}, "has no test samples"),
    ],
)
def test_what_cannot_be_trained_on_is_said(arrays, said: str | None, tmp_path: Path) -> None:
    file = saved(tmp_path, **arrays)
    if said is None:
        assert read_data(file).classes == 4
    else:
        assert said in refusal(file)


class Trap:
    def __reduce__(self):
        return (pytest.fail, ("the pickle was run",))


def test_no_pickle_is_run(tmp_path: Path) -> None:
    file = saved(tmp_path, x=np.array([Trap(), Trap()], object), y=Y[:2])
    said = refusal(file)
    assert "the array 'x' has the dtype object" in said
    assert "x.astype(float)" in said
    labels = saved(tmp_path, x=X, y=Y.astype(object))
    assert "y.astype(float)" in refusal(labels)
    assert read_data(saved(tmp_path, x=X, y=Y.astype(object).astype(float))).classes == 4
    (tmp_path / "lie.npz").write_bytes(pickle.dumps(Trap()))
    assert "cannot be read as an .npz file" in refusal(str(tmp_path / "lie.npz"))


def test_files_that_lie_or_are_cut_off(tmp_path: Path) -> None:
    whole = Path(saved(tmp_path, x=X, y=Y)).read_bytes()
    for size in (0, 10, len(whole) // 2, len(whole) - 5):
        (tmp_path / "cut.npz").write_bytes(whole[:size])
        assert "cannot be read as an .npz file" in refusal(str(tmp_path / "cut.npz"))
    # A header that claims more samples than there are.
    lie = whole.replace(b"(40, 6, 5, 3)", b"(90, 6, 5, 3)")
    (tmp_path / "lie.npz").write_bytes(lie)
    assert "cannot be read as an .npz file" in refusal(str(tmp_path / "lie.npz"))


def test_data_larger_than_memory_is_refused_before_it_is_read(tmp_path: Path, monkeypatch) -> None:
    file = saved(tmp_path, x=X, y=Y)
    monkeypatch.setattr("groupconv_cli.training.samples.available_bytes", lambda: 3000)
    assert "set.npz is too large: it takes about" in refusal(file)


def test_shares_and_names_that_are_none(tmp_path: Path) -> None:
    file = saved(tmp_path, x=X, y=Y)
    for share in (0, 1, -0.5, float("nan")):
        assert "must be between 0 and 1" in refusal(file, test_share=share)
    split = saved(tmp_path, x_train=X, y_train=Y, x_test=X, y_test=Y)
    assert "has test samples of its own" in refusal(split, test_share=0.5)
    assert "did you mean 'mnist1d'?" in refusal("mnist1")
    (tmp_path / "notes.txt").write_text("x")
    assert "DATA is a .npz file, a folder" in refusal(str(tmp_path / "notes.txt"))


def nearest(data: Data) -> float:
    """The accuracy of the class of the nearest training sample."""
    x, test = (part.reshape(len(part), -1) for part in (data.x_train, data.x_test))
    distance = (x**2).sum(axis=1) - 2 * test @ x.T
    return float((data.y_train[distance.argmin(axis=1)] == data.y_test).mean())


def test_mnist1d_is_the_same_everywhere_and_hard_for_simple_methods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What is generated from other arguments would be generated again.
    monkeypatch.setattr("groupconv_cli.training.data.generate", functools.cache(generate))
    data = read_data("mnist1d")
    assert data.shape == (40, 1)
    assert data.classes == 10
    assert (len(data.x_train), len(data.x_test)) == (4000, 1000)
    counts = np.bincount(np.concatenate([data.y_train, data.y_test]))
    assert set(counts) == {500}
    assert read_data("mnist1d", seed=9).digest == data.digest
    # A least-squares classifier finds little more than chance. In the publication logistic
    # regression reaches 32 %, and a convolutional network 94 %.
    x, test = (np.c_[part[..., 0], np.ones(len(part))] for part in (data.x_train, data.x_test))
    weights = np.linalg.lstsq(x, np.eye(10)[data.y_train], rcond=None)[0]
    assert 0.15 < ((test @ weights).argmax(axis=1) == data.y_test).mean() < 0.4
    assert 0.4 < nearest(data) < 0.9
