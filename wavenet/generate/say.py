"""Says text: words become phones, these get lengths, tracks follow from both, and the network draws the sound.

A text is said in pieces, a sentence or a part of one each; what a piece sounds like depends on the voice, the seed and
its number alone, so that a stream is bit for bit the file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from wavenet.errors import InputError
from wavenet.features.f0 import semitones
from wavenet.generate.asked import Asked, Vocabulary, Wanted, ask_phones
from wavenet.generate.engines import Engine
from wavenet.generate.guidance import check_guidance
from wavenet.generate.lengths import EDGE_SECONDS, SPEEDS, lengths, timed
from wavenet.generate.pieces import SENTENCE_SECONDS, Piece, of_phones, of_text
from wavenet.generate.sampler import Sampler
from wavenet.outputs import Arrays, Draw, Floats
from wavenet.recipe.records import Recipe
from wavenet.speech import SILENCE
from wavenet.speech.dictionary import PHONES, is_english

BATCH = 8  # pieces that are drawn together
LONGEST_SILENCE = 60.0  # seconds
MOST_SEMITONES = 24.0


@dataclass(frozen=True)
class Timed(Piece):
    """A piece, and how long each of its phones lasts."""

    seconds: tuple[float, ...]


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


def language_of(vocabulary: Vocabulary) -> str | None:
    """Return the language whose text a voice says, as espeak-ng calls it; None: English, in the phones of CMUdict.

    Raises:
        InputError: it says no text, only phones.
    """
    condition, known = vocabulary.recipe.condition, [name for name in vocabulary.phones if name != SILENCE]
    language = condition and condition.tracks.phones and condition.tracks.phones.language
    if language is None and not is_english(known):
        raise InputError(
            f"{vocabulary.recipe.name} says no text, since its phones are not those of English and its recipe names no "
            f"condition.tracks.phones.language; give phones (--phones), of these: {' '.join(known)}"
        )
    return language or None


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

    def pieces(self, text: str | None, phones: str | None = None) -> Iterator[Timed]:
        """Return the pieces of a text, or of phones that are written out, each made when it is asked for.

        What is wrong with the text is raised at once.

        Raises:
            InputError: both or neither are given, or they cannot be said.
        """
        if (text is None) == (phones is None):
            raise InputError(f"got {'neither text nor' if text is None else 'both text and'} phones; give one of them")
        silence, known = self.manner.sentence_silence, self.vocabulary.phones
        if text is not None:
            found = of_text(text, silence, language_of(self.vocabulary))
        else:
            found = of_phones(phones or "", known, silence)
        made = self.timed(found)
        return made if {*PHONES} <= {*known} else iter([*made])  # a phone that is not known is found before any sound

    def timed(self, found: Iterable[Piece]) -> Iterator[Timed]:
        """Yield pieces with how long their phones last; that of a piece is computed once."""
        for one in found:
            yield Timed(one.number, one.phones, one.rest, self._seconds(one) if one.phones else ())

    def begun(self, found: Iterator[Timed]) -> tuple[int | None, Iterator[Timed]]:
        """Return how many samples pieces are together, None where there are many, which would be long to count.

        The pieces that were looked at come back with the others.
        """
        first = [*itertools.islice(found, BATCH + 1)]
        return self.samples(first) if len(first) <= BATCH else None, itertools.chain(first, found)

    def samples(self, found: Iterable[Timed]) -> int:
        """Return how many samples some pieces are together, silence included."""
        tail = round(self.vocabulary.recipe.data.tail_seconds * self.rate)
        return sum((round(sum(one.seconds) * self.rate) + tail if one.phones else 0) + self._rest(one) for one in found)

    def stream(self, found: Iterable[Timed], chunk: int) -> Iterator[Floats]:
        """Yield the sound of pieces as it is made, [n] float32, one after the other.

        While one sounds, the next is prepared: also read and timed, where it is not made before it is asked for.
        """
        coming = iter(found)

        def prepared() -> tuple[Timed, Asked | None] | None:
            one = next(coming, None)
            return None if one is None else (one, self._asked([one]))

        with ThreadPoolExecutor(1) as ahead:
            following = ahead.submit(prepared)
            while (made := following.result()) is not None:
                following = ahead.submit(prepared)
                one, asked = made
                if asked is not None:
                    for part in self._sampler([one], asked).generate(asked.lengths or (), chunk):
                        yield part.wave[0]
                yield from self._silence(one)

    def whole(self, found: Iterable[Timed]) -> Iterator[Floats]:
        """Yield the sound of each piece, silence included, [T] float32; several are drawn together."""
        coming = iter(found)
        while batch := [*itertools.islice(coming, BATCH)]:
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

    def _asked(self, saying: Sequence[Timed]) -> Asked | None:
        """Return what the network is told of pieces; None where none of them has a word."""
        if not any(one.phones for one in saying):
            return None
        said = [timed(one.phones, one.seconds) for one in saying]
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
