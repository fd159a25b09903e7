"""Trained recognisers in files, so that none is trained twice: safetensors, and what they are in the header."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from wavenet import disk
from wavenet.errors import BundleError
from wavenet.evaluation.recogniser import Weights
from wavenet.progress import log
from wavenet.text import one_line, to_json

MAX_BYTES = 1 << 28

T = TypeVar("T")


def kept(path: Path, what: str, load: Callable[[Path], T], make: Callable[[], T], save: Callable[[Path, T], None]) -> T:
    """Return what a file has, or else what is made and then kept there, if it can be.

    Args:
        path: the file.
        what: says why one waits while it is made.
        load: reads it, or raises BundleError.
        make: makes what it should have.
        save: writes that, or raises OSError.
    """
    if path.is_file():
        try:
            return load(path)
        except BundleError as error:
            log.warning("%s: it is trained again", one_line(error))
    log.info("%s", what)
    made = make()
    try:
        save(path, made)
    except OSError as error:
        log.warning("the recogniser cannot be kept in %s (%s): it will be trained again", path.parent, error.strerror)
    return made


def write(path: Path, kind: str, about: Mapping[str, Any], weights: Weights) -> None:
    """Write weights as one safetensors file, whole or not at all.

    Args:
        path: the file.
        kind: the name of what they are of.
        about: all else that is to be known of it: plain values, with its `version`.
        weights: by name.

    Raises:
        OSError: the file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    whole = {name: np.ascontiguousarray(value) for name, value in weights.items()}
    disk.write_bytes(path, to_bytes(whole, {kind: to_json(dict(about))}))


def read(path: Path, kind: str, version: int, make: Callable[[dict[str, Any], Weights], T]) -> T:
    """Return what `make` makes of what `write` wrote.

    Args:
        path: the file.
        kind: as it was written.
        version: another one is refused.
        make: is given what is known and the weights; KeyError, TypeError, ValueError and AttributeError of it say that
            these do not fit.

    Raises:
        BundleError: the file cannot be read, or is damaged, or of another kind or version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        with safe_open(str(path), "numpy") as file:
            about = json.loads((file.metadata() or {}).get(kind, "{}"))
            weights = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        if not isinstance(about, dict) or about.get("version") != version:
            raise ValueError(f"it is not a {kind} of version {version}")
        return make(about, weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, RecursionError) as error:
        raise BundleError(f"{path} cannot be used as a {kind} ({one_line(error, 200)})") from None


def check(weights: Weights, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless weights are finite numbers in float32, of these shapes by their names."""
    if dict(wanted) != {name: own.shape for name, own in weights.items()}:
        raise ValueError("its weights do not fit what it names")
    if not all(own.dtype == np.float32 and np.isfinite(own).all() for own in weights.values()):
        raise ValueError("its weights are not finite numbers in float32")
