"""How long each phone of a sentence is that is to be said, as a network of durations predicts it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from wavenet.errors import InputError
from wavenet.features.phones import UNIT_SECONDS, check_known, columns
from wavenet.generate.asked import Vocabulary, Wanted
from wavenet.generate.packed import Packed
from wavenet.generate.told import answers
from wavenet.outputs import Floats, none_around
from wavenet.recipe.records import LOG_SPREADS
from wavenet.speech import Aligned, Phone

LEAST_SECONDS = 0.02  # of a phone: two frames of 10 ms
EDGE_SECONDS = (0.05, 0.1)  # of the pauses at both ends, which no network learns: recordings have them by chance
SPEEDS = (0.25, 4.0)
FAR = 2.5  # spreads: beyond lies one draw in eighty, among which are those that nobody would say
HOW = ("mean", "drawn")


def lengths(
    packed: Packed,
    vocabulary: Vocabulary,
    wanted: Wanted,
    phones: Sequence[Phone],
    how: str = "mean",
    speed: float = 1.0,
    seed: int = 0,
    sequence: int = 0,
) -> tuple[float, ...]:
    """Return how many seconds each phone of a sentence lasts, at least 0.02; pauses at its ends last 0.05 and 0.1.

    What is drawn is neither shorter nor longer than such a phone was in training (`Phones.lasting`), as far as the
    bundle says it, and always within `FAR` spreads of the likeliest.

    Args:
        packed: the network.
        vocabulary: of its bundle.
        wanted: values by field.
        phones: of the sentence.
        how: mean, or drawn from what is predicted.
        speed: all but the pauses at the ends are divided by it.
        seed: that lengths are drawn from.
        sequence: which of the sentences of a seed it is.

    Raises:
        InputError: a field, a value or a phone is not known, the network predicts no lengths, or a choice is none.
    """
    condition, config = packed.shape.condition, vocabulary.recipe.condition
    if condition is None or condition.durations is None or config is None or config.tracks.phones is None:
        raise InputError(
            f"{vocabulary.recipe.name} does not predict how long phones are; take a voice with condition.durations, or "
            "give lengths"
        )
    if how not in HOW:
        raise InputError(f"lengths are {how!r:.40}, expected {' or '.join(HOW)}")
    if not SPEEDS[0] <= speed <= SPEEDS[1]:
        raise InputError(f"speed is {speed:g}, expected {SPEEDS[0]:g} to {SPEEDS[1]:g}")
    check_known(phones, vocabulary.phones)
    reach = condition.durations.encoder.reach
    rows = none_around(columns(phones, vocabulary.phones, config.tracks.phones), reach, reach)
    found = answers(packed, condition.durations, rows[None], vocabulary.ids([wanted]))[0]
    made = _possible(drawn(found, seed, sequence), phones, vocabulary) if how == "drawn" else mean(found)
    seconds = [max(LEAST_SECONDS, one / speed) for one in made.tolist()]
    for end, fixed in zip((0, -1), EDGE_SECONDS, strict=True):
        seconds[end] = fixed if phones[end].silent else seconds[end]
    return tuple(seconds)


def _possible(seconds: Floats, phones: Sequence[Phone], vocabulary: Vocabulary) -> Floats:
    """Return lengths [phones], each within those that phones of its kind had in training."""
    known = vocabulary.phone_seconds
    least, most = np.array([known.get(phone.name, (0.0, np.inf)) for phone in phones]).T
    return np.asarray(np.clip(seconds, least, most), np.float32)


def mean(answers: Floats) -> Floats:
    """Return the mean length [phones] in seconds where mean and log spread of its logarithm are [phones, 2]."""
    spread = np.exp(np.clip(answers[:, 1], *LOG_SPREADS))
    return np.asarray(UNIT_SECONDS * np.exp(answers[:, 0] + spread**2 / 2), np.float32)


def drawn(answers: Floats, seed: int, sequence: int) -> Floats:
    """Return lengths [phones] in seconds, drawn for a sentence of a seed; see `mean`."""
    spread = np.exp(np.clip(answers[:, 1], *LOG_SPREADS))
    generator = np.random.Generator(np.random.Philox(key=np.array([seed, sequence], np.uint64), counter=[0, 2, 0, 0]))
    away = np.clip(generator.standard_normal(len(answers)), -FAR, FAR)
    return np.asarray(UNIT_SECONDS * np.exp(answers[:, 0] + spread * away), np.float32)


def timed(phones: Sequence[Phone], seconds: Sequence[float]) -> Aligned:
    """Return phones with where each of them ends, given how long it is."""
    return Aligned(tuple(phones), tuple(itertools.accumulate(seconds)))
