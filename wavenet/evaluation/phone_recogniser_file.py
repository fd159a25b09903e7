"""Recognisers of phones in files, so that none is trained twice; and what one may be trained on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import disk
from wavenet.audio.crops import Sound
from wavenet.audio.splits import Splits
from wavenet.evaluation import weights_file
from wavenet.evaluation.phone_recogniser import VERSION, PhoneRecogniser, Spoken, begin, train, usual
from wavenet.evaluation.recogniser import Settings, Weights
from wavenet.evaluation.recogniser_file import HEARD, Clips
from wavenet.speech import SILENCE, Aligned
from wavenet.text import many, to_json

KIND = "recogniser of phones"


def of_splits(sound: Sound, splits: Splits, aligned: Sequence[Aligned | str], sample_rate: int) -> Spoken:
    """Return the recordings that may be learned from, those that are no test sound; each whole, and its phones known.

    Args:
        sound: at any level.
        splits: the spans of each split.
        aligned: the phones of the clips of `sound`, or why they are not known.
        sample_rate: of the sound, in Hz.
    """
    spans = [span for name in HEARD for span in splits.get(name, ()) if isinstance(aligned[span.clip], Aligned)]
    whole = [span for span in spans if (span.first, span.last) == (0, sound.lengths[span.clip])]
    known = [own for span in whole if isinstance(own := aligned[span.clip], Aligned)]
    return Spoken(Clips(sound, whole), known, sample_rate)


def trained(spoken: Spoken, settings: Settings | None = None, cache: Path | None = None) -> PhoneRecogniser:
    """Return what `train` returns, from the user's cache folder where the same was trained before.

    Args:
        spoken: as for `train`.
        settings: how to train; None: as is usual for so many recordings.
        cache: the folder; None takes the user's own.

    Raises:
        InputError: as from `train`.
    """
    spoken.check()
    own = settings or usual(len(spoken.waves))
    folder = cache or disk.user_folder("WAVENET_CACHE", "cache")
    what = f"a {KIND} is trained on {many(len(spoken.waves), 'recording')}, once"
    path = folder / f"recogniser-{_digest(spoken, own)}.safetensors"
    return weights_file.kept(path, what, load, lambda: train(spoken, own), save)


def save(path: Path, recogniser: PhoneRecogniser) -> None:
    """Write a recogniser as one safetensors file, whole or not at all; all but its weights is JSON in its header.

    Raises:
        OSError: the file cannot be written.
    """
    about = {"version": VERSION, "sample_rate": recogniser.sample_rate, "phones": recogniser.phones}
    weights_file.write(path, KIND, about, recogniser.weights)


def load(path: Path) -> PhoneRecogniser:
    """Return the recogniser in a file.

    Raises:
        BundleError: the file cannot be read, or is damaged or of another version.
    """
    return weights_file.read(path, KIND, VERSION, _recogniser)


def _recogniser(about: dict[str, Any], weights: Weights) -> PhoneRecogniser:
    import torch

    phones = tuple(map(str, about["phones"]))
    if SILENCE not in phones:
        raise ValueError("it knows no pause")
    wanted = begin(len(phones), len(weights["layers.0.bias"]), torch.Generator())
    weights_file.check(weights, {name: tuple(own.shape) for name, own in wanted.items()})
    return PhoneRecogniser(phones, int(about["sample_rate"]), weights)


def _digest(spoken: Spoken, settings: Settings) -> str:
    """Return a digest of all that decides on what is trained."""
    made = hashlib.sha256(to_json([KIND, VERSION, spoken.sample_rate, asdict(settings)]).encode())
    for wave, own in zip(spoken.waves, spoken.aligned, strict=True):
        made.update(to_json([len(wave), [phone.name for phone in own.phones], own.ends]).encode())
        made.update(np.ascontiguousarray(wave, "<f4").tobytes())
    return made.hexdigest()[:16]
