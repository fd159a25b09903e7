"""Statistics of a track: what its frames are usually like in training sounds, a few numbers that a bundle keeps.

Numbers of another scale lie far from them: `mel_scale.py` looks at mels, `strange` at arrays.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.features.npy import Table
from wavenet.outputs import Floats, Tracks

MOST_SOUNDS = 1_000  # that are looked at, evenly spread over all
PIECE = 4_096  # frames that are held at once
LEAST = 1e-3  # a range or spread below it counts as it
FAR = 5.0  # times as wide or as narrow as usual, or usual spreads away, is another scale
DIGITS = 5  # that a bundle keeps


class Summary:
    """What frames are like that are read a piece at a time: edges, mean and spread of each value, and of all.

    Of no frames it has nothing but their number.
    """

    def __init__(self, pieces: Iterable[Floats]) -> None:
        self.low, self.high = np.float64(math.inf), np.float64(-math.inf)  # they become [width]
        self.frames, total, squares, levels = 0, np.float64(0), np.float64(0), 0.0
        for piece in pieces:
            self.low = np.minimum(self.low, piece.min(axis=0))
            self.high = np.maximum(self.high, piece.max(axis=0))
            self.frames += len(piece)
            total = total + piece.sum(axis=0, dtype=np.float64)
            squares = squares + np.square(piece, dtype=np.float64).sum(axis=0)
            levels += float(np.square(piece.mean(axis=1, dtype=np.float64)).sum())
        if not self.frames:
            return
        self.mean = total / self.frames
        self._over_time = math.sqrt(max(0.0, levels / self.frames - float(np.mean(self.mean)) ** 2))
        self._square = squares / self.frames
        self.spread = np.sqrt(np.maximum(0.0, self._square - self.mean**2))

    @property
    def whole_spread(self) -> float:
        """The standard deviation of all numbers together."""
        return math.sqrt(max(0.0, float(np.mean(self._square) - np.mean(self.mean) ** 2)))

    def traits(self) -> NDArray[np.float64]:
        """Return what tells a scale, [4]: ln of range, of spread and of the spread of frames' means; the largest."""
        high = float(self.high.max())
        widths = [high - float(self.low.min()), self.whole_spread, self._over_time]
        return np.array([*(math.log(max(width, LEAST)) for width in widths), high])


@dataclass(frozen=True)
class Usual:
    """What the frames of a track were like in training sounds."""

    low: list[float]  # the least of each value
    high: list[float]
    mean: list[float]
    spread: list[float]  # standard deviation of each value
    traits: list[list[float]]  # mean and spread over sounds of each of `Summary.traits`

    def to_plain(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def measured(sounds: Iterable[Summary]) -> Usual:
    """Return what some sounds are like, each frame of all of them counting alike."""
    held = list(sounds)
    frames = np.array([one.frames for one in held], np.float64)[:, None]
    means, spreads = (np.array([getattr(one, name) for one in held]) for name in ("mean", "spread"))
    mean = (means * frames).sum(axis=0) / frames.sum()
    square = ((spreads**2 + means**2) * frames).sum(axis=0) / frames.sum()
    traits = np.array([one.traits() for one in held])
    return Usual(
        _rounded(np.min([one.low for one in held], axis=0)),
        _rounded(np.max([one.high for one in held], axis=0)),
        _rounded(mean),
        _rounded(np.sqrt(np.maximum(0.0, square - mean**2))),
        [_rounded(pair) for pair in zip(traits.mean(axis=0), traits.std(axis=0), strict=True)],
    )


def _rounded(values: Iterable[Any]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in values]


def of_tracks(
    tracks: Tracks,
    told: Sequence[tuple[str, int]],
    name: str,
    frames: Sequence[int],
    sounds: Sequence[int],
    silence: float | None = None,
) -> dict[int, Summary]:
    """Return what a track is like in some sounds, at most `MOST_SOUNDS` of them.

    Args:
        tracks: of all sounds.
        told: name and width of each track, in the order of their columns.
        name: of the track.
        frames: of each sound, without those of its tail of silence.
        sounds: some of them.
        silence: frames of nothing but this are passed over, and sounds that have no others.
    """
    names = [one for one, _ in told]
    first = sum(width for _, width in told[: names.index(name)])
    own = slice(first, first + dict(told)[name])
    step = max(1, math.ceil(len(sounds) / MOST_SOUNDS))
    found = {}
    for sound in sounds[::step]:
        ends = [(at, min(at + PIECE, frames[sound])) for at in range(0, frames[sound], PIECE)]
        found[sound] = Summary(heard((tracks.read(sound, *end)[:, own] for end in ends), silence))
    return {sound: one for sound, one in found.items() if one.frames}


def pieces(values: NDArray[Any] | Table) -> Iterator[Floats]:
    """Yield a table of numbers [F, width] a piece at a time, [n, width] float32."""
    for at in range(0, len(values), PIECE):
        yield np.asarray(values[at : at + PIECE], np.float32)


def heard(pieces: Iterable[Floats], silence: float | None) -> Iterator[Floats]:
    """Yield the frames that hold anything but the number of silence; pieces that have none are left out."""
    for piece in pieces:
        kept = piece if silence is None else piece[(piece != silence).any(axis=1)]
        if len(kept):
            yield kept


def of_bundle(data: Mapping[str, Any], name: str, width: int) -> Usual | None:
    """Return what a bundle says of a track; None where it says nothing, as those of older versions, or is damaged."""
    try:
        plain = data["told"]["usual"][name]
        usual = Usual(**{key: np.array(value, np.float64).tolist() for key, value in plain.items()})
        columns = [usual.low, usual.high, usual.mean, usual.spread]
        assert np.shape(columns) == (4, width)
        assert np.shape(usual.traits) == (4, 2)
        assert np.isfinite(columns).all()
        assert np.isfinite(usual.traits).all()
    except (AssertionError, KeyError, TypeError, ValueError):
        return None
    return usual


def strange(found: Summary, usual: Usual) -> str:
    """Return in words what numbers far from what is usual are like; empty where they may well have the same scale."""
    reach = np.subtract(usual.high, usual.low)
    spread = np.maximum(np.maximum(usual.spread, LEAST * reach), 1e-12)
    away = float(np.median(np.abs(found.mean - np.array(usual.mean)) / spread))
    ratios = np.exp(np.abs(found.traits() - np.array(usual.traits)[:, 0])[:2])
    if away <= FAR and ratios.min() <= FAR:
        return ""
    low, high, mean = float(found.low.min()), float(found.high.max()), float(np.mean(found.mean))
    around = f"{math.exp(usual.traits[0][0]):.3g} around {float(np.mean(usual.mean)):.3g}"
    return f"{low:.4g} to {high:.4g}, a range of {high - low:.3g} around {mean:.3g}; usual is a range of {around}"
