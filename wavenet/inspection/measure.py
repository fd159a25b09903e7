"""What a trained network uses of what it could see: how much each lag moves it, and what older sound is worth to it.

Two measures that don't agree. The gradient says how sensitive an answer is to each past sample; most of it lies in the
newest few. The bits say what is lost when older samples are not there: they are what matters, but a beginning in the
middle of a sound is something that the network has seldom heard, and that costs bits of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wavenet import disk, outputs
from wavenet.audio import corpus
from wavenet.audio.splits import Span
from wavenet.errors import InputError, WavenetError
from wavenet.generate import voice as voices
from wavenet.generate.engines import Engine, build_engine
from wavenet.generate.voice import Voice
from wavenet.inspection.report import Context, Measured
from wavenet.outputs import Alphabet, Codes, Feed
from wavenet.progress import Progress
from wavenet.recipe import find, read
from wavenet.recipe.paths import near_path

POSITIONS = 2_000
GRADIENTS = 250  # of these positions; each costs a forward and a backward pass over a receptive field
SHARES = (50, 90, 99)  # per cent
PASS_SAMPLES = 20_000  # inputs of one pass with gradients: a few hundred MB


@dataclass(frozen=True)
class Heard:
    """Sound to measure on.

    Args:
        name: what it is, in words.
        spans: which samples of which clip may be predicted.
        read: (clip, first, last) -> codes first .. last - 1 of a clip.
    """

    name: str
    spans: Sequence[Span]
    read: Callable[[int, int, int], Codes]


def measure(model: str | Path, audio: str | Path | None = None, cache: Path | None = None) -> Measured:
    """Return what a trained network uses of its receptive field, over real sound.

    Args:
        model: a run or bundle folder.
        audio: a sound file, or a folder of sound whose held-out part is taken; None takes that of the run.
        cache: where decoded sound is kept; None takes this user's cache folder.

    Raises:
        BundleError: there is no such model.
        InputError: it does not say where its sound lies, or the sound cannot be used.
    """
    if not disk.given_path(str(model)).is_dir():
        raise InputError(
            f"--measure needs a trained network, got {model}; give a run or bundle folder (`wavenet train` makes one)"
        )
    voice = voices.load(model)
    return measure_voice(voice, hear(voice, model, audio, cache), POSITIONS, GRADIENTS)


def hear(voice: Voice, model: str | Path, audio: str | Path | None, cache: Path | None = None) -> Heard:
    """Return the sound to measure a voice on (see `measure`)."""
    place = None if audio is None else disk.given_path(str(audio))
    if place is not None and place.is_file():
        codes = voice.encode(place)
        return Heard(place.name, [Span(0, 0, len(codes))], lambda clip, first, last: codes[first:last])
    if place is not None and not place.is_dir():
        raise InputError(
            f"there is no sound file or folder {audio}{near_path(place, Path.exists)}; give one that exists"
        )
    recipe = find.with_data(read.load(find.find_recipe(str(model))), audio)
    if recipe.data.path is None or not Path(recipe.data.path).is_dir():
        where = (
            "does not say where its sound lies" if recipe.data.path is None else f"had its sound in {recipe.data.path}"
        )
        raise InputError(f"{model} {where}; give a sound file or folder with --measure AUDIO")
    found, alphabet = corpus.gather(recipe, cache), outputs.of(recipe)
    return Heard(
        f"held-out sound of {Path(recipe.data.path).name}",
        found.spans["valid"],
        lambda clip, first, last: alphabet.encode(found.sound.read(clip, first, last)),
    )


def measure_voice(voice: Voice, heard: Heard, positions: int = POSITIONS, gradients: int = GRADIENTS) -> Measured:
    """Return what a voice uses of its receptive field.

    Args:
        voice: a trained network.
        heard: the sound.
        positions: how many held-out samples are predicted, spread evenly; as many as there are where it is less.
        gradients: at how many of them gradients are taken.
    """
    field = voice.recipe.shape.receptive_field
    places = spread(heard.spans, positions)
    past = [heard.read(clip, max(0, t - field), t + 1) for clip, t in places]
    some = [past[i] for i in np.unique(np.linspace(0, len(past) - 1, gradients).round().astype(int))]
    with np.errstate(over="ignore", invalid="ignore"):  # said below in other words
        profile, context = gradient_profile(voice, some), context_curve(voice, past)
    if not np.isfinite([*profile, *(one.bits for one in context)]).all():
        raise WavenetError(
            "the network's answers or gradients are not finite: its weights have run away; train again at a lower "
            "learning rate, or go back to an earlier checkpoint"
        )
    return Measured(
        sound=heard.name,
        sample_rate=voice.sample_rate,
        gradients=len(some),
        profile=tuple(profile.tolist()),
        holding={share: holding(profile, share / 100) for share in SHARES},
        positions=len(places),
        context=context,
    )


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


def gradient_profile(voice: Voice, past: Sequence[Codes]) -> NDArray[np.float64]:
    """Return the RMS over positions and channels of d log p(x_t) / d embedded input, per lag [RF]; imports torch.

    Args:
        voice: a trained network.
        past: of each position, up to a receptive field of codes and behind them x_t itself.
    """
    import torch

    network, alphabet = voice.network(), outputs.of(voice.recipe)
    field = network.receptive_field
    squares, size = np.zeros(field), max(1, PASS_SAMPLES // field)
    with Progress("gradients", len(past), "positions") as progress:
        for at in range(0, len(past), size):
            some = past[at : at + size]
            known = alphabet.starts(len(some), field)
            for row, codes in zip(known, some, strict=True):
                row[field - len(codes) + 1 :] = codes[:-1]
            entered = network.enter(torch.from_numpy(alphabet.inputs(known))).detach().requires_grad_()
            targets = torch.tensor([[codes[-1]] for codes in some])
            nll = alphabet.nll(network.answer(entered), targets).sum()
            (gradient,) = torch.autograd.grad(nll, entered)
            squares += gradient.double().square().sum((0, 2)).numpy()[::-1]
            progress.advance(len(some))
    return np.asarray(np.sqrt(squares / (len(past) * voice.recipe.shape.residual)))


# --- what context is worth -------------------------------------------------------------------------------------------


def context_curve(voice: Voice, past: Sequence[Codes]) -> tuple[Context, ...]:
    """Return what the newest n samples give, for n = 0, 1, 2, 4 ... and the receptive field.

    A network that has heard *start* for ever and then n samples is what the samplers are in after n samples, so that
    each prediction costs n steps of the fast one.

    Args:
        voice: a trained network.
        past: of each position, up to a receptive field of codes and behind them x_t itself.
    """
    shape, alphabet = voice.recipe.shape, outputs.of(voice.recipe)
    engine = build_engine("auto", shape, voice.arrays, alphabet, "float32")
    lengths = [0, *(2**i for i in range(shape.receptive_field.bit_length()) if 2**i < shape.receptive_field)]
    lengths.append(shape.receptive_field)
    # more samples than there are change nothing: they are not asked for again
    have = np.array([len(codes) - 1 for codes in past])
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
    past: Sequence[Codes],
    work: Sequence[tuple[int, int]],
    advance: Callable[[int], None],
) -> dict[tuple[int, int], float]:
    """Return -log p(x_t) for each (position, n), in as many threads as the engine has."""
    fresh = engine.start(1)
    begun = fresh.export()
    engine.absorb(fresh, 0, Feed(alphabet.starts(1)))  # compiles, where it has to, before threads do

    @np.errstate(over="ignore", invalid="ignore")  # each thread has its own
    def some(items: Sequence[tuple[int, int]]) -> list[float]:
        state, answers, found = engine.start(1), np.empty((1, alphabet.parameters), np.float32), []
        for i, n in items:
            state.load(begun)
            codes, target = past[i][:-1][max(0, len(past[i]) - 1 - n) :], past[i][-1]
            fed = codes if len(codes) else alphabet.starts(1)  # nothing but *start*
            engine.absorb(state, 0, Feed(fed[:-1]))
            engine.absorb(state, 0, Feed(fed[-1:]), answers)
            found.append(-float(alphabet.log_probabilities(answers[0], np.array([target]))[0]))
        return found

    found: dict[tuple[int, int], float] = {}
    parts = [work[at : at + 50] for at in range(0, len(work), 50)]
    with ThreadPoolExecutor(engine.threads) as pool:
        for part, values in zip(parts, pool.map(some, parts), strict=True):
            found.update(zip(part, values, strict=True))
            advance(sum(n + 1 for _, n in part))
    return found
