"""Toy sentences, as if they had been found in recordings."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import toys

from wavenet.audio.cache import Cache
from wavenet.audio.layouts import Clip
from wavenet.recipe import read
from wavenet.recipe.records import PhonesConfig, Recipe
from wavenet.speech import SILENCE, Aligned, Phone

CONFIG = PhonesConfig(kinds=5, neighbours=2)
NAMES = (SILENCE, "AA", "B", "IY")
LASTING = dict.fromkeys(NAMES, (0.03, 0.3))  # seconds, as of speech; those of toy sounds are shorter than any may be
PAUSE = Phone(SILENCE)
SENTENCE = (
    *(PAUSE, Phone("B", 0, 0), Phone("AA", 1, 0), Phone("IY", 2, 1), PAUSE, Phone("B", 0, 2), Phone("B", 0, 2)),
    *(Phone("IY", 0, 2), Phone("AA", 0, 3), PAUSE),
)
ENDS = (0.03, 0.05, 0.11, 0.16, 0.19, 0.2, 0.24, 0.3, 0.35, 0.41)
ALIGNED = Aligned(SENTENCE, ENDS)
MEL = {"bands": 6, "fft_samples": 128, "window_samples": 100, "low_hz": 0, "high_hz": 2000, "power": 1} | {
    **{"scale": "htk", "norm": "none", "floor": 1.0e-3}
}
CONDITION: dict[str, Any] = {
    "channels": 6,
    "fields": {"speaker": 2},
    "tracks": {"clock": {"knots": 3}, "phones": {"kinds": 4, "neighbours": 1}, "mel": MEL},
    "hop_samples": 40,
    "encoder": [{"kernel": 3, "dilation": 1}],
    "acoustic": {"channels": 8, "encoder": [{"kernel": 3, "dilation": 1}]},
    "durations": {"channels": 7, "encoder": [{"kernel": 3, "dilation": 1}, {"kernel": 3, "dilation": 1}]},
}


def recipe(**condition: Any) -> Recipe:
    """Return the tiny recipe, told phones; keys of its condition replaced, or removed (None)."""
    told = {name: value for name, value in (CONDITION | condition).items() if value is not None}
    return read.from_tree(toys.tree() | {"condition": told}, "toy")


def aligned(sound: int, samples: int, rate: int = toys.RATE, kinds: int = 3) -> Aligned:
    """Return what may be said in a sound: pauses at both ends, words of up to three phones, a pause within."""
    rng, phones = np.random.default_rng(sound), [PAUSE]
    for word in range(4):
        phones += [Phone(NAMES[1 + rng.integers(kinds)], int(rng.integers(3)), word) for _ in range(rng.integers(1, 4))]
        phones += [PAUSE] if word == 1 else []
    lengths = rng.uniform(1, 4, len(phones) + 1)
    ends = np.cumsum(lengths) / lengths.sum() * samples / rate
    return Aligned((*phones, PAUSE), (*ends[:-1].tolist(), samples / rate))


def of_sound(clips: Sequence[Clip], decoded: Cache) -> list[Aligned | str]:
    """Return what is said in all sounds of a corpus, in place of `speech.aligned`."""
    lengths = [entry.length for entry in decoded.entries if entry.reason is None]
    assert len(lengths) == len(clips)
    return [aligned(clip, length, decoded.sample_rate) for clip, length in enumerate(lengths)]


def trained(folder: Path, run: Path, cache: Path, steps: int = 6, **options: Any) -> Path:
    """Train a toy that is told phones, with networks of mel and of durations, and return its run folder."""
    made = toys.tree(train={"steps": steps, "validate_steps": steps, "save_steps": 3, "sample_steps": 1_000})
    return toys.train(folder, run, cache, read.from_tree(made | {"condition": CONDITION}, "toy"), **options)


TEXTS = ("Bob.", "Be Bob. Bee!", "Bobby.", "Bobby be.", "Bob be Bob.", "Bob")  # of test sounds: the last says the first


def with_texts(folder: Path, place: Path, texts: Sequence[str] = TEXTS) -> Path:
    """Copy toy sounds, with a table that also says what the sounds of the test split say, and return their folder."""
    shutil.copytree(folder, place)
    first, *rows = (place / "metadata.csv").read_text().split()
    said = iter(texts)
    lines = [f"{row},{next(said) if row.endswith('test') else 'Bee bee bee bee.'}" for row in sorted(rows)]
    (place / "metadata.csv").write_text("\n".join([f"{first},text", *lines]) + "\n")
    return place
