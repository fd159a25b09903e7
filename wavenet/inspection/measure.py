"""What a trained network uses of what it could see: how much each lag moves it, and what older sound is worth to it.

The two measures don't agree. The gradient says how sensitive an answer is to each past sample; most of it lies in the
newest few. The bits say what is lost without older samples: they are what matters, but a sound that begins in
its middle is rare in training, and that costs bits of its own.

A network that is told something is told what belongs to the sound that it is measured on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet import disk, outputs
from wavenet.audio.splits import Span
from wavenet.errors import InputError, WavenetError
from wavenet.evaluation import held_out
from wavenet.generate import voice as voices
from wavenet.generate.engines import Engine, Request, build_engine
from wavenet.generate.voice import Voice
from wavenet.outputs import Alphabet, Codes, Condition, Feed, Window
from wavenet.progress import Progress
from wavenet.recipe import find
from wavenet.text import many

POSITIONS = 2_000
GRADIENTS = 250  # of these positions; each costs a forward and a backward pass over a receptive field
SHARES = (50, 90, 99)  # per cent
PASS_SAMPLES = 20_000  # inputs of one pass with gradients: a few hundred MB


@dataclass(frozen=True)
class Context:
    """What the newest n samples are worth: everything older is replaced by *start*."""

    samples: int  # n
    bits: float  # per sample, mean over all positions
    error: float  # standard error of that mean
    won: float  # bits less than with the n before, mean over the same positions
    won_error: float  # standard error of that difference
    positions: int  # those that have more samples than the n before; the others can win nothing


@dataclass(frozen=True)
class Measured:
    """What a trained network uses of what it could see.

    The profile has, per lag, the root of the mean square, over positions and channels, of the gradient of log p(x_t)
    with respect to the embedded input (Luo et al. 2016, arXiv:1701.04128, for what a network is trained to say).
    """

    sound: str  # what it was measured on
    sample_rate: int  # in Hz
    gradients: int  # positions that the profile is a mean over
    profile: tuple[float, ...]
    holding: dict[int, int]  # per cent -> how many of the newest samples hold as much of the gradient's square
    positions: int  # held-out samples that the bits are a mean over
    context: tuple[Context, ...]  # n = 0, 1, 2, 4 ... and the receptive field, as far as any position has samples

    def enough(self, bits: float) -> int:
        """Return the fewest of the measured n that cost less than so many bits per sample more than all."""
        return next(one.samples for one in self.context if one.bits - self.context[-1].bits < bits)

    def lasting(self, samples: int) -> str:
        """Return samples and how long they last: ``128 samples (16 ms)``."""
        return f"{many(samples, 'sample')} ({1000 * samples / self.sample_rate:,.3g} ms)"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


@dataclass(frozen=True)
class Excerpts:
    """Sound to measure on."""

    name: str  # what it is, in words
    spans: Sequence[Span]  # which samples of which clip may be predicted
    read: Callable[[int, int, int], Codes]  # (clip, first, last) -> codes first .. last - 1 of a clip
    condition: Condition | None = None  # what the clips are told


@dataclass(frozen=True)
class Position:
    """A sample that is predicted."""

    clip: int
    sample: int  # of the clip
    codes: Codes  # up to a receptive field before it, and behind them its own
    condition: Condition | None = None  # what the clips are told

    def told(self, steps: int) -> Window | None:
        """Return what is told in the last so many steps, of which the last draws the sample."""
        if self.condition is None:
            return None
        return self.condition.window([self.clip], [self.sample - steps + 1], steps)

    def told_before(self) -> Window | None:
        """Return what is told in a step before the sound."""
        return None if self.condition is None else self.condition.window([self.clip], [-1], 1)


def measure(model: str | Path, audio: str | Path | None = None, cache: Path | None = None) -> Measured:
    """Return what a trained network uses of its receptive field, over real sound.

    Args:
        model: a run or bundle folder, or the name of a voice.
        audio: a sound file, or a folder of sound whose held-out part is taken; None takes that of the run.
        cache: where decoded sound is kept; None takes this user's cache folder.
    """
    if find.named_voice(str(model)) is None and not disk.given_path(str(model)).is_dir():
        raise InputError(
            f"--measure needs a trained network, got {model}; give a run or bundle folder (`wavenet train` makes one)"
        )
    voice = voices.load(model)
    return measure_voice(voice, excerpts(voice, model, audio, cache), POSITIONS, GRADIENTS)


def excerpts(voice: Voice, model: str | Path, audio: str | Path | None, cache: Path | None = None) -> Excerpts:
    """Return the sound to measure a voice on (see `measure`)."""
    whole = audio is not None and disk.given_path(str(audio)).is_file()
    held = held_out.find_sound(model, audio, None if whole else "valid", cache, "--measure")
    sound = held.corpus.sound
    return Excerpts(
        held.name if whole else f"held-out sound of {held.name}",
        held.spans,
        lambda clip, first, last: sound.codes(clip, first, last, voice.alphabet),
        held.condition_under(voice, cache),
    )


def measure_voice(voice: Voice, sound: Excerpts, positions: int = POSITIONS, gradients: int = GRADIENTS) -> Measured:
    """Return what a voice uses, predicting at most so many samples, spread evenly, with gradients at some of them."""
    field = voice.recipe.shape.receptive_field
    past = [
        Position(clip, t, sound.read(clip, max(0, t - field), t + 1), sound.condition)
        for clip, t in spread(sound.spans, positions)
    ]
    some = [past[i] for i in np.unique(np.linspace(0, len(past) - 1, gradients).round().astype(int))]
    with np.errstate(over="ignore", invalid="ignore"):  # the error below says it
        profile, context = gradient_profile(voice, some), context_curve(voice, past)
    if not np.isfinite([*profile, *(one.bits for one in context)]).all():
        raise WavenetError(
            "the network's outputs or gradients are not finite: training diverged; train again at a lower learning "
            "rate, or go back to an earlier checkpoint"
        )
    shares = {share: holding(profile, share / 100) for share in SHARES}
    return Measured(sound.name, voice.sample_rate, len(some), tuple(profile.tolist()), shares, len(past), context)


def spread(spans: Sequence[Span], most: int) -> list[tuple[int, int]]:
    """Return at most so many (clip, sample), evenly over all samples of some spans, always the same."""
    ends = np.cumsum([span.last - span.first for span in spans])
    total = int(ends[-1])
    count = min(most, total)
    chosen = []
    for at in ((2 * np.arange(count) + 1) * total // (2 * count)).tolist():
        index = int(np.searchsorted(ends, at, side="right"))
        span = spans[index]
        chosen.append((span.clip, span.last - int(ends[index]) + at))
    return chosen


def holding(profile: NDArray[np.float64], share: float) -> int:
    """Return how many of the newest samples hold a share of the square of a profile [RF]."""
    energy = np.cumsum(np.square(profile))
    return int(np.searchsorted(energy, share * energy[-1])) + 1


def gradient_profile(voice: Voice, past: Sequence[Position]) -> NDArray[np.float64]:
    """Return the RMS over positions and channels of d log p(x_t) / d embedded input, per lag [RF]; imports torch."""
    import torch

    from wavenet.model.network import as_tensors

    network, alphabet = voice.network(), outputs.of(voice.recipe)
    field = network.receptive_field
    # what is told has to begin at the same place in a frame for all that one pass takes
    squares, size = np.zeros(field), max(1, PASS_SAMPLES // field) if network.shape.condition is None else 1
    with Progress("gradients", len(past), "positions") as progress:
        for at in range(0, len(past), size):
            some = past[at : at + size]
            known = alphabet.starts(len(some), field)
            for row, one in zip(known, some, strict=True):
                row[field - len(one.codes) + 1 :] = one.codes[:-1]
            inputs, window = as_tensors(Feed(known, some[0].told(field)), alphabet, network.shape)
            entered = network.enter(inputs).detach().requires_grad_()
            targets = torch.tensor([[one.codes[-1]] for one in some])
            nll = alphabet.nll(network.answer(entered, network.gates(window, field)), targets).sum()
            (gradient,) = torch.autograd.grad(nll, entered)
            squares += gradient.double().square().sum((0, 2)).numpy()[::-1]
            progress.advance(len(some))
    return np.asarray(np.sqrt(squares / (len(past) * voice.recipe.shape.residual)))


# --- the gain from context -------------------------------------------------------------------------------------------


def context_curve(voice: Voice, past: Sequence[Position]) -> tuple[Context, ...]:
    """Return what the newest n samples give, for n = 0, 1, 2, 4 ... and the receptive field.

    A sampler begins behind endless *start*, so that a prediction from n samples costs n of its steps. In older steps it
    is told what it is before a sound: its fields, and no frame.
    """
    shape, alphabet = voice.recipe.shape, outputs.of(voice.recipe)
    engine = build_engine("auto", Request(shape, voice.arrays, alphabet, "float32"))
    lengths = [0, *(2**i for i in range(shape.receptive_field.bit_length()) if 2**i < shape.receptive_field)]
    lengths.append(shape.receptive_field)
    # more samples than there are change nothing: they are not asked for again
    have = np.array([len(one.codes) - 1 for one in past])
    steps = [(n, np.flatnonzero(have > fewer)) for fewer, n in pairwise([-1, *lengths]) if (have > fewer).any()]
    work = [(int(i), n) for n, positions in reversed(steps) for i in positions]  # the long ones first
    with Progress("context", sum(n + 1 for _, n in work), "samples") as progress:
        nats = _all_nats(engine, alphabet, past, work, progress.advance)
    curve, bits = [], np.zeros(len(past))
    for n, positions in steps:
        before = bits.copy()
        bits[positions] = [nats[int(i), n] / log(2) for i in positions]
        won = before - bits if n else np.zeros(len(past))
        curve.append(Context(n, float(bits.mean()), _error(bits), float(won.mean()), _error(won), len(positions)))
    return tuple(curve)


def _error(values: NDArray[np.float64]) -> float:
    """Return the standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0


