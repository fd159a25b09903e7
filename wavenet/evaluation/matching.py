"""Where in long sound short windows fit best: normalised cross-correlation by FFT, block by block.

The correlation of a window with every stretch of a block is a product of spectra (overlap-save); means and energies of
the stretches come from running sums (Lewis 1995, "Fast normalized cross-correlation"). So a gain or an offset changes
nothing, and an hour of sound costs no more memory than a minute.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.crops import Sound
from wavenet.audio.resample import resampled
from wavenet.audio.splits import Span
from wavenet.outputs import Codes, Floats
from wavenet.progress import Progress

TRANSFORM = 1 << 13  # samples of one FFT: it stays in a core's own memory, and a window wastes little of it
BLOCK = 1 << 16  # samples that are searched at a time, of which each window keeps the one best place
READ = 1 << 20  # samples that are read and resampled at a time
WINDOWS = 2_048  # searched for in one pass: their spectra take 64 MiB
FAINTEST = 10 ** (-70 / 10)  # mean square of what is worth comparing: -70 dBFS
THREADS = 2  # NumPy's transforms let other threads run


class Places(NamedTuple):
    """The best places of W windows, the best first, at most K each; all rows are as long."""

    correlation: Floats  # [W, K] from -1 to 1, and 0 where nothing could be compared
    span: Codes  # [W, K], the span, by its number
    at: Codes  # [W, K], samples at the search's rate from the beginning of the span


Stretch = tuple[int, int, Floats]  # the number of a span, the first sample in it at the search's rate, the samples


def search(windows: Floats, sound: Sound, spans: Sequence[Span], rates: tuple[int, int], most: int) -> Places:
    """Return where in some spans of sound each window fits best; one place at most of any BLOCK samples.

    Args:
        windows: [W, n] float32 at the search's rate.
        sound: what is searched.
        spans: its parts.
        rates: of the sound and of the search, in Hz.
        most: places K that are kept of each window.
    """
    if len(windows) > WINDOWS:
        groups = [windows[at : at + WINDOWS] for at in range(0, len(windows), WINDOWS)]
        several = [search(group, sound, spans, rates, most) for group in groups]
        return Places(*map(np.concatenate, zip(*several, strict=True)))
    length = windows.shape[1]
    spectra = np.conj(np.fft.rfft(_unit(windows), TRANSFORM)).astype(np.complex64)
    found = Places(*(np.zeros((len(windows), 0), kind) for kind in (np.float32, np.int64, np.int64)))
    total = sum(span.last - span.first for span in spans) * rates[1] // rates[0]
    blocks = _blocks(sound, spans, rates, length)
    with (
        Progress("looking for copies", total, "samples") as progress,
        ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool,
    ):
        ahead: list[tuple[int, Future[Places]]] = []
        while True:
            for block in islice(blocks, 2 * THREADS - len(ahead)):  # few at once: memory stays bounded
                ahead.append((sum(len(wave) for *_, wave in block), pool.submit(_best, spectra, block, length)))
            if not ahead:
                return found
            count, best = ahead.pop(0)
            found = _joined(found, best.result(), most)
            progress.advance(count)


def at_rate(wave: Floats, old: int, new: int) -> Floats:
    """Return a wave [n] float32 at another rate."""
    return np.concatenate([*resampled(iter([wave]), old, new)])


def _unit(windows: Floats) -> Floats:
    """Return windows without their means, of energy 1; constant ones become 0."""
    wide = windows.astype(np.float64)
    wide -= wide.mean(axis=1, keepdims=True)
    norm = np.sqrt(np.einsum("wn,wn->w", wide, wide))[:, None]
    unit = np.divide(wide, norm, out=np.zeros_like(wide), where=norm > 1e-9)
    return np.asarray(unit, np.float32)


def _blocks(sound: Sound, spans: Sequence[Span], rates: tuple[int, int], overlap: int) -> Iterator[list[Stretch]]:
    """Yield all spans in blocks of BLOCK samples at most; where one is cut, both sides share `overlap` - 1 samples."""
    block: list[Stretch] = []
    room = BLOCK
    for number, begin, wave in _waves(sound, spans, rates, overlap):
        cursor = 0
        while len(wave) - cursor >= overlap:
            if room < min(2 * overlap, len(wave) - cursor):
                yield block
                block, room = [], BLOCK
            part = wave[cursor : cursor + room]
            block.append((number, begin + cursor, part))
            room -= len(part)
            cursor += len(part) - overlap + 1
    if block:
        yield block


def _waves(sound: Sound, spans: Sequence[Span], rates: tuple[int, int], overlap: int) -> Iterator[Stretch]:
    """Yield the spans at the search's rate, long ones in several parts."""
    old, new = rates
    step = READ // old * old or old  # whole seconds, so that parts begin at whole samples of both rates
    more = -(-overlap * old // new)
    for number, span in enumerate(spans):
        for first in range(span.first, span.last, step):
            wave = sound.read(span.clip, first, min(span.last, first + step + more))
            yield number, (first - span.first) // old * new, at_rate(wave, old, new)


def _best(spectra: NDArray[np.complex64], block: list[Stretch], length: int) -> Places:
    """Return the one best place [W, 1] of each window in a block."""
    hop = TRANSFORM - length + 1
    numbers, begins, waves = zip(*block, strict=True)
    wave = np.concatenate(waves)
    frames = -(-(len(wave) - length + 1) // hop)
    padded = np.zeros((frames - 1) * hop + TRANSFORM, np.float32)
    padded[: len(wave)] = wave
    known = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, TRANSFORM)[::hop]).astype(np.complex64)
    scale = np.zeros(frames * hop, np.float32)
    scale[: len(wave) - length + 1] = scales(wave, length)
    ends = np.cumsum([*map(len, waves)])
    for end in ends:  # what lies across two spans is no stretch of sound
        scale[max(0, end - length + 1) : end] = 0.0
    norms = scale.reshape(frames, hop)
    values, places = np.empty(len(spectra), np.float32), np.empty(len(spectra), np.int64)
    for row, spectrum in enumerate(spectra):
        fit = np.fft.irfft(known * spectrum, TRANSFORM)[:, :hop] * norms
        places[row] = fit.argmax()
        values[row] = fit.flat[places[row]]
    part = np.minimum(np.searchsorted(ends, places, "right"), len(block) - 1)
    at = np.array(begins)[part] + places - (ends[part] - [len(waves[one]) for one in part])
    return Places(values[:, None], np.array(numbers)[part][:, None], at[:, None])


def scales(wave: Floats, length: int) -> Floats:
    """Return 1 / the norm of each stretch about its mean, [n - length + 1]; 0 for those too faint to compare."""
    wide = wave.astype(np.float64)
    sums = np.concatenate([[0.0], np.cumsum(wide)])
    squares = np.concatenate([[0.0], np.cumsum(wide * wide)])
    energy = (squares[length:] - squares[:-length]) - (sums[length:] - sums[:-length]) ** 2 / length
    heard = energy > length * FAINTEST
    scale = np.divide(1.0, np.sqrt(np.maximum(energy, 0.0)), out=np.zeros_like(energy), where=heard)
    return np.asarray(scale, np.float32)


def _joined(one: Places, other: Places, most: int) -> Places:
    """Return the best of both."""
    both = [np.concatenate([getattr(side, name) for side in (one, other)], axis=1) for name in Places._fields]
    order = np.argsort(-both[0], axis=1, kind="stable")[:, :most]
    return Places(*(np.take_along_axis(values, order, axis=1) for values in both))
