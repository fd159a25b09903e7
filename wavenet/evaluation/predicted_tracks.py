"""How far predicted mels and pitches of held-out sounds are off, beside the average of each phone."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from wavenet.features.f0 import in_hertz
from wavenet.features.mel import unit_decibels
from wavenet.generate.asked import all_tracks
from wavenet.generate.packed import Packed
from wavenet.outputs import Codes, Condition, Floats
from wavenet.recipe.records import ASKED, PREDICTED, ConditionConfig
from wavenet.text import many

SOUNDS = 500  # held-out ones at most
TRAINED = 500  # that averages are taken of, at most
VOICED = 0.5  # from here on a frame is taken to have a pitch


@dataclass(frozen=True)
class Off:
    """How far something that is predicted is off, and the average of each phone in its place."""

    ours: float
    average: float | None  # None where no training sound is here

    def words(self, text: str) -> str:
        """Return both, each in a text for a number, such as ``{:.1f} Hz``."""
        if self.average is None:
            return text.format(self.ours)
        beaten = "" if self.ours < self.average else ", no better"
        return f"{text.format(self.ours)} (averages {text.format(self.average)}{beaten})"


@dataclass(frozen=True)
class TrackErrors:
    """What is scored of predicted tracks; None where a track is not predicted, or has no frame to compare."""

    frames: int
    mel_db: Off | None = None  # mean distance of a band to the real one
    f0_hz: Off | None = None  # root of the mean square, over the frames that have a pitch in both
    voicing_percent: Off | None = None  # frames that have a pitch in but one of both

    def __str__(self) -> str:
        parts = (
            ("mel by", self.mel_db, "{:.2f} dB"),
            ("F0 by", self.f0_hz, "{:.1f} Hz (RMSE)"),
            ("voicing in", self.voicing_percent, "{:.1f} % of frames"),
        )
        said = ", ".join(f"{what} {one.words(text)}" for what, one, text in parts if one is not None)
        return f"what is predicted of {many(self.frames, 'held-out frame')} is off: {said}"


def track_errors(
    packed: Packed, config: ConditionConfig, condition: Condition, trained: Sequence[int], held: Sequence[int]
) -> TrackErrors | None:
    """Return how far predicted tracks are off; None where the network predicts none, or no sound is held out.

    Args:
        packed: the network.
        config: what its recipe tells.
        condition: what all sounds are told.
        trained: sounds that averages are taken of, at most `TRAINED`: of each phone, or of all frames without phones.
        held: sounds that are scored, at most `SOUNDS`. Of both, those taken are evenly spread.
    """
    if condition.shape.acoustic is None or not held:
        return None
    split = _Split(condition, config)
    chosen, known = _spread(held, SOUNDS), _spread(trained, TRAINED)
    real, said = split.real(chosen)
    ours = split.errors(real, np.concatenate([split.predicted(packed, one) for one in chosen]))
    theirs = split.errors(real, split.averages(known)[said]) if known else dict[str, float]()
    return TrackErrors(len(real), **{name: Off(one, theirs.get(name)) for name, one in ours.items()})


def _spread(sounds: Sequence[int], most: int) -> list[int]:
    """Return at most so many of some sounds, evenly spread."""
    count = min(len(sounds), most)
    return [sounds[i * len(sounds) // count] for i in range(count)]


class _Split:
    """The tracks of a corpus, divided into what an acoustic network is given and what it predicts."""

    def __init__(self, condition: Condition, config: ConditionConfig) -> None:
        self.condition, self.config = condition, config
        tracks = condition.shape.told.tracks
        ends = [0, *itertools.accumulate(width for _, width in tracks)]
        self.columns = {name: slice(*pair) for (name, _), pair in zip(tracks, itertools.pairwise(ends), strict=True)}
        self.aims = [name for name in PREDICTED if name in self.columns]  # of neighbouring columns

    def read(self, sound: int) -> Floats:
        """Return all tracks of a sound [F, values]."""
        assert self.condition.tracks is not None
        return self.condition.tracks.read(sound, 0, self.condition.tracks.frames(sound))

    def real(self, sounds: Sequence[int]) -> tuple[Floats, Codes]:
        """Return what is to be predicted of some sounds, frame after frame [F, P], and the number of each's phone."""
        each = [self.read(sound) for sound in sounds]
        return np.concatenate([self._aims(one) for one in each]), np.concatenate([self._phones(one) for one in each])

    def predicted(self, packed: Packed, sound: int) -> Floats:
        """Return what the network predicts of a sound [F, P]."""
        real, fields = self.read(sound), self.condition.fields[sound]
        return self._aims(all_tracks(packed, {n: real[:, at] for n, at in self.columns.items() if n in ASKED}, fields))

    def averages(self, sounds: Sequence[int]) -> Floats:
        """Return the mean of each phone's frames in some sounds, [phones + 1, P]; of all where it has none."""
        kinds = 1 + (0 if self.config.tracks.phones is None else self.config.tracks.phones.kinds)
        width = sum(self.columns[name].stop - self.columns[name].start for name in self.aims)
        sums, counts = np.zeros((kinds, width)), np.zeros(kinds)
        for sound in sounds:
            aims, said = self.real([sound])
            np.add.at(sums, said, aims)
            counts += np.bincount(said, minlength=kinds)
        overall = sums.sum(axis=0) / counts.sum()
        own = sums / np.maximum(counts, 1)[:, None]
        return np.asarray(np.where(counts[:, None] > 0, own, overall), np.float32)

    def errors(self, real: Floats, made: Floats) -> dict[str, float]:
        """Return how far what is predicted [F, P] is off, by the names that `TrackErrors` has for it."""
        found, mel, f0 = dict[str, float](), self.config.tracks.mel, self.config.tracks.f0
        if mel is not None:
            away = np.abs(real - made)[:, : mel.bands].mean(dtype=np.float64)
            found["mel_db"] = float(away) * unit_decibels(mel)
        if f0 is not None:
            voiced, taken = real[:, -1] > VOICED, made[:, -1] > VOICED
            found["voicing_percent"] = 100 * float(np.mean(voiced != taken))
            both = voiced & taken
            if both.any():
                away = in_hertz(real[both, -2], f0) - in_hertz(made[both, -2], f0)
                found["f0_hz"] = float(np.sqrt(np.mean(np.square(away))))
        return found

    def _aims(self, tracks: Floats) -> Floats:
        return np.concatenate([tracks[:, self.columns[name]] for name in self.aims], axis=1)

    def _phones(self, tracks: Floats) -> Codes:
        """Return the number of each frame's phone [F] int64; that behind the last where it is none of those known."""
        config = self.config.tracks.phones
        if config is None:
            return np.zeros(len(tracks), np.int64)
        first = self.columns["phones"].start + config.neighbours * config.kinds
        own = tracks[:, first : first + config.kinds]
        return np.where(own.any(axis=1), own.argmax(axis=1), config.kinds)
