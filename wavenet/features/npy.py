"""An array in a .npy file, read a piece at a time: a file of an hour costs no more memory than one of a minute.

Not a memory map: the pages of one count as this process's memory (`audio/cache.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.cache import Samples
from wavenet.audio.files import is_file
from wavenet.errors import SoundError
from wavenet.text import one_line, printable, times

PIECE = 1 << 12  # rows that are read at a time where all are looked at


@dataclass(frozen=True)
class Table:
    """An array in a file; rows are read as they are asked for, and what was read is not held."""

    words: Samples  # the file, two bytes each
    begin: int  # bytes before the first number
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    by_columns: bool  # whether a column lies in one piece, as `numpy.save` writes a transposed array; else a row

    @property
    def T(self) -> Table:  # noqa: N802  (as NumPy calls it)
        """The same numbers with rows for columns."""
        return replace(self, shape=self.shape[::-1], by_columns=not self.by_columns)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice) -> NDArray[Any]:
        """Return some rows [n, M] of an array of two sizes.

        Raises:
            WavenetError: the file has become shorter since it was opened.
        """
        count, width = self.shape
        first, last, _ = rows.indices(count)
        if not self.by_columns:
            return self._read(first * width, last * width).reshape(-1, width)
        return np.stack([self._read(at + first, at + last) for at in range(0, count * width, count)], axis=1)

    def _read(self, first: int, last: int) -> NDArray[Any]:
        begin, size = self.begin // 2, self.dtype.itemsize // 2
        return self.words[begin + first * size : begin + max(first, last) * size].view(self.dtype)


def opened(path: Path) -> Table:
    """Return the array of a .npy file; nothing in it is executed.

    Raises:
        SoundError: the file is missing or cannot be read, or holds several arrays.
    """
    name = printable(str(path))
    if not is_file(path):
        raise SoundError(f"{name} is missing; write it with numpy.save, [frames, values] float32")
    try:
        held = np.load(path, mmap_mode="r", allow_pickle=False)  # for its header alone: no page of it is touched
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, MemoryError) as error:
        raise SoundError(f"{name} cannot be read ({one_line(error, 90)}); write it with numpy.save") from None
    if not isinstance(held, np.memmap):
        raise SoundError(f"{name} holds several arrays; save one with numpy.save")
    by_columns = held.flags.f_contiguous and not held.flags.c_contiguous
    return Table(Samples(path), int(held.offset), held.shape, held.dtype, by_columns)


def check_table(found: NDArray[Any] | Table, name: str) -> None:
    """Raise SoundError unless this is a table [F, M] of floating point.

    Args:
        found: what should be one.
        name: what errors call it.

    Raises:
        SoundError: it is something else, or holds what is no finite number in float32.
    """
    if found.dtype.kind != "f" or len(found.shape) != 2 or 0 in found.shape:
        raise SoundError(
            f"{name} holds {found.dtype} of {times(found.shape) or 'no size'}, expected float32 of two sizes, "
            "[frames, values]"
        )
    for at in range(0, len(found), PIECE):
        with np.errstate(over="ignore"):
            part = np.asarray(found[at : at + PIECE], np.float32)
        wrong = np.flatnonzero(~np.isfinite(part).all(axis=1))
        if len(wrong):
            raise SoundError(f"{name} holds NaN or infinity in frame {at + wrong[0]:,}; compute it anew")
