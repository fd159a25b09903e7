"""What a user asks for -> what a network is told: values of fields become numbers, lengths, a clock and tracks."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wavenet.errors import BundleError, InputError
from wavenet.features.clock import clock
from wavenet.features.fields import check_field, ids_of
from wavenet.features.notes import hertz_of, note_of
from wavenet.features.phones import check_known, columns, frames_of
from wavenet.features.sine import steady
from wavenet.features.tracks import Read, SideBySide, clocks, zeros
from wavenet.generate.condition import predicted
from wavenet.generate.packed import Packed
from wavenet.generate.state import MAX_CLOCK
from wavenet.geometry import ConditionShape, frame_count
from wavenet.outputs import Arrays, Chosen, Codes, Condition, Floats
from wavenet.recipe.records import PREDICTED, Recipe
from wavenet.speech import SILENCE, Aligned
from wavenet.text import duration, many, printable

ALL = "all"  # in place of a value: every value in turn
MOST_SOUNDS = 1 << 20  # that one request makes
ENDLESS = MAX_CLOCK  # frames of a sound that is told no length
STRETCHED = 1.5  # times the longest that was learned, a sound is warned of

FROM_SOUND = {"phones": "phones", "mel": "a mel spectrogram", "f0": "a pitch (f0)", "array": "an array of one's own"}

Wanted = Mapping[str, object]  # fields by name, each with the value that is asked for


@dataclass(frozen=True)
class Vocabulary:
    """What the fields of a voice are called, and how long its sounds were; from its bundle.

    Attributes:
        values: of each field in the order of the recipe, as text.
        durations: [sounds, fields + 1] int64, training sounds: their fields, then their samples without tails.
        phones: that it knows, pauses first; of a voice that is told phones.
        phone_seconds: the fewest and the most that each of them lasted in training, where its bundle says it.
    """

    recipe: Recipe
    values: dict[str, tuple[str, ...]]
    durations: Codes
    phones: tuple[str, ...] = ()
    phone_seconds: Mapping[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, data: Mapping[str, Any]) -> Vocabulary:
        """Return that of a bundle.

        Raises:
            BundleError: the bundle does not say what its fields are, or is damaged.
        """
        sizes = () if recipe.condition is None else recipe.condition.fields
        told = data.get("told")
        try:
            assert isinstance(told, dict)
            values = {name: tuple(map(str, told["fields"][name])) for name, _ in sizes}
            durations = np.array(told["durations"], np.int64).reshape(-1, len(sizes) + 1)
            assert all(len(values[name]) <= size for name, size in sizes)
        except (AssertionError, KeyError, TypeError, ValueError, OverflowError):
            raise BundleError(
                "the bundle does not say what the values of its fields are called; get it again or train it anew"
            ) from None
        return cls(recipe, values, durations, _phones(recipe, told), _phone_seconds(told))

    def combinations(self, wanted: Wanted, count: int | None) -> list[dict[str, str]]:
        """Return what each of `count` sounds is asked for; `all` takes every value in turn, the last field fastest.

        Args:
            wanted: values by field.
            count: sounds; None takes one for each combination.

        Raises:
            InputError: a field or value is not known, or there are too many combinations.
        """
        self.ids([{name: value for name, value in wanted.items() if value != ALL}])
        for name in wanted:
            check_field(self.recipe, name)
        each = [self.values[name] if value == ALL else (str(value),) for name, value in wanted.items()]
        size = math.prod(map(len, each))
        if not 1 <= (size if count is None else min(size, count)) <= MOST_SOUNDS:
            raise InputError(f"`{ALL}` comes to {many(size, 'sound')}, expected 1 to {MOST_SOUNDS:,}; name some values")
        found = [dict(zip(wanted, one, strict=True)) for one in itertools.islice(itertools.product(*each), count)]
        return [found[i % len(found)] for i in range(len(found) if count is None else count)]

    def knows_lengths(self, wanted: Sequence[Wanted]) -> bool:
        """Return whether a length follows from what is asked for: the network knows a clock, and sounds that lasted."""
        told = self.recipe.condition
        return told is not None and told.tracks.clock is not None and any(wanted) and len(self.durations) > 0

    def wanted(self, ids: Codes) -> dict[str, str]:
        """Return values by field that have these numbers [fields]; those that are unknown are left out."""
        each = zip(self.values.items(), ids.tolist(), strict=True)
        return {field: known[value] for (field, known), value in each if value < len(known)}

    def ids(self, wanted: Sequence[Wanted]) -> Codes:
        """Return the number of each field's value [sounds, fields] int64; what is not asked for is unknown.

        Raises:
            InputError: a field or value is not known.
        """
        found = [ids_of(self.recipe, one, self.values) for one in wanted]
        return np.array(found, np.int64).reshape(len(wanted), len(self.values))

    def length(self, ids: Codes, seed: int, sequence: int) -> int:
        """Return the samples of a training sound with these fields [n], drawn for one sequence of a seed."""
        lasted = self.lasted(ids)
        drawn = np.random.Generator(np.random.Philox(key=np.array([seed, sequence], np.uint64), counter=[0, 1, 0, 0]))
        return max(1, int(lasted[int(drawn.integers(len(lasted)))])) if len(lasted) else 0

    def lasted(self, ids: Codes) -> Codes:
        """Return the samples of all training sounds with these fields [n], without tails.

        Where none had all of them, the fields that come last in the recipe are passed over.
        """
        matching = self.durations
        for column, value in enumerate(ids.tolist()):
            own = matching[matching[:, column] == value]  # none where it is unknown
            matching = own if len(own) else matching
        return matching[:, -1]


def _phones(recipe: Recipe, told: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the phones that a voice knows, none where it is told none; BundleError where its bundle does not say."""
    config, names = None if recipe.condition is None else recipe.condition.tracks.phones, told.get("phones")
    if config is None:
        return ()
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or names[:1] != [SILENCE]
        or not len({*names}) == len(names) <= config.kinds
    ):
        raise BundleError("the bundle does not say which phones it knows; get it again or train it anew")
    return tuple(names)


