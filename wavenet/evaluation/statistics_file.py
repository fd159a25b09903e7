"""What a bundle keeps of its training sound, for the baselines: `statistics.safetensors` beside the weights.

It depends on the sound alone, so it is written once in a run. A bundle without it is whole: the statistics are made
anew where the training sound is.

Pairs of codes are counted in a table of Q^2 whole numbers, most of them small: all their low bytes, then all their next
ones and so on are deflated, to a fifth of the size.
"""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.errors import BundleError
from wavenet.evaluation.baselines import Statistics
from wavenet.progress import log
from wavenet.text import one_line

NAME, DIGEST = "statistics.safetensors", "sha256"
PAIRS, DEFLATED = "pairs", "pairs_deflated"  # as they are, and as they are kept
WORD = np.dtype("<u4")


def write(folder: Path, statistics: Statistics) -> None:
    """Write the statistics into a bundle's folder, whole or not at all; OSError where that cannot be done."""
    from safetensors.numpy import save as to_bytes

    arrays = {name: np.ascontiguousarray(value) for name, value in statistics.to_arrays().items()}
    if PAIRS in arrays:
        arrays[DEFLATED] = _deflated(arrays.pop(PAIRS))
    disk.write_bytes(folder / NAME, to_bytes({**arrays, DIGEST: _digest(arrays)}))


def read(folder: Path, size: int) -> Statistics | None:
    """Return the statistics in a bundle's folder; None where there are none, with a warning where they are damaged.

    Args:
        folder: of the bundle.
        size: codes Q of its alphabet.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    path = folder / NAME
    if not path.is_file():
        return None
    try:
        arrays = from_bytes(_bytes(path, size))
        said = arrays.pop(DIGEST) if DIGEST in arrays else np.zeros(0, np.uint8)
        if not np.array_equal(said, _digest(arrays)):
            raise ValueError("it was changed since it was written")
        if DEFLATED in arrays:
            arrays[PAIRS] = _inflated(arrays.pop(DEFLATED), size)
        return Statistics.from_arrays(arrays, size, str(path))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, BundleError) as error:
        log.warning("%s is not used: %s", path, one_line(error, 200))
    return None


def _deflated(pairs: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a table of whole numbers below 2^32 as fewer bytes."""
    planes = np.ascontiguousarray(pairs, WORD).view(np.uint8).reshape(-1, WORD.itemsize).T
    return np.frombuffer(zlib.compress(planes.tobytes(), 9), np.uint8)


def _inflated(kept: NDArray[Any], size: int) -> NDArray[np.uint32]:
    """Return the table [size, size] of which these bytes are; ValueError where they are of another one."""
    want, inflate = WORD.itemsize * size * size, zlib.decompressobj()
    try:
        made = inflate.decompress(kept.tobytes(), want + 1)  # no more than that, whatever the bytes would make
    except zlib.error as error:
        raise ValueError(f"{DEFLATED} is damaged ({error})") from None
    if len(made) != want or not inflate.eof:
        raise ValueError(f"{DEFLATED} is not of {size} x {size} numbers")
    planes = np.frombuffer(made, np.uint8).reshape(WORD.itemsize, -1).T
    return np.ascontiguousarray(planes).view(WORD).reshape(size, size).astype(np.uint32)


def _digest(arrays: dict[str, NDArray[Any]]) -> NDArray[np.uint8]:
    """Return the SHA-256 of some arrays."""
    made = hashlib.sha256()
    for name in sorted(arrays):
        made.update(name.encode() + arrays[name].tobytes())
    return np.frombuffer(made.digest(), np.uint8)


def _bytes(path: Path, size: int) -> bytes:
    most = 8 * size * (size + 2) + (1 << 16)
    if path.stat().st_size > most:
        raise ValueError(f"it has {path.stat().st_size:,} bytes, expected at most {most:,}")
    return path.read_bytes()
