"""Is a voice understood? It says held-out sentences, free-running; judges say which it was, and write it down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wavenet import disk
from wavenet.audio import files
from wavenet.audio.corpus import Corpus
from wavenet.evaluation import phone_recogniser_file
from wavenet.evaluation.copy_synthesis import Row
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.held_out_sentences import Sentence, held_out_sentences, to_choose_from
from wavenet.evaluation.phone_recogniser import PhoneRecogniser
from wavenet.evaluation.speech_kinds import ANOTHER, KINDS, LENGTHS, REAL, TEXT, Kinds, kinds_of
from wavenet.evaluation.understood import Sentences, Understood, ever_more
from wavenet.features import sentences
from wavenet.generate.say import check_speaker
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition
from wavenet.progress import log
from wavenet.text import duration, many

SENTENCES = 50  # to choose from, where no other number is asked for
SHOWN = 3  # sentences that a picture has
MEANING = (
    "Quantised: the recording in the model's codes. Copies: told its phones and its own mel. Real lengths: told its",
    "phones, as long as they are in it. Text alone: as `wavenet say` says it; the next text: that of the next",
    "sentence. Noise: as loud as the recording at all times.",
)


@dataclass(frozen=True)
class Speech:
    """What is understood of a voice that says held-out sentences."""

    understood: Understood
    texts: tuple[str, ...]  # of the sentences, as they are written
    seconds: float  # of sound that text alone was said in
    wall: float  # seconds that it took
    seed: int
    guidance: float  # how strongly clips follow what they are told
    rows: tuple[Row, ...]  # of the first sentences, the recording beside the voice

    @property
    def real_time(self) -> float:
        """How many seconds of sound are made in one."""
        return self.seconds / self.wall

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        about = {"seed": self.seed, "guidance": self.guidance, "texts": list(self.texts)}
        speed = {"seconds": self.seconds, "wall_seconds": self.wall, "real_time": self.real_time}
        return self.understood.to_json() | about | speed

    def to_text(self) -> list[str]:
        """Return tables and sentences, line by line."""
        drawn = f"{many(self.understood.sentences, 'held-out sentence')}, drawn with seed {self.seed}"
        speed = f"{duration(self.seconds)} from text alone in {self.wall:.1f} s, {self.real_time:.1f} x real time"
        return [f"{drawn} and guidance {self.guidance:g}: {speed}", *self.understood.to_text(), *MEANING]


@dataclass(frozen=True)
class Speaking:
    """How a voice is judged that speaks."""

    sentences: int = SENTENCES  # to choose from, at most
    seed: int = 0  # of the first clip
    folder: Path | None = None  # that clips are written to; None: they are not kept
    force: bool = False  # whether files that are there are overwritten
    workers: int = 1  # processes that listen at once
    threads: int | None = None  # that drawing uses at most
    cache: Path | None = None  # where recognisers are kept


def judged(
    voice: Voice, held: HeldOut, condition: Condition, trained: Corpus | None, how: Speaking
) -> Iterator[Speech]:
    """Return an iterator over what is understood of a voice, ever more of it; what takes minutes comes last.

    What is wrong is raised at once.

    Args:
        voice: says held-out sentences.
        held: recordings of them, with their text.
        condition: what all clips of that sound are told.
        trained: the sound that the voice was trained on, where it is here (`listener_of`).
        how: numbers of sentences and the like.

    Raises:
        InputError: the voice cannot speak, the recordings have no text, a clip cannot be written, or a part of the
            extra `speech` is missing.
    """
    check_speaker(voice.recipe)
    own = held_out_sentences(held, voice.vocabulary().phones, how.sentences)
    choice = to_choose_from(own)
    speaker = voice.speaker(seed=how.seed, threads=how.threads)
    speaker.samples(speaker.pieces(own[0].text))  # says what is wrong before the work of minutes
    paths = {} if how.folder is None else _paths(how.folder, len(own), how.force)
    listener = partial(listener_of, held, trained, choice, how.cache)

    def parts() -> Iterator[Speech]:
        kinds = kinds_of(voice, held, condition, own, how.seed, how.threads)
        _write(kinds, paths, voice)
        texts, guidance = tuple(one.text for one in own), voice.guidance(None, told=True)
        about = texts, kinds.seconds, kinds.wall, how.seed, guidance, _rows(own, kinds)
        for known in ever_more(kinds.clips(), voice.sample_rate, choice, listener, workers=how.workers):
            yield Speech(known, *about)

    return parts()


def listener_of(
    held: HeldOut, trained: Corpus | None, choice: Sentences, cache: Path | None = None
) -> PhoneRecogniser | None:
    """Return a recogniser of phones trained on recordings that are not judged; None where there are none.

    Args:
        held: what is judged; the other splits of the same sound are learned from where it has any.
        trained: else that which the voice was trained on, where it is here.
        choice: the sentences that it chooses from.
        cache: where recognisers are kept; None takes this user's cache folder.
    """
    own = held.corpus if "train" in held.corpus.spans else trained
    if own is not None:
        judged = {held.corpus.sound.entries[span.clip].digest for span in held.spans}
        splits = {
            name: [span for span in spans if own.sound.entries[span.clip].digest not in judged]
            for name, spans in own.spans.items()
            if name != held.split
        }
        aligned = sentences.of_corpus(held.recipe, own) or []
        spoken = phone_recogniser_file.of_splits(own.sound, splits, aligned, held.recipe.audio.sample_rate)
        if {phone.name for said in choice.phones for phone in said} <= {*spoken.phones}:
            return phone_recogniser_file.trained(spoken, cache=cache)
    log.info("no recogniser of phones listens: there are no training recordings here with all phones of the sentences")
    return None


def _paths(folder: Path, count: int, force: bool) -> dict[tuple[str, int], Path]:
    """Return the file of each clip, by its kind and the number of its sentence."""
    names = {kind: kind.replace(" ", "-") for kind in KINDS if kind != ANOTHER}
    paths = {(kind, at): folder / f"{at:02d}-{name}.wav" for at in range(count) for kind, name in names.items()}
    for path in paths.values():
        disk.check_free(path, "--save", force)
    return paths


def _write(kinds: Kinds, paths: Mapping[tuple[str, int], Path], voice: Voice) -> None:
    for (kind, at), path in paths.items():
        if kind in kinds.waves:
            with disk.explained(path, "free space or name another folder with --save"):
                files.write(path, kinds.waves[kind][at], voice.sample_rate, voice.bits, files.SOFTWARE)


def _rows(own: Sequence[Sentence], kinds: Kinds) -> tuple[Row, ...]:
    """Return the recordings of the first sentences beside what the voice makes of them."""
    return tuple(
        [(f"{one.name}, {REAL}", kinds.waves[REAL][at]), *((kind, kinds.waves[kind][at]) for kind in (LENGTHS, TEXT))]
        for at, one in enumerate(own[:SHOWN])
    )
