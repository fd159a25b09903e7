"""The track `phones`: what is said while a frame lasts, before and after it, and where in phone, word and phrase it is.

A vocabulary lists the phones that a voice knows, pauses first. A phone that is not among them is none of its columns.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from wavenet.errors import InputError, SoundError, did_you_mean
from wavenet.features.clock import hats
from wavenet.outputs import Flags, Floats
from wavenet.progress import log
from wavenet.recipe.records import CLOCK_SECONDS, PHONE_KNOTS, PhonesConfig
from wavenet.speech.phones import SILENCE, Aligned, Phone, phrases
from wavenet.text import many, some, to_json

RARE = 0.001  # share of the phones of a kind that are shorter, or longer, than what counts as possible
UNIT_SECONDS = 0.1  # lengths of phones are logarithms of as many times this: most are near 0
SHOWN = 12  # phones that one line lists


def names_of(sentences: Iterable[Aligned]) -> tuple[str, ...]:
    """Return the phones of some sentences, pauses first."""
    found = {phone.name for one in sentences for phone in one.phones}
    return (SILENCE, *sorted(found - {SILENCE}))


def with_known(names: Sequence[str], config: PhonesConfig) -> tuple[str, ...]:
    """Return the phones of some sound, and behind them those that a recipe knows besides, as far as there is room."""
    more = [name for name in config.known or () if name not in names]
    return (*names, *more[: max(0, config.kinds - len(names))])


def check_room(names: Sequence[str], config: PhonesConfig) -> None:
    """Raise SoundError where there are more phones than a recipe has room for, and tell fewer."""
    if len(names) > config.kinds:
        raise SoundError(
            f"condition.tracks.phones has room for {many(config.kinds, 'kind')} of phones, but the sound has "
            f"{len(names):,}, pauses included; --set condition.tracks.phones.kinds={len(names)} makes room"
        )
    if len(names) < config.kinds:
        told = "condition.tracks.phones.kinds is %s, but the sound has %s: the rest stay untrained"
        log.info(told, config.kinds, f"{len(names):,}")


def check_known(phones: Iterable[Phone], names: Sequence[str]) -> None:
    """Raise InputError where a voice does not know a phone.

    Args:
        phones: that it is to say.
        names: those that it knows.
    """
    for phone in phones:
        if phone.name not in names:
            known = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
            guess = did_you_mean(phone.name, names)
            raise InputError(f"the model knows no phone {phone.name!r:.40}{guess}; it knows {known}")


def tell_unknown(sentences: Iterable[Aligned], names: Collection[str]) -> None:
    """Warn of phones that no sound has which is trained on."""
    strange = sorted({phone.name for one in sentences for phone in one.phones} - {*names})
    if strange:
        be = "is" if len(strange) == 1 else "are"
        log.warning(
            "%s (%s) %s unknown to the network: no sound that it learns from has it",
            *(many(len(strange), "phone"), some(strange, 3), be),
        )


def columns(phones: Sequence[Phone], names: Sequence[str], config: PhonesConfig) -> Floats:
    """Return all that is known of each phone of a sentence but when it is said, [phones, config.width] float32.

    The first columns, `kinds` for each of 1 + 2 `neighbours` places from the earliest to the latest, say which phone
    stands there; beyond the sentence none does. Then come whether a vowel has the first stress and the second; and
    1 / (1 + n) of the n phones between it and the beginning of its word, the end of it, the beginning of its phrase and
    the end of that. In pauses the last six are 0.
    """
    places = {name: place for place, name in enumerate(names)}
    beyond, count = config.neighbours, len(phones)
    own = np.zeros((count + 2 * beyond, config.kinds), np.float32)
    for at, phone in enumerate(phones):
        if phone.name in places:
            own[beyond + at, places[phone.name]] = 1.0
    sides = [own[side : side + count] for side in range(1 + 2 * beyond)]
    stress = np.array([[phone.stress == 1, phone.stress == 2] for phone in phones], np.float32)
    edges = np.zeros((count, 4), np.float32)
    for phrase in phrases(phones):
        edges[phrase.start : phrase.stop, 2:] = _nearness(len(phrase))
        for word in _words(phones, phrase):
            edges[word.start : word.stop, :2] = _nearness(len(word))
    return np.concatenate([*sides, stress, edges], axis=1)


def _nearness(count: int) -> Floats:
    """Return how near each of some phones is to the first and the last of them, [count, 2] float32 in (0, 1]."""
    from_first = 1 / (1 + np.arange(count, dtype=np.float32))
    return np.stack([from_first, from_first[::-1]], axis=1)


def _words(phones: Sequence[Phone], phrase: range) -> list[range]:
    """Return the runs of phones of one word each."""
    cuts = [at for at in phrase[1:] if phones[at].word != phones[at - 1].word]
    return [range(first, last) for first, last in zip([phrase.start, *cuts], [*cuts, phrase.stop], strict=True)]


def log_lengths(seconds: Sequence[float]) -> Floats:
    """Return the natural logarithms of lengths in tenths of a second, [n] float32."""
    return np.log(np.array(seconds, np.float64) / UNIT_SECONDS).astype(np.float32)


def frames_of(aligned: Aligned, own: Floats, rate: int, hop: int, first: int, last: int) -> Floats:
    """Return frames first .. last - 1 of a sentence, [last - first, config.frame_width] float32.

    A frame is told the phone that is said at its middle (`geometry/frames.py`): its `columns`; the share of the phone
    that has passed, as hat functions, as the clock tells that of the sound; the logarithm of its length in tenths of a
    second; and exp(-t / tau) of the seconds t passed of its phrase, and left of it, for each tau of `CLOCK_SECONDS`,
    all 0 in a pause. What comes behind the sentence belongs to its last phone, all of which has passed.

    Args:
        aligned: the sentence.
        own: `columns` of its phones.
        rate: in Hz.
        hop: samples between two frames.
        first: a frame, which may lie behind the end.
        last: the one behind the last wanted.
    """
    middle = (np.arange(first, last) * hop + hop / 2) / rate
    ends = np.array(aligned.ends)
    starts = np.concatenate([[0.0], ends[:-1]])
    at = np.minimum(np.searchsorted(ends, middle, side="right"), len(ends) - 1)
    share = np.minimum((middle - starts[at]) / (ends - starts)[at], 1.0)
    begins, stops = np.full(len(ends), -np.inf), np.full(len(ends), np.inf)  # of each phone's phrase; a pause has none
    for phrase in phrases(aligned.phones):
        begins[phrase.start : phrase.stop] = starts[phrase.start]
        stops[phrase.start : phrase.stop] = ends[phrase.stop - 1]
    passed, left = middle - begins[at], np.maximum(0.0, stops[at] - middle)
    fading = np.exp(-np.stack([passed, left])[:, :, None] / np.array(CLOCK_SECONDS))
    lengths = log_lengths(aligned.seconds())[at][:, None]
    made = [own[at], hats(share, PHONE_KNOTS), lengths, fading[0], fading[1]]
    return np.concatenate(made, axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Phones:
    """The phones of some sounds as a track, computed as they are asked for; and, phone by phone, their lengths."""

    sentences: tuple[Aligned | None, ...]  # None: not aligned, so never read
    names: tuple[str, ...]  # the phones that are known
    config: PhonesConfig
    rate: int
    hop: int

    def read(self, sound: int, first: int, last: int) -> Floats:
        """Return frames first .. last - 1 of a sound, [last - first, config.frame_width] float32."""
        return frames_of(self._said(sound), self.columns(sound), self.rate, self.hop, first, last)

    @functools.lru_cache(maxsize=256)  # noqa: B019  (a batch asks for the same sentences again)
    def columns(self, sound: int) -> Floats:
        """Return what is known of each phone of a sound, [phones, config.width] float32."""
        return columns(self._said(sound).phones, self.names, self.config)

    def log_lengths(self, sound: int) -> tuple[Floats, Flags]:
        """Return how long each phone of a sound is, [phones] float32, and which can be learned, [phones] bool.

        A pause at either end has the length that the recording happens to have.
        """
        said = self._said(sound)
        counted = np.ones(len(said.phones), bool)
        counted[[0, -1]] = [not said.phones[end].silent for end in (0, -1)]
        return log_lengths(said.seconds()), counted

    @functools.lru_cache(maxsize=4)  # noqa: B019  (every saved model has it)
    def lasting(self, sounds: tuple[int, ...]) -> dict[str, tuple[float, float]]:
        """Return of each phone the fewest and the most seconds that it lasts in some sounds.

        One in a thousand may be shorter, and one longer: few of many are as an alignment went wrong. Pauses at the
        ends do not count.
        """
        found: dict[str, list[float]] = {}
        for sound in sounds:
            counted = self.log_lengths(sound)[1].tolist()
            for phone, seconds, counts in zip(
                self._said(sound).phones, self._said(sound).seconds(), counted, strict=True
            ):
                if counts:
                    found.setdefault(phone.name, []).append(seconds)
        ends = {name: np.quantile(own, (RARE, 1 - RARE)).tolist() for name, own in sorted(found.items())}
        return {name: (round(least, 4), round(most, 4)) for name, (least, most) in ends.items()}

    @functools.lru_cache(maxsize=4)  # noqa: B019  (every checkpoint has it)
    def digest(self) -> str:
        """Return a text that is equal only where the same is said at the same times, and called the same."""
        said = [
            None if one is None else [[(phone.name, phone.stress, phone.word) for phone in one.phones], one.ends]
            for one in self.sentences
        ]
        return hashlib.sha256(to_json([self.names, said]).encode()).hexdigest()

    def _said(self, sound: int) -> Aligned:
        found = self.sentences[sound]
        assert found is not None, "a sound that is not aligned is in no split"
        return found