def _all_nats(
    engine: Engine,
    alphabet: Alphabet,
    past: Sequence[Position],
    work: Sequence[tuple[int, int]],
    advance: Callable[[int], None],
) -> dict[tuple[int, int], float]:
    """Return -log p(x_t) for each (position, n), in as many threads as the engine has."""
    fresh = engine.start(1, past[0].told_before())
    engine.absorb(fresh, 0, Feed(alphabet.starts(1), past[0].told(1)))  # compiles, where it has to, before threads do

    @np.errstate(over="ignore", invalid="ignore")  # each thread has its own
    def some(items: Sequence[tuple[int, int]]) -> list[float]:
        one = past[items[0][0]]
        state, answers, found = engine.start(1, one.told_before()), np.empty((1, alphabet.parameters), np.float32), []
        clip, begun = one.clip, state.export()
        for i, n in items:
            one = past[i]
            if one.clip != clip and one.condition is not None:  # each clip begins in a state of its own
                clip, begun = one.clip, engine.start(1, one.told_before()).export()
            state.load(begun)
            codes = one.codes[-1 - n : -1]
            fed = codes if len(codes) else alphabet.starts(1)  # nothing but *start*
            engine.absorb(state, 0, Feed(fed[:-1], one.told(len(fed))))
            engine.absorb(state, 0, Feed(fed[-1:], one.told(1)), answers)
            found.append(-float(alphabet.log_probabilities(answers[0], one.codes[-1:])[0]))
        return found

    found: dict[tuple[int, int], float] = {}
    parts = [work[at : at + 50] for at in range(0, len(work), 50)]
    with ThreadPoolExecutor(engine.threads) as pool:
        for part, values in zip(parts, pool.map(some, parts), strict=True):
            found.update(zip(part, values, strict=True))
            advance(sum(n + 1 for _, n in part))
    return found
