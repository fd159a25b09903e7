"""What a bundle keeps of its training sound, for the baselines: `statistics.safetensors` beside the weights.

It depends on the sound alone, so it is written once in a run. A bundle without it is whole: the statistics are made
anew where the training sound is.
"""

from __future__ import annotations

import hashlib
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


def write(folder: Path, statistics: Statistics) -> None:
    """Write the statistics into a bundle's folder, whole or not at all; OSError where that cannot be done."""
    from safetensors.numpy import save as to_bytes

    arrays = {name: np.ascontiguousarray(value) for name, value in statistics.to_arrays().items()}
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
        return Statistics.from_arrays(arrays, size, str(path))
    except (OSError, ValueError, KeyError, TypeError, SafetensorError, BundleError) as error:
        log.warning("%s is not used: %s", path, one_line(error, 200))
    return None


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
