"""Is generated sound healthy? Six measures of it beside real sound, and beside what real sound differs by from itself.

The yardstick: real clips are dealt at random into two lots, many times, and measured against each other; generated
sound is unlike real sound where it differs by more than 95 % of these lots do. Where real clips are all alike, as after
`data.level.rms`, even a difference that nobody hears would be more: so each measure has a least difference too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from wavenet.outputs import Floats
from wavenet.text import many, table

FEWEST = 4  # real clips: fewer give no yardstick
DEALS = 500  # times that real clips are dealt into two lots
QUANTILE = 0.95
FULL_SCALE = 0.999  # a magnitude beyond it counts as clipped
QUIET = 10 ** (-16 / 10)  # of the mean power: what is fainter is a pause, as in ITU-T P.56
SILENT = 10 ** (-40 / 10)  # of the power of what is no pause: what is fainter is silence
INAUDIBLE = 1e-6  # of the whole power: a band with less is taken to have this much
FAINTEST = 1e-12  # mean square of what is called digital silence, -120 dBFS
LOWEST_BAND = 100.0  # Hz, the centre of the lowest third of an octave
AT_ONCE = 256  # frames: minutes take no more memory than seconds
PITCHES = (50.0, 500.0)  # Hz, whose periods are looked for

Wide = NDArray[np.float64]


@dataclass(frozen=True)
class Row:
    """One measure of generated sound beside real sound."""

    name: str
    unit: str
    generated: float | None  # None where only the difference can be measured
    real: float | None
    difference: float  # generated - real, or the distance of both
    # what 95 % of pairs of lots of real clips differ by at most, or the least difference that means anything where that
    # is more; None: too few clips
    yardstick: float | None
    verdict: str


@dataclass(frozen=True)
class Health:
    """What generated clips are like beside real ones."""

    rows: tuple[Row, ...]
    generated: int  # clips
    real: int  # clips
    lot: int  # clips in each of two lots of real ones
    seed: int

    @property
    def unlike(self) -> tuple[Row, ...]:
        """The measures in which generated sound is unlike real sound."""
        return tuple(row for row in self.rows if row.yardstick is not None and row.verdict != AS_REAL)

    @property
    def conclusion(self) -> str:
        """One closing sentence."""
        if not self.lot:
            few = f"With {many(self.real, 'real clip')} there is no yardstick (at least {FEWEST} are needed)"
            return f"{few}: what the differences are worth cannot be said."
        found, rows = self.unlike, len(self.rows)
        if not found:
            return f"In all {rows} measures these clips differ from real sound no more than real sound from itself."
        return f"Unlike real sound in {len(found)} of {rows} measures: {', '.join(row.name for row in found)}."

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**asdict(self), "conclusion": self.conclusion}

    def to_text(self) -> list[str]:
        """Return a table and the closing sentence, line by line."""
        rows = [["", "generated", "real", "differs by", "real differs by up to", "verdict"]]
        for row in self.rows:
            numbers = map(_shown, (row.generated, row.real, row.difference, row.yardstick))
            rows.append([f"{row.name} ({row.unit})", *numbers, row.verdict])
        return [*table(rows, most=110), self.conclusion]


AS_REAL = "as real sound"


def health(generated: Sequence[Floats], real: Sequence[Floats], rate: int, seed: int = 0) -> Health:
    """Return how generated clips differ from real ones, and real ones from each other.

    Args:
        generated: waves [T] float32 in [-1, 1], of any lengths.
        real: the same, of held-out sound.
        rate: of both, in Hz.
        seed: of how real clips are dealt. Two lots have as many clips as were generated, or half of the real ones.
    """
    ours, theirs = ([_measured(wave, rate) for wave in clips if len(wave)] for clips in (generated, real))
    lot = 0 if len(theirs) < FEWEST else max(1, min(len(ours), len(theirs) // 2))
    dealt = _deals(len(theirs), lot, seed)
    pairs = [(_pooled([theirs[i] for i in one]), _pooled([theirs[i] for i in other])) for one, other in dealt]
    rows = [measure.row(_pooled(ours), _pooled(theirs), pairs) for measure in MEASURES]
    return Health(tuple(rows), len(ours), len(theirs), lot, seed)


# --- what is measured of a clip --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Measured:
    """Sums over a clip, or over several."""

    powers: Wide  # of its frames of 10 ms
    bands: Wide  # power in each third of an octave, summed over frames
    flux: Wide  # sum, count
    periodic: Wide  # sum, count
    clipped: Wide  # clipped samples, samples

    @functools.cached_property
    def level(self) -> float:
        """The mean power of the frames that are no pauses (after ITU-T P.56, in one step)."""
        loud = self.powers[self.powers > QUIET * self.powers.mean()] if len(self.powers) else self.powers
        return float(loud.mean()) if len(loud) else 0.0

    @functools.cached_property
    def spectrum(self) -> Wide:
        """The level of each band in dB, the mean of all bands 0."""
        floor = max(INAUDIBLE * float(self.bands.sum()), FAINTEST)
        level = 10 * np.log10(np.maximum(self.bands, floor))
        return np.asarray(level - level.mean())


def _measured(wave: Floats, rate: int) -> _Measured:
    wide = wave.astype(np.float64)
    frame = max(1, rate // 100)
    whole = np.pad(wide, (0, -len(wide) % frame)).reshape(-1, frame)
    bands, flux = _spectra(wide, rate)
    return _Measured(
        powers=np.asarray((whole**2).mean(axis=1)),
        bands=bands,
        flux=flux,
        periodic=_periodic(wide, rate),
        clipped=np.array([float((np.abs(wave) >= FULL_SCALE).sum()), float(len(wave))]),
    )


def _pooled(clips: Sequence[_Measured]) -> _Measured:
    """Return the measures of several clips as if they were one."""
    if not clips:
        return _Measured(np.zeros(0), np.zeros(1), *(np.array([0.0, 0.0]) for _ in range(3)))
    powers = np.concatenate([clip.powers for clip in clips])
    sums = (sum(getattr(clip, name) for clip in clips) for name in ("bands", "flux", "periodic", "clipped"))
    return _Measured(powers, *map(np.asarray, sums))


def _frames(wave: Wide, size: int, hop: int) -> Wide:
    """Return frames [F, size], the end filled up with silence."""
    padded = np.pad(wave, (0, max(size - len(wave), -(len(wave) - size) % hop)))
    return sliding_window_view(padded, size)[::hop]


def _loud(frames: Wide) -> NDArray[np.bool_]:
    """Return which frames are no pauses."""
    power = np.einsum("ft,ft->f", frames, frames) / frames.shape[1]
    return np.asarray(power > max(QUIET * float(power.mean()), FAINTEST))


def _spectra(wave: Wide, rate: int) -> tuple[Wide, Wide]:
    """Return the power in each band, and sum and count of the spectral flux, from frames of 32 ms.

    Flux: how far the spectra of neighbouring frames lie apart, each scaled to length 1: from 0 to the root of 2. Frames
    in pauses are left out of it.
    """
    size = round(0.032 * rate)
    frames = _frames(wave, size, size // 2)
    loud, power, flux = _loud(frames), np.zeros(size // 2 + 1), np.zeros(2)
    for at in range(0, len(frames), AT_ONCE):
        part = slice(at, at + AT_ONCE + 1)  # the last is a neighbour only
        magnitude = np.abs(np.fft.rfft(frames[part] * np.hanning(size)))
        unit = magnitude / np.maximum(np.linalg.norm(magnitude, axis=1, keepdims=True), FAINTEST)
        apart = np.linalg.norm(unit[1:] - unit[:-1], axis=1)[loud[part][1:] & loud[part][:-1]]
        flux += (apart.sum(), len(apart))
        power += (magnitude[:AT_ONCE] ** 2).sum(axis=0)
    return _bands(rate, size) @ power, flux


@functools.lru_cache
def _bands(rate: int, size: int) -> Wide:
    """Return which bins of a spectrum lie in each third of an octave, [bands, size // 2 + 1] of 0 and 1.

    At rates too low for any there is one band.
    """
    hertz = np.arange(size // 2 + 1) * rate / size
    with np.errstate(divide="ignore"):
        band = np.round(3 * np.log2(hertz / LOWEST_BAND))
    found = [band == number for number in np.unique(band[band >= 0])] or [np.ones(len(band))]
    return np.array(found, np.float64)


def _periodic(wave: Wide, rate: int) -> Wide:
    """Return sum and count of the height of the highest autocorrelation peak in frames of 60 ms that are no pauses.

    The autocorrelation of a frame under a window, divided by the window's own (Boersma 1993, "Accurate short-term
    analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled sound"), at lags of PITCHES.
    """
    size, (low, high) = round(0.060 * rate), PITCHES
    frames = _frames(wave, size, size // 4)
    which, window, sums = np.flatnonzero(_loud(frames)), np.hanning(size), np.zeros(2)
    first, last = max(1, int(rate / high)), min(int(rate / low) + 1, size - 2)
    lags = slice(first - 1, last + 2)
    own = _autocorrelation(window[None])[0]
    for at in range(0, len(which), AT_ONCE):
        part = frames[which[at : at + AT_ONCE]]
        found = _autocorrelation((part - part.mean(axis=1, keepdims=True)) * window)
        curve = found[:, lags] / np.maximum(found[:, :1] * own[lags] / own[0], FAINTEST)
        peak = (curve[:, 1:-1] >= curve[:, :-2]) & (curve[:, 1:-1] >= curve[:, 2:])
        heights = np.where(peak, curve[:, 1:-1], 0.0).max(axis=1).clip(0.0, 1.0)
        sums += (heights.sum(), len(heights))
    return sums


def _autocorrelation(frames: Wide) -> Wide:
    """Return the sums of products of frames [F, T] with themselves at lags 0 .. T - 1."""
    size = frames.shape[1]
    return np.fft.irfft(np.abs(np.fft.rfft(frames, 2 * size)) ** 2)[:, :size]


# --- what the measures say -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Measure:
    """A number, or the levels of bands, and the words for more and less of it."""

    name: str
    unit: str
    least: float  # a difference below it means nothing, however alike real clips are
    more: str
    less: str
    value: Callable[[_Measured], float | Wide]

    def row(self, generated: _Measured, real: _Measured, pairs: Sequence[tuple[_Measured, _Measured]]) -> Row:
        ours, theirs = self.value(generated), self.value(real)
        difference = _difference(ours, theirs)
        yardstick, verdict = None, "no yardstick"
        if pairs:
            among = [abs(_difference(*map(self.value, pair))) for pair in pairs]
            yardstick, verdict = max(float(np.quantile(among, QUANTILE)), self.least), AS_REAL
            if abs(difference) > yardstick:
                verdict = f"{self._word(ours, theirs)} than real sound"
        one, other = (side if isinstance(side, float) else None for side in (ours, theirs))
        return Row(self.name, self.unit, one, other, difference, yardstick, verdict)

    def _word(self, ours: float | Wide, theirs: float | Wide) -> str:
        """Return what there is more of; of bands, by whether they rise or fall against the others."""
        apart = np.atleast_1d(ours - theirs)
        slope = np.linspace(-1.0, 1.0, len(apart)) if len(apart) > 1 else np.ones(1)
        lean = float(slope @ apart) / float(np.linalg.norm(slope) * np.linalg.norm(apart))
        return "of another colour" if abs(lean) < 0.5 else self.more if lean > 0 else self.less


def _difference(one: float | Wide, other: float | Wide) -> float:
    """Return the difference of two numbers, or the root mean square of those of bands."""
    apart = one - other
    return float(np.sqrt(np.mean(apart**2))) if isinstance(apart, np.ndarray) else float(apart)


def _silence(clip: _Measured) -> float:
    silent = clip.powers <= max(SILENT * clip.level, FAINTEST)
    return 100.0 * float(silent.mean()) if len(silent) else 0.0


def _mean(sums: Wide) -> float:
    return float(sums[0] / max(sums[1], 1.0))


MEASURES = (
    _Measure("level", "dBFS", 1.0, "louder", "quieter", lambda clip: 10 * float(np.log10(max(clip.level, FAINTEST)))),
    _Measure("silence", "% of the time", 2.0, "more silence", "less silence", _silence),
    _Measure("clipping", "% of samples", 0.1, "more clipping", "less clipping", lambda clip: 100 * _mean(clip.clipped)),
    _Measure("spectrum", "dB apart", 1.0, "brighter", "duller", lambda clip: clip.spectrum),
    _Measure("flux", "0 to 1.4", 0.01, "more restless", "steadier", lambda clip: _mean(clip.flux)),
    _Measure("periodicity", "0 to 1", 0.02, "more tonal", "noisier", lambda clip: _mean(clip.periodic)),
)


def _deals(clips: int, lot: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return many pairs of disjoint lots of real clips, by their numbers."""
    rng = np.random.Generator(np.random.Philox(seed))
    orders = [rng.permutation(clips) for _ in range(DEALS if lot else 0)]
    return [(order[:lot], order[lot : 2 * lot]) for order in orders]


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:,.3f}" if abs(value) < 10 else f"{value:,.1f}"
