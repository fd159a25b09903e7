"""Recognisers in files, so that none is trained twice; and what one may be trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import disk
from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span, Splits
from wavenet.evaluation import weights_file
from wavenet.evaluation.recogniser import VERSION, Labelled, Recogniser, Settings, Weights, begin, train, usual
from wavenet.features.fields import Fields
from wavenet.outputs import Floats
from wavenet.text import joined, many, to_json

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
    settings: Settings | None = None,
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


def trained(clips: Labelled, settings: Settings | None = None, cache: Path | None = None) -> Recogniser:
    """Return what `train` returns, from the user's cache folder where the same was trained before.

    Args:
        clips: as for `train`.
        settings: how to train; None: as is usual for so many clips.
        cache: the folder; None takes the user's own.

    Raises:
        InputError: as from `train`.
    """
    clips.check()
    settings = settings or usual(len(clips.waves))
    folder = cache or disk.user_folder("WAVENET_CACHE", "cache")
    what = f"a recogniser of {joined([*clips.values])} is trained on {many(len(clips.waves), 'real clip')}, once"
    what += "; Ctrl-C leaves out what it would hear, and all else is reported"
    path = folder / f"recogniser-{_digest(clips, settings)}.safetensors"
    return weights_file.kept(path, what, load, lambda: train(clips, settings), save)


def save(path: Path, recogniser: Recogniser) -> None:
    """Write a recogniser as one safetensors file, whole or not at all; all but its weights is JSON in its header.

    Raises:
        OSError: the file cannot be written.
    """
    about = {"version": VERSION, "sample_rate": recogniser.sample_rate, "values": recogniser.values}
    weights_file.write(path, "recogniser", about, recogniser.weights)


def load(path: Path) -> Recogniser:
    """Return the recogniser in a file.

    Raises:
        BundleError: the file cannot be read, or is damaged or of another version.
    """
    return weights_file.read(path, "recogniser", VERSION, _recogniser)


def _recogniser(about: dict[str, Any], weights: Weights) -> Recogniser:
    import torch

    values = {str(field): tuple(map(str, names)) for field, names in about["values"].items()}
    channels = len(weights["layers.0.bias"])
    wanted = begin(values, channels, torch.Generator())
    weights_file.check(weights, {name: tuple(own.shape) for name, own in wanted.items()})
    return Recogniser(values, int(about["sample_rate"]), weights)


def _digest(clips: Labelled, settings: Settings) -> str:
    """Return a digest of all that decides on what is trained."""
    about = {"version": VERSION, "values": {field: list(names) for field, names in clips.values.items()}}
    made = hashlib.sha256(to_json({**about, "rate": clips.sample_rate, **asdict(settings)}).encode())
    made.update(np.ascontiguousarray(clips.ids, "<i8").tobytes())
    for wave in clips.waves:
        made.update(len(wave).to_bytes(8, "little") + np.ascontiguousarray(wave, "<f4").tobytes())
    return made.hexdigest()[:16]
