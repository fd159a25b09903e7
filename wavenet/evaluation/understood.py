"""Is speech understood? Of clips of several kinds, such as real, copied and spoken from text: what two judges hear.

Pocketsphinx writes down words and names which of some sentences is said, a recogniser of phones names it too. The first
kind is what the others are compared with, so it should be real speech that was prepared as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wavenet.errors import InputError
from wavenet.evaluation.intervals import Share, percent
from wavenet.evaluation.phone_recogniser import PhoneRecogniser
from wavenet.evaluation.speech_recogniser import named, written_down
from wavenet.evaluation.words import WordErrors, word_errors
from wavenet.outputs import Floats
from wavenet.speech import Phone
from wavenet.text import joined, many, plain, printable, table


@dataclass(frozen=True)
class Sentences:
    """What clips may say.

    Attributes:
        words: of each sentence, no two alike.
        phones: of each.
        extra: words that the dictionary of pocketsphinx lacks, with their phones (`speech_recogniser.named`).
    """

    words: Sequence[Sequence[str]]
    phones: Sequence[Sequence[Phone]]
    extra: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Clips:
    """Clips of one kind, and what they should say."""

    waves: Sequence[Floats]  # [T] each
    asked: Sequence[int]  # which sentence, by its number from 0

    def check(self, kind: str, sentences: int) -> None:
        """Raise InputError unless each clip should say one of so many sentences."""
        if len(self.waves) != len(self.asked) or not len(self.waves):
            raise InputError(
                f"{kind}: got {many(len(self.asked), 'number')} of sentences for {many(len(self.waves), 'clip')}, "
                "expected one for each clip, and at least one clip; say what each clip should say"
            )
        if strange := [one for one in self.asked if not 0 <= one < sentences]:
            raise InputError(f"{kind}: a clip should say sentence {strange[0]}, expected 0 to {sentences - 1}")


@dataclass(frozen=True)
class KindUnderstood:
    """What is understood of clips of one kind."""

    kind: str
    words: WordErrors | None  # that are heard wrong; None where none were written down
    named: Share  # clips that pocketsphinx names right
    by_phones: Share | None  # clips that a recogniser of phones names right; None where there is none


@dataclass(frozen=True)
class Understood:
    """What is understood of clips of several kinds."""

    kinds: tuple[KindUnderstood, ...]
    sentences: int  # that are chosen from

    @property
    def chance(self) -> float:
        """The share that is named right by chance."""
        return 1 / self.sentences

    @property
    def conclusions(self) -> list[str]:
        """Closing sentences, of what pocketsphinx names."""
        first = self.kinds[0]
        lost = [one.kind for one in self.kinds if one.named.low <= self.chance]
        less = [one.kind for one in self.kinds if one.named.high < first.named.low and one.kind not in lost]
        said = [f"Named no more often than by chance: {joined(lost)}."] if lost else []
        said += [f"Named less often than {first.kind}: {joined(less)}."] if less else []
        if others := [one.kind for one in self.kinds[1:] if one.kind not in (*lost, *less)]:
            said.append(f"Named as often as {first.kind}, as far as so many clips can tell: {joined(others)}.")
        return said

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        kinds = [plain(one) for one in self.kinds]
        return {
            "sentences": self.sentences,
            "chance": self.chance,
            "kinds": kinds,
            "conclusion": " ".join(self.conclusions),
        }

    def to_text(self) -> list[str]:
        """Return a table and the closing sentences, line by line."""
        rows: list[list[str | float | None]] = [
            ["speech", "clips", "words wrong", "95 % interval", "named", "95 % interval", "by phones", "95 % interval"]
        ]
        for one in self.kinds:
            words = (None, None) if one.words is None else (percent(one.words.rate), one.words.interval)
            phones = (None, None) if one.by_phones is None else (percent(one.by_phones.share), one.by_phones.interval)
            ours = (percent(one.named.share), one.named.interval)
            rows.append([printable(one.kind), one.named.clips, *words, *ours, *phones])
        if self.kinds[0].by_phones is None:
            rows = [row[:-2] for row in rows]
        if self.kinds[0].words is None:
            rows = [[*row[:2], *row[4:]] for row in rows]
        meaning = f"Which of {many(self.sentences, 'sentence')} each clip says: {percent(self.chance)} by chance"
        return [meaning, "", *table(rows), *self.conclusions]


def understood(
    kinds: Mapping[str, Clips],
    rate: int,
    sentences: Sentences,
    phones: PhoneRecogniser | None = None,
    write: bool = True,
    workers: int = 1,
) -> Understood:
    """Return what is understood of clips of several kinds.

    Args:
        kinds, rate, sentences, workers: as for `ever_more`.
        phones: a recogniser trained without any of the clips, at their rate; None: it is not asked.
        write: whether words are written down too.

    Raises:
        InputError: as from `ever_more`.
    """
    *_, last = ever_more(kinds, rate, sentences, lambda: phones, write, workers)
    return last


def ever_more(
    kinds: Mapping[str, Clips],
    rate: int,
    sentences: Sentences,
    phones: Callable[[], PhoneRecogniser | None],
    write: bool = True,
    workers: int = 1,
) -> Iterator[Understood]:
    """Yield what is understood of clips of several kinds, ever more of it: named, named by phones, written down
    kind by kind.

    A wave that several clips share is listened to once.

    Args:
        kinds: the clips by the names of their kinds; the first is what others are compared with.
        rate: of all clips, in Hz.
        sentences: that may be said; some may be said in no clip, to choose from more.
        phones: returns a recogniser trained without any of the clips, at their rate, once it is needed; or None.
        write: whether words are written down too, which takes about half a second for a second of speech; naming takes
            little.
        workers: processes that listen at once (`speech_recogniser.written_down`).

    Raises:
        InputError: clips, sentences and recogniser do not fit each other, a clip is empty or not finite, or
            pocketsphinx is not installed.
    """
    _check(kinds, sentences)
    waves = {id(wave): wave for clips in kinds.values() for wave in clips.waves}
    each = [*waves.values()]
    heard = _Heard(
        kinds, sentences, dict(zip(waves, named(each, rate, sentences.words, sentences.extra, workers), strict=True))
    )
    yield heard.report()
    recogniser = phones()
    if recogniser is not None:
        _check_rate(recogniser, rate)
        heard = replace(heard, told=dict(zip(waves, recogniser.said(each, sentences.phones), strict=True)))
        yield heard.report()
    for clips in kinds.values() if write else ():
        own = {one: waves[one] for one in map(id, clips.waves) if one not in heard.wrote}
        if own:
            written = zip(own, written_down([*own.values()], rate, workers), strict=True)
            heard = replace(heard, wrote={**heard.wrote, **dict(written)})
        yield heard.report()


@dataclass(frozen=True)
class _Heard:
    """What is heard so far of the waves that clips share, by their `id`."""

    kinds: Mapping[str, Clips]
    sentences: Sentences
    names: Mapping[int, int | None]  # which sentence each is named
    told: Mapping[int, int | None] | None = None  # the same by phones; None where these are not heard
    wrote: Mapping[int, Sequence[str]] = field(default_factory=dict)  # the words that are written down, of some

    def report(self) -> Understood:
        """Return what is understood."""
        made = []
        for kind, clips in self.kinds.items():
            asked, own = clips.asked, [*map(id, clips.waves)]
            words = None
            if all(one in self.wrote for one in own):
                words = _words(self.sentences, asked, [self.wrote[one] for one in own])
            by_phones = None if self.told is None else _share(asked, [self.told[one] for one in own])
            made.append(KindUnderstood(kind, words, _share(asked, [self.names[one] for one in own]), by_phones))
        return Understood(tuple(made), len(self.sentences.words))


def _check(kinds: Mapping[str, Clips], sentences: Sentences) -> None:
    if not kinds:
        raise InputError("no clips were given, expected at least one kind of them; give real ones first")
    if len(sentences.words) != len(sentences.phones):
        raise InputError(
            f"there are words of {many(len(sentences.words), 'sentence')} and phones of {len(sentences.phones)}, "
            "expected as many; give both of each"
        )
    for kind, clips in kinds.items():
        clips.check(kind, len(sentences.words))


def _check_rate(phones: PhoneRecogniser, rate: int) -> None:
    if phones.sample_rate != rate:
        raise InputError(
            f"the recogniser of phones hears {phones.sample_rate:,} Hz, the clips have {rate:,} Hz; "
            "train one at their rate"
        )


def _share(asked: Sequence[int], told: Sequence[int | None]) -> Share:
    return Share(sum(one == other for one, other in zip(asked, told, strict=True)), len(asked))


def _words(sentences: Sentences, asked: Sequence[int], wrote: Sequence[Sequence[str]]) -> WordErrors:
    said = [[word.lower() for word in sentences.words[one]] for one in asked]
    return word_errors(zip(said, wrote, strict=True))
