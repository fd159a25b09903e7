"""Says text: words become phones, these get lengths, tracks follow from both, and the network draws the sound.

A text is said in pieces, a sentence or a part of one each; what a piece sounds like depends on the voice, the seed and
its number alone, so that a stream is bit for bit the file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from wavenet.errors import InputError
from wavenet.features.f0 import semitones
from wavenet.generate.asked import Asked, Vocabulary, Wanted, ask_phones
from wavenet.generate.engines import Engine
from wavenet.generate.guidance import check_guidance
from wavenet.generate.lengths import EDGE_SECONDS, SPEEDS, lengths, timed
from wavenet.generate.sampler import Sampler
from wavenet.outputs import Arrays, Draw, Floats
from wavenet.progress import log
from wavenet.recipe.records import Recipe
from wavenet.speech import SILENCE, Phone
from wavenet.text import some

if TYPE_CHECKING:
    from wavenet.speech.pronounce import Spoken

BATCH = 8  # pieces that are drawn together
SHOWN = 5  # words that one line names
SENTENCE_SECONDS = 0.35  # of silence between two sentences
PART_SECONDS = 0.1  # between two parts of a long one
LONGEST_SILENCE = 60.0  # seconds
MOST_SEMITONES = 24.0


@dataclass(frozen=True)
class Piece:
    """What is said in one go."""

    number: int  # in the text, from 0
    phones: tuple[Phone, ...]  # with a pause at either end
    rest: float  # seconds of silence behind it


@dataclass(frozen=True)
class Manner:
    """How text is said.

    Raises:
        InputError: a number is out of range.
    """

    speed: float = 1.0  # 0.25 to 4; phones last that much shorter
    pitch: float = 0.0  # semitones higher, -24 to 24; of voices that are told F0
    sentence_silence: float = SENTENCE_SECONDS  # seconds behind each sentence, 0 to 60
    varied: bool = False  # whether lengths of phones are drawn, by the seed, or are their means

    def __post_init__(self) -> None:
        if not SPEEDS[0] <= self.speed <= SPEEDS[1]:
            raise InputError(f"the speed is {self.speed:g}, expected {SPEEDS[0]:g} to {SPEEDS[1]:g}")
        if not abs(self.pitch) <= MOST_SEMITONES:
            raise InputError(
                f"the pitch is {self.pitch:g} semitones, expected -{MOST_SEMITONES:g} to {MOST_SEMITONES:g}"
            )
        if not 0 <= self.sentence_silence <= LONGEST_SILENCE:
            raise InputError(
                f"the silence behind sentences is {self.sentence_silence:g} s, expected 0 to {LONGEST_SILENCE:g}"
            )


def check_speaker(recipe: Recipe, pitch: float = 0.0) -> None:
    """Raise InputError unless a voice can say text, and can say it higher or lower where that is asked for."""
    told = [] if recipe.condition is None else [name for name, _ in recipe.condition.tracks_told()]
    if "phones" not in told:
        what = (
            ", ".join([*recipe.fields, *told]) if recipe.condition is not None else "nothing but the past of its sound"
        )
        raise InputError(f"{recipe.name} is told {what}, so it cannot say text; take a voice that is told phones")
    if pitch and ("f0" not in told or "mel" in told):
        holds = "its mel spectrogram holds the pitch" if "mel" in told else "it is not told F0"
        raise InputError(f"{recipe.name} cannot be asked for another pitch, since {holds}; leave the pitch out")


def of_text(text: str, silence: float = SENTENCE_SECONDS) -> list[Piece]:
    """Return the pieces of a text, and warn of words that no dictionary has.

    Args:
        text: English, of any length.
        silence: seconds behind each sentence.

    Raises:
        InputError: there is nothing to say, or something that has no sound in English; or a package is missing.
    """
    from wavenet.speech import normal, pronounce

    sentences = normal.read(text)
    normal.refuse_unsaid(sentences)
    found: list[Piece] = []
    by_rule: dict[str, None] = {}
    for sentence in sentences:
        parts = [pronounce.spoken(part) for part in normal.parts(sentence)]
        for part in parts:
            by_rule |= dict.fromkeys(part.by_rule)
            found += pieces(part, len(found), silence if part is parts[-1] else PART_SECONDS)
    if not any(not phone.silent for piece in found for phone in piece.phones):
        raise InputError("the text has no words; give some")
    if by_rule:
        log.warning("said by rule, since no dictionary has them: %s", some([*by_rule], SHOWN))
    return found


def of_phones(text: str, known: Sequence[str], silence: float = SENTENCE_SECONDS) -> list[Piece]:
    """Return the pieces of phones that are written out, such as ``HH AH L OW1 _ W ER1 L D`` (`speech/typed.py`).

    Raises:
        InputError: one of them is not known.
    """
    from wavenet.speech import typed

    return pieces(typed.parse(text, [name for name in known if name != SILENCE]), 0, silence)


def pieces(spoken: Spoken, number: int, rest: float) -> list[Piece]:
    """Return a sentence, or a part of one, cut at the pauses whose seconds are asked for."""
    found: list[Piece] = []
    phones: list[Phone] = []
    pauses = iter(spoken.pauses)
    for phone in spoken.phones:
        asked = next(pauses).seconds if phone.silent else None
        if asked is None:
            phones.append(phone)
        else:
            found.append(_piece(number + len(found), phones, asked))
            phones = []
    if phones:
        found.append(_piece(number + len(found), phones, rest))
    elif found and spoken.pauses[-1].seconds is None:
        found[-1] = replace(found[-1], rest=found[-1].rest + rest)
    return found


def _piece(number: int, phones: Sequence[Phone], rest: float) -> Piece:
    """Return a piece with one pause at either end; it may hold no word, and is then silence alone."""
    spoken = [at for at, phone in enumerate(phones) if not phone.silent]
    own = phones[spoken[0] : spoken[-1] + 1] if spoken else ()
    pause = Phone(SILENCE)
    return Piece(number, (pause, *own, pause) if own else (), rest)


class Speaker:
    """Says pieces of text with one voice.

    Args:
        engine: what steps the network.
        vocabulary: of the voice.
        wanted: values of fields by name, such as the speaker's.
        seed: 0 .. 2^63 - 1.
        draw: temperature and cuts.
        manner: speed, pitch and pauses.
        guidance: 0 to 10, how strongly the sound follows what is asked for.

    Raises:
        InputError: the voice cannot say text, or knows no such field or value.
    """

    def __init__(
        self,
        engine: Engine,
        vocabulary: Vocabulary,
        wanted: Wanted,
        seed: int,
        draw: Draw,
        manner: Manner,
        guidance: float = 1.0,
    ) -> None:
        check_speaker(vocabulary.recipe, manner.pitch)
        self.engine, self.vocabulary, self.wanted = engine, vocabulary, wanted
        self.seed, self.how, self.manner = seed, draw, manner
        self.guidance = check_guidance(guidance, engine.packed.shape, engine.alphabet)
        self.rate = vocabulary.recipe.audio.sample_rate
        vocabulary.ids([wanted])

    def pieces(self, text: str | None, phones: str | None = None) -> list[Piece]:
        """Return the pieces of a text, or of phones that are written out.

        Raises:
            InputError: both or neither are given, or they cannot be said.
        """
        if (text is None) == (phones is None):
            raise InputError(f"got {'neither text nor' if text is None else 'both text and'} phones; give one of them")
        silence = self.manner.sentence_silence
        return of_text(text, silence) if text is not None else of_phones(phones or "", self.vocabulary.phones, silence)

    def samples(self, found: Sequence[Piece]) -> int:
        """Return how many samples some pieces are together, silence included."""
        tail = round(self.vocabulary.recipe.data.tail_seconds * self.rate)
        ends = (round(sum(self._seconds(one)) * self.rate) + tail for one in found if one.phones)
        return sum(ends) + sum(map(self._rest, found))

    def stream(self, found: Sequence[Piece], chunk: int) -> Iterator[Floats]:
        """Yield the sound of pieces as it is made, [n] float32, one after the other; the next is prepared meanwhile."""
        with ThreadPoolExecutor(1) as ahead:
            following = [ahead.submit(self._asked, [found[0]])]
            for at, one in enumerate(found):
                asked = following.pop().result()
                following += [ahead.submit(self._asked, [more]) for more in found[at + 1 : at + 2]]
                if asked is not None:
                    for part in self._sampler([one], asked).generate(asked.lengths or (), chunk):
                        yield part.wave[0]
                yield from self._silence(one)

    def whole(self, found: Sequence[Piece]) -> Iterator[Floats]:
        """Yield the sound of each piece, silence included, [T] float32; several are drawn together."""
        for first in range(0, len(found), BATCH):
            batch = found[first : first + BATCH]
            places = [at for at, one in enumerate(batch) if one.phones]
            saying, waves = [batch[at] for at in places], dict[int, list[Floats]]()
            asked = self._asked(saying)
            if asked is not None:
                for part in self._sampler(saying, asked).generate(asked.lengths or (), self.rate):
                    for member, wave in zip(part.sequences.tolist(), part.wave, strict=True):
                        waves.setdefault(places[member], []).append(wave)
            for at, one in enumerate(batch):
                yield np.concatenate([*waves.pop(at, []), *self._silence(one), np.zeros(0, np.float32)])

    def _sampler(self, saying: Sequence[Piece], asked: Asked) -> Sampler:
        seeds = [(self.seed + one.number) % 2**63 for one in saying]
        return Sampler(self.engine, len(saying), seeds, self.how, asked.condition, self.guidance)

    def _asked(self, saying: Sequence[Piece]) -> Asked | None:
        """Return what the network is told of pieces; None where none of them has a word."""
        if not any(one.phones for one in saying):
            return None
        said = [timed(one.phones, self._seconds(one)) for one in saying]
        asked = ask_phones(self.engine.packed, self.vocabulary, [self.wanted] * len(said), said)
        return self._higher(asked) if self.manner.pitch else asked

    def _seconds(self, one: Piece) -> tuple[float, ...]:
        how, manner = "drawn" if self.manner.varied else "mean", self.manner
        choice = how, manner.speed, self.seed, one.number
        return lengths(self.engine.packed, self.vocabulary, self.wanted, one.phones, *choice)

    def _higher(self, asked: Asked) -> Asked:
        """Return what is told with another F0."""
        condition, config = asked.condition, self.vocabulary.recipe.condition
        assert condition is not None
        assert config is not None
        assert config.tracks.f0 is not None
        assert isinstance(condition.tracks, Arrays)
        tracks = condition.shape.told.tracks
        column = sum(width for _, width in tracks[: [name for name, _ in tracks].index("f0")])
        moved = [values.copy() for values in condition.tracks.values]
        for values in moved:
            values[:, column] += semitones(self.manner.pitch, config.tracks.f0)
        return replace(asked, condition=replace(condition, tracks=Arrays(moved)))

    def _rest(self, one: Piece) -> int:
        """Return the samples of silence behind a piece, less those of the pause that it ends with."""
        drawn = EDGE_SECONDS[1] if one.phones else 0.0
        return round(max(0.0, one.rest - drawn) * self.rate)

    def _silence(self, one: Piece) -> list[Floats]:
        rest = self._rest(one)
        return [np.zeros(rest, np.float32)] if rest else []
