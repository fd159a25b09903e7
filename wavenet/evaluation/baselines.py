"""What a model is compared with: simple predictors that have seen the training sound, on the very same targets.

Uniform: each of Q codes costs log2 Q bits. Order-0: how often each code comes, each counted once more. Order-1: how
often it comes after the code before it, mixed with order-0 by a weight that is chosen on held-out sound; a file's first
sample, which has no code before it, and one after a code that training never met, have order-0 alone. Linear: see
`linear.py`, chosen on held-out sound likewise. FLAC, which has seen nothing: `wavenet/audio/flac_size.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.audio.crops import Sound, pieces
from wavenet.audio.splits import Span, Splits
from wavenet.errors import BundleError
from wavenet.evaluation.linear import (
    CONTEXT,
    FAMILIES,
    ORDER,
    Density,
    Foreseen,
    Levels,
    NormalEquations,
    Predictor,
    fitted,
)
from wavenet.evaluation.mixture import MOST, best_weight
from wavenet.outputs import Alphabet, Codes
from wavenet.progress import Progress

Nats = NDArray[np.float64]
Arrays = dict[str, NDArray[Any]]

MOST_PAIRED = 512  # codes up to which pairs are counted: their table takes 1 MB, and sound of minutes can fill it
LONGEST = 1 << 16  # samples that are read and encoded at a time
PREDICTED = 20_000_000  # training samples, at most about, that the linear predictor is made from
HELD = 4_000_000  # held-out samples, at most about, that it is run over
CHOSEN = 1 << 18  # of these, that its density is chosen on
LARGEST = (1 << 32) - 1  # a pair's count as it is kept


@dataclass(frozen=True)
class Statistics:
    """What is known of the training split, and the parameters that were chosen on the held-out one (valid)."""

    counts: Codes  # [Q] how often each code is a target in training
    pairs: Codes | None  # [Q, Q] how often it comes after each; None above MOST_PAIRED codes
    order1_weight: float  # of the shares after the code before, beside order-0; 0 without pairs
    predictor: Predictor
    density: Density

    @classmethod
    def gather(
        cls, sound: Sound, spans: Splits, alphabet: Alphabet, asked: Callable[[], object] = lambda: None
    ) -> Statistics:
        """Return the statistics of a corpus.

        Codes are counted over all of the training spans. The predictor is made from at most about 20 million samples
        that are spread evenly over them, its density is chosen on a quarter of a million of the held-out ones.

        Args:
            sound: the kept clips.
            spans: of train and valid, without tails of silence.
            alphabet: encodes.
            asked: is called before every piece of training sound; what it raises ends it.
        """
        size, levels = alphabet.size, Levels.of(alphabet)
        equations, counts, table = NormalEquations(), np.zeros(size, np.int64), _table(size)
        with Progress("counting codes", _samples(spans["train"]), "samples") as progress:
            for past, codes, chosen in _read(sound, spans["train"], alphabet, PREDICTED):
                asked()
                counts += np.bincount(codes, minlength=size)
                if table is not None:
                    table += _counted_pairs(past, codes, size)
                if chosen:
                    equations.add(levels.decoded(past, codes))
                progress.advance(len(codes))
        predictor, order0 = Predictor(*equations.solved()), np.exp(-order0_nats(counts, alphabet))
        foreseen, held, held_pairs = _foreseen(sound, spans["valid"], alphabet, predictor)
        density = fitted(foreseen, held, levels, order0)
        if table is None or held_pairs is None:
            return cls(counts, None, 0.0, predictor, density)
        pairs = table.reshape(size, size)
        met = np.flatnonzero(held_pairs)
        weight = best_weight(_after(pairs, order0).ravel()[met], order0[met % size], held_pairs[met])
        return cls(counts, pairs, weight, predictor, density)

    def to_arrays(self) -> Arrays:
        """Return everything as plain arrays, for a file."""
        density = self.density
        arrays = {
            "counts": self.counts,
            "order1_weight": np.array([self.order1_weight]),
            "linear_taps": np.append(self.predictor.taps, self.predictor.intercept),
            "linear_scale": np.array([density.floor, density.share]),
            "linear_weight": np.array([density.weight]),
            "linear_family": np.array([FAMILIES.index(density.family)]),
        }
        return arrays if self.pairs is None else arrays | {"pairs": np.minimum(self.pairs, LARGEST).astype(np.uint32)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]], size: int, where: str) -> Statistics:
        """Return the statistics in arrays that were made by `to_arrays`.

        Args:
            arrays: by name.
            size: codes Q of the model's alphabet.
            where: the file, which an error names.

        Raises:
            BundleError: one is missing or none of ours, or has another shape or type, or holds what cannot be.
        """
        _check(arrays, size, where)
        taps, scale = arrays["linear_taps"].astype(np.float64), arrays["linear_scale"].astype(np.float64)
        family = FAMILIES[int(arrays["linear_family"][0])]
        return cls(
            arrays["counts"].astype(np.int64),
            arrays["pairs"].astype(np.int64) if "pairs" in arrays else None,
            float(arrays["order1_weight"][0]),
            Predictor(taps[:ORDER], float(taps[ORDER])),
            Density(family, float(scale[0]), float(scale[1]), float(arrays["linear_weight"][0])),
        )


class Baselines:
    """What each baseline says of pieces of sound.

    Args:
        statistics: of the training sound.
        alphabet: the model's, with as many codes as the statistics.
    """

    def __init__(self, statistics: Statistics, alphabet: Alphabet) -> None:
        if len(statistics.counts) != alphabet.size:
            raise ValueError(f"statistics of {len(statistics.counts)} codes for an alphabet of {alphabet.size}")
        self.size, self._levels = alphabet.size, Levels.of(alphabet)
        self._predictor, self._density = statistics.predictor, statistics.density
        self._order0 = order0_nats(statistics.counts, alphabet)
        share, pairs, weight = np.exp(-self._order0), statistics.pairs, statistics.order1_weight
        self._rest = (1.0 - self._density.weight) * share
        self._order1 = None if pairs is None else -np.log(weight * _after(pairs, share) + (1.0 - weight) * share)

    def nats(self, past: Codes, codes: Codes) -> dict[str, Nats]:
        """Return -log p [n] float64 of each code, in nats, by the baseline's name: order0, order1, linear.

        There is no order1 where pairs were not counted.

        Args:
            past: what comes before in the same file, oldest first; the last CONTEXT of it matter. Empty at the
                beginning.
            codes: [n] of a piece.
        """
        found = {"order0": self._order0[codes]}
        if self._order1 is not None:
            first = self._order0[codes[:0] if len(past) else codes[:1]]
            found["order1"] = np.append(first, np.take(self._order1, _joined(past, codes, self.size)))
        foreseen = self._predictor.foresee(self._levels.decoded(past, codes))
        own = self._density.probabilities(foreseen, codes, self._levels)
        return found | {"linear": -np.log(self._density.weight * own + self._rest[codes])}


# --- counting --------------------------------------------------------------------------------------------------------


def _samples(spans: Iterable[Span]) -> int:
    return sum(span.last - span.first for span in spans)


def _read(sound: Sound, spans: list[Span], alphabet: Alphabet, most: int) -> Iterator[tuple[Codes, Codes, bool]]:
    """Yield all pieces of some spans: codes before it [0 .. CONTEXT], its codes, and whether it is chosen.

    Chosen are so many, at equal distances, that they have about `most` samples together, or all.
    """
    every = -(-_samples(spans) // most)
    for number, (clip, first, count) in enumerate(pieces(spans, LONGEST)):
        before = min(first, CONTEXT)
        codes = sound.codes(clip, first - before, first + count, alphabet)
        yield codes[:before], codes[before:], number % every == 0


def _table(size: int) -> Codes | None:
    return np.zeros(size * size, np.int64) if size <= MOST_PAIRED else None


def _joined(past: Codes, codes: Codes, size: int) -> Codes:
    """Return the place in a table [Q * Q] of each code after the one before; the first of a file has none."""
    both = np.concatenate([past[-1:], codes])
    return np.asarray(both[:-1] * size + both[1:], np.int64)


def _counted_pairs(past: Codes, codes: Codes, size: int) -> Codes:
    return np.bincount(_joined(past, codes, size), minlength=size * size)


def _foreseen(
    sound: Sound, spans: list[Span], alphabet: Alphabet, predictor: Predictor
) -> tuple[Foreseen, Codes, Codes | None]:
    """Return what is foreseen for some held-out codes, these codes, and how often each pair comes in all of them."""
    levels, table, kept = Levels.of(alphabet), _table(alphabet.size), []
    every = -(-min(HELD, _samples(spans)) // CHOSEN)
    for past, codes, chosen in _read(sound, spans, alphabet, HELD):
        if table is not None:
            table += _counted_pairs(past, codes, alphabet.size)
        if chosen:
            foreseen = predictor.foresee(levels.decoded(past, codes))
            kept.append((foreseen.values[::every], foreseen.recent[::every], codes[::every]))
    values, recent, held = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    return Foreseen(values, recent), held, table


def order0_nats(counts: Codes, alphabet: Alphabet) -> Nats:
    """Return -log p [Q] of order-0 for codes counted [Q]."""
    return np.asarray(-alphabet.log_probabilities(alphabet.baseline(counts)), np.float64)


def _after(pairs: Codes, order0: Nats) -> Nats:
    """Return the share of each code after each [Q, Q]; order-0 after one that never came."""
    rows = pairs.sum(axis=1, keepdims=True)
    return np.where(rows > 0, pairs / np.maximum(rows, 1), order0)


# --- checking --------------------------------------------------------------------------------------------------------


def _check(arrays: Mapping[str, NDArray[Any]], size: int, where: str) -> None:
    """Raise BundleError unless arrays are those of `to_arrays`, with values that can be."""
    expected: dict[str, tuple[tuple[int, ...], str, float, float]] = {  # shape, kind, least and most
        "counts": ((size,), "iu", 0, 2**48),
        "pairs": ((size, size), "iu", 0, LARGEST),
        "order1_weight": ((1,), "f", 0, MOST),
        "linear_taps": ((ORDER + 1,), "f", -1e9, 1e9),
        "linear_scale": ((2,), "f", 1e-12, 1e9),
        "linear_weight": ((1,), "f", 0, MOST),
        "linear_family": ((1,), "iu", 0, len(FAMILIES) - 1),
    }
    for name in {**expected, **arrays}:
        if name not in arrays:
            if name == "pairs" and size > MOST_PAIRED:
                continue
            problem = "is missing"
        elif name not in expected:
            problem = "is not known"
        else:
            shape, kind, least, most = expected[name]
            value = arrays[name]
            if value.shape != shape or value.dtype.kind not in kind:
                problem = f"is {value.dtype} of shape {list(value.shape)}, expected shape {list(shape)}"
            elif not ((value >= least) & (value <= most)).all():  # false for NaN too
                problem = f"holds numbers outside {least:g} to {most:g}"
            else:
                continue
        raise BundleError(f"{where}: the array {name:.80} {problem}; get the bundle again or train again")
