"""An array is read as NumPy reads it, however it lies in its file, and none of it is held."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from wavenet.errors import InputError, WavenetError
from wavenet.features import npy

VALUES = np.random.default_rng(0).normal(size=(19, 5))


@pytest.mark.parametrize("kind", ["<f2", "<f4", ">f4", "<f8"])
def test_rows_are_those_that_numpy_reads(tmp_path: Path, kind: str) -> None:
    values = VALUES.astype(kind)
    for saved in (values, np.asfortranarray(values)):
        np.save(tmp_path / "a.npy", saved)
        table = npy.opened(tmp_path / "a.npy")
        for one, expected in ((table, values), (table.T, values.T), (table.T.T, values)):
            assert (one.shape, one.dtype, len(one)) == (expected.shape, expected.dtype, len(expected))
            for first, last in ((0, 3), (2, 5), (4, 99), (3, 3), (90, 99)):
                assert np.array_equal(one[first:last], expected[first:last])
                assert one[first:last].shape == expected[first:last].shape


def test_a_long_file_is_not_held(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.zeros((80, 50_000), np.float32).T)
    tracemalloc.start()
    table = npy.opened(tmp_path / "a.npy")
    for at in range(0, len(table), 1_000):
        assert table[at : at + 1_000].shape == (1_000, 80)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_what_is_no_array_and_what_is_cut_meanwhile_is_said(tmp_path: Path) -> None:
    np.savez(tmp_path / "several.npz", VALUES, VALUES)
    for content in (b"", b"junk", (tmp_path / "several.npz").read_bytes()):
        (tmp_path / "a.npy").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.npy (cannot be read \(|holds several arrays)"):
            npy.opened(tmp_path / "a.npy")
    np.save(tmp_path / "b.npy", VALUES)
    table = npy.opened(tmp_path / "b.npy")
    with (tmp_path / "b.npy").open("r+b") as file:
        file.truncate(200)
    with pytest.raises(WavenetError, match=r"b\.npy was truncated while in use"):
        table[0:19]
