"""Recognisers in files, so that none is trained twice; and what one may be trained on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import disk
from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span, Splits
from wavenet.errors import BundleError
from wavenet.evaluation.recogniser import USUAL, VERSION, Labelled, Recogniser, Settings, Weights, begin, train
from wavenet.features.fields import Fields
from wavenet.outputs import Floats
from wavenet.progress import log
from wavenet.text import many, one_line, to_json

MAX_BYTES = 1 << 28
HEARD = ("train", "valid")  # the splits that a recogniser is trained on


class Clips(Sequence[Floats]):
    """Spans of some sound as waves [T] float32, read when they are asked for."""

    def __init__(self, sound: Sound, spans: Sequence[Span]) -> None:
        self.sound, self.spans = sound, spans

    def __len__(self) -> int:
        return len(self.spans)

    def __getitem__(self, index: Any) -> Any:
        span = self.spans[index]
        return self.sound.read(span.clip, span.first, span.last)


def of_splits(
    sound: Sound,
    splits: Splits,
    fields: Fields,
    sample_rate: int,
    settings: Settings = USUAL,
    cache: Path | None = None,
) -> Recogniser:
    """Return a recogniser of all fields, trained on sound that is no test sound, on which it can thus be tried.

    Args:
        sound: at any level.
        splits: the spans of each split.
        fields: of the clips of `sound`.
        sample_rate: of the sound, in Hz.
        settings, cache: as for `trained`.

    Raises:
        InputError: there is no field, or no sound to train on.
    """
    spans = [span for name in HEARD for span in splits.get(name, ()) if span.last > span.first]
    ids = fields.ids[[span.clip for span in spans]]
    return trained(Labelled(Clips(sound, spans), ids, fields.vocabulary, sample_rate), settings, cache)


def trained(clips: Labelled, settings: Settings = USUAL, cache: Path | None = None) -> Recogniser:
    """Return what `train` returns, from the user's cache folder where the same was trained before.

    Args:
        clips, settings: as for `train`.
        cache: the folder; None takes the user's own.

    Raises:
        InputError: as from `train`.
    """
    clips.check()
    folder = cache or disk.user_folder("WAVENET_CACHE", "cache")
    path = folder / f"recogniser-{_digest(clips, settings)}.safetensors"
    if path.is_file():
        try:
            return load(path)
        except BundleError as error:
            log.warning("%s: it is trained again", one_line(error))
    log.info("a recogniser of %s is trained on %s", " and ".join(clips.values), many(len(clips.waves), "real clip"))
    made = train(clips, settings)
    try:
        save(path, made)
    except OSError as error:
        log.warning("the recogniser cannot be kept in %s (%s): it will be trained again", folder, error.strerror)
    return made


def save(path: Path, recogniser: Recogniser) -> None:
    """Write a recogniser as one safetensors file, whole or not at all; all but its weights is JSON in its header.

    Raises:
        OSError: the file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    about = {"version": VERSION, "sample_rate": recogniser.sample_rate, "values": recogniser.values}
    weights = {name: np.ascontiguousarray(value) for name, value in recogniser.weights.items()}
    disk.write_bytes(path, to_bytes(weights, {"recogniser": to_json(about)}))


def load(path: Path) -> Recogniser:
    """Return the recogniser in a file.

    Raises:
        BundleError: the file cannot be read, or is damaged or of another version.
    """
    from safetensors import SafetensorError, safe_open

    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        with safe_open(str(path), "numpy") as file:
            about = json.loads((file.metadata() or {}).get("recogniser", "{}"))
            weights = {name: np.asarray(file.get_tensor(name)) for name in file.keys()}  # noqa: SIM118
        if not isinstance(about, dict) or about.get("version") != VERSION:
            raise ValueError(f"it is not a recogniser of version {VERSION}")
        values = {str(field): tuple(map(str, names)) for field, names in about["values"].items()}
        _check_weights(weights, values)
        return Recogniser(values, int(about["sample_rate"]), weights)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, SafetensorError, RecursionError) as error:
        raise BundleError(f"{path} cannot be used as a recogniser ({one_line(error, 200)})") from None


def _check_weights(weights: Weights, values: Mapping[str, Sequence[str]]) -> None:
    """Raise ValueError unless these are the weights of a recogniser of these values, and finite."""
    import torch

    channels = len(weights["layers.0.bias"])
    wanted = {name: tuple(own.shape) for name, own in begin(values, channels, torch.Generator()).items()}
    if wanted != {name: own.shape for name, own in weights.items()}:
        raise ValueError("its weights do not fit its fields")
    if not all(own.dtype == np.float32 and np.isfinite(own).all() for own in weights.values()):
        raise ValueError("its weights are not finite numbers in float32")


def _digest(clips: Labelled, settings: Settings) -> str:
    """Return a digest of all that decides on what is trained."""
    about = {"version": VERSION, "values": {field: list(names) for field, names in clips.values.items()}}
    made = hashlib.sha256(to_json({**about, "rate": clips.sample_rate, **asdict(settings)}).encode())
    made.update(np.ascontiguousarray(clips.ids, "<i8").tobytes())
    for wave in clips.waves:
        made.update(len(wave).to_bytes(8, "little") + np.ascontiguousarray(wave, "<f4").tobytes())
    return made.hexdigest()[:16]