def _phone_seconds(told: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Return how long phones last, by their names; nothing where an older bundle does not say it."""
    try:
        made = {str(name): (float(least), float(most)) for name, (least, most) in told.get("phone_seconds", {}).items()}
        assert all(0 <= least <= most < math.inf for least, most in made.values())
    except (AssertionError, AttributeError, TypeError, ValueError, OverflowError):
        raise BundleError("the bundle does not say how long its phones last; get it again or train it anew") from None
    return made


@dataclass(frozen=True)
class Asked:
    """What sequences are told, and how long they are where that follows from it."""

    condition: Condition | None
    lengths: tuple[int, ...] | None = None  # samples of each


def ask(
    packed: Packed,
    vocabulary: Vocabulary,
    wanted: Sequence[Wanted],
    samples: int | Sequence[int] | None,
    seed: int = 0,
) -> Asked:
    """Return what a network is told where values of fields are asked for.

    Where anything is asked for and the network knows a clock, each sound gets a length and a clock; and where it has an
    acoustic network, the tracks that this predicts. Where it knows sines and their note is asked for, it gets these.
    Else tracks are unknown.

    Args:
        packed: the network.
        vocabulary: of its bundle.
        wanted: values by field, for each sequence.
        samples: the length of all, or of each; None draws one for each from those of training sounds with these fields.
        seed: that lengths are drawn from.

    Raises:
        InputError: a field or value is not known.
    """
    recipe, shape, fields = vocabulary.recipe, packed.shape.condition, vocabulary.ids(wanted)
    if shape is None:
        return Asked(None)
    names = [name for name, _ in shape.told.tracks]
    clocked = "clock" in names and any(wanted)
    lengths, whole = _lengths(vocabulary, fields, samples, seed) if clocked else ((), ())
    if shape.acoustic is None:
        return _read_on(shape, recipe, wanted, fields, lengths, whole)
    if not lengths:
        return Asked(Condition(shape, fields))
    given = [
        {"clock": _clock(shape, recipe, length, frame_count(one, shape.hop))}
        for length, one in zip(lengths, whole, strict=True)
    ]
    return _asked(packed, shape, fields, given, whole)


def _lengths(
    vocabulary: Vocabulary, fields: Codes, samples: int | Sequence[int] | None, seed: int
) -> tuple[Sequence[int], Sequence[int]]:
    """Return the samples of each sound without its tail of silence, and with it; none where no training sound says."""
    recipe = vocabulary.recipe
    tail = round(recipe.data.tail_seconds * recipe.audio.sample_rate)
    if samples is not None:
        whole = [samples] * len(fields) if isinstance(samples, int) else [*samples]
        return [max(1, one - tail, one // 2) for one in whole], whole
    lengths = [vocabulary.length(own, seed, sequence) for sequence, own in enumerate(fields)]
    return (lengths, [length + tail for length in lengths]) if all(lengths) else ((), ())


def _read_on(
    shape: ConditionShape,
    recipe: Recipe,
    wanted: Sequence[Wanted],
    fields: Codes,
    lengths: Sequence[int],
    whole: Sequence[int],
) -> Asked:
    """Return what sounds are told whose tracks are computed as they are read, so that they may be of any length.

    Args:
        shape: of the network, which predicts no tracks.
        recipe: its own.
        wanted: values by field, for each sound.
        fields: their numbers [sounds, n] int64.
        lengths: samples of each, without its tail of silence; none where they are told no clock.
        whole: the same with the tail.
    """
    assert recipe.condition is not None
    rate, tracks, known = recipe.audio.sample_rate, recipe.condition.tracks, [dict[str, Read]() for _ in wanted]
    for sound, own in enumerate(known):
        if lengths and tracks.clock is not None:
            own["clock"] = clocks((lengths[sound],), rate, shape.hop, tracks.clock.knots)
        note = None if tracks.sine is None else note_of(wanted[sound].get(tracks.sine.field))
        if note is not None and tracks.sine is not None:
            own["sine"] = steady(hertz_of(note), rate, tracks.sine.harmonics)
    if not any(known):
        return Asked(Condition(shape, fields))
    counts = [frame_count(one, shape.hop) for one in whole] or [ENDLESS] * len(known)
    parts = [tuple(own.get(name) or zeros(width) for name, width in shape.told.tracks) for own in known]
    each = [(SideBySide((count,), own), 0) for count, own in zip(counts, parts, strict=True)]
    unknown = np.array([[name not in own for name, _ in shape.told.tracks] for own in known])
    return Asked(Condition(shape, fields, Chosen(each), unknown), tuple(whole) or None)


def ask_phones(packed: Packed, vocabulary: Vocabulary, wanted: Sequence[Wanted], sentences: Sequence[Aligned]) -> Asked:
    """Return what a network is told that is to say something: phones, a clock, and what is predicted from them.

    Args:
        packed: the network, which is told phones.
        vocabulary: of its bundle.
        wanted: values by field, for each sentence.
        sentences: phones, each with its end; the last end is that of the sound, but for its tail of silence.

    Raises:
        InputError: a field, a value or a phone is not known, or the network is told no phones.
    """
    recipe, shape, fields = vocabulary.recipe, packed.shape.condition, vocabulary.ids(wanted)
    config = None if recipe.condition is None else recipe.condition.tracks.phones
    if shape is None or config is None:
        raise InputError(f"{recipe.name} is told no phones, so it cannot say anything; take a voice that is")
    rate, given, whole = recipe.audio.sample_rate, [], []
    for said in sentences:
        check_known(said.phones, vocabulary.phones)
        length = max(1, round(said.ends[-1] * rate))
        whole.append(length + round(recipe.data.tail_seconds * rate))
        count = frame_count(whole[-1], shape.hop)
        own = columns(said.phones, vocabulary.phones, config)
        given.append({"phones": frames_of(said, own, rate, shape.hop, 0, count)})
        if "clock" in (name for name, _ in shape.told.tracks):
            given[-1]["clock"] = _clock(shape, recipe, length, count)
    return _asked(packed, shape, fields, given, whole)


def follows(shape: ConditionShape) -> frozenset[str]:
    """Return the tracks that follow where fields are asked for: clock, sines, and what an acoustic network predicts."""
    return frozenset(("clock", "sine", *(PREDICTED if shape.acoustic is not None else ())))


def _clock(shape: ConditionShape, recipe: Recipe, length: int, count: int) -> Floats:
    """Return all frames of the clock of a sound [count, knots + 6], which its tail of silence is no part of."""
    assert recipe.condition is not None
    assert recipe.condition.tracks.clock is not None
    return clock(length, recipe.audio.sample_rate, shape.hop, 0, count, recipe.condition.tracks.clock.knots)


def _asked(
    packed: Packed, shape: ConditionShape, fields: Codes, given: Sequence[Mapping[str, Floats]], whole: Sequence[int]
) -> Asked:
    """Return what sounds are told of which some tracks are given, by name, [F, values] each."""
    known = {*given[0], *(PREDICTED if shape.acoustic is not None else ())}
    tracks = [all_tracks(packed, *one) for one in zip(given, fields, strict=True)]
    unknown = np.tile([name not in known for name, _ in shape.told.tracks], (len(given), 1))
    return Asked(Condition(shape, fields, Arrays(tracks), unknown), tuple(whole))


def all_tracks(packed: Packed, given: Mapping[str, Floats], fields: Codes) -> Floats:
    """Return the tracks of one sound [F, values]: those given, what is predicted from them, zeros for the others.

    Args:
        packed: the network.
        given: clock and phones, where they are known, [F, values] each; and what is not to be predicted.
        fields: [n] int64.
    """
    shape = packed.shape.condition
    assert shape is not None
    count = len(next(iter(given.values())))
    held = {name: given.get(name, np.zeros((count, width), np.float32)) for name, width in shape.told.tracks}
    if shape.acoustic is not None:
        names = [name for name, _ in shape.acoustic.tracks]
        reach, width = shape.acoustic.encoder.reach, shape.acoustic.width
        own = np.zeros((1, count + 2 * reach, width), np.float32)
        own[..., width - len(names) :] = 1.0  # outside of the sound nothing is known
        within = own[0, reach : reach + count]
        within[:, : width - len(names)] = np.concatenate([held[name] for name in names], axis=1)
        within[:, width - len(names) :] = [name not in given for name in names]
        made = predicted(packed, own, fields[None])[0]
        aims = [(name, width) for name, width in shape.told.tracks if name in PREDICTED]
        ends = np.cumsum([width for _, width in aims])[:-1]
        parts = zip([name for name, _ in aims], np.split(made, ends, axis=1), strict=True)
        held |= {name: values for name, values in parts if name not in given}
    return np.concatenate([*held.values()], axis=1)


def unpredicted(recipe: Recipe) -> str:
    """Return a warning where a network is told tracks that do not follow from fields; else an empty text."""
    told = recipe.condition
    made = {*PREDICTED} if told is not None and told.acoustic is not None else set()
    names = [] if told is None else [name for name, _ in told.tracks_told() if name in {*FROM_SOUND} - made]
    if not names:
        return ""
    advice = "`wavenet say` has them" if "phones" in names else "`wavenet vocode` turns recordings into its sound"
    return (
        f"{recipe.name} is told {' and '.join(map(FROM_SOUND.__getitem__, names))}, which `generate` does not have: "
        f"expect babble; {advice}"
    )


def stretched(vocabulary: Vocabulary, wanted: Sequence[Wanted], samples: int | None) -> str:
    """Return a warning where sounds of so many samples are far longer than those learned; else an empty text."""
    if samples is None or not vocabulary.knows_lengths(wanted):
        return ""
    recipe = vocabulary.recipe
    rate, longest = recipe.audio.sample_rate, max(int(vocabulary.lasted(ids).max()) for ids in vocabulary.ids(wanted))
    if samples / rate <= STRETCHED * (longest / rate + recipe.data.tail_seconds):
        return ""
    return (
        f"{recipe.name} learned such sounds of up to {duration(longest / rate)}, and will stretch one over "
        f"{duration(samples / rate)}; leave the length out, and it is as long as real ones"
    )


def described(wanted: Wanted) -> str:
    """Return what was asked for in words, such as ``speaker jackson, label 7``."""
    return ", ".join(f"{name} {printable(str(value))}" for name, value in wanted.items())
