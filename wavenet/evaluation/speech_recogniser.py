"""Judges whether English is understood: pocketsphinx writes down what it hears, or names which sentence it was.

Writing down takes its own language model, so that even real speech has some words wrong. Naming takes a grammar whose
only alternatives are the sentences that are given: chance is one in so many. Both were made of other people's speech
than any that is judged here, and know nothing of the voice.
"""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

import numpy as np

from wavenet.audio.resample import resampled
from wavenet.errors import InputError
from wavenet.outputs import Floats
from wavenet.progress import Progress
from wavenet.text import many

RATE = 16_000  # Hz, of the sound that its acoustic model was trained on
LEVEL = 0.06  # RMS, of full scale
QUIETEST = 1e-5  # RMS of a wave that is not made louder
SILENCE_SECONDS = 0.25  # before and behind each clip: speech from the first sample on loses its first word
NOISE = 1e-4  # RMS of full scale: no band is ever quite empty
AT_ONCE = 64  # clips that are prepared for several processes
PHONES = (
    *("AA", "AE", "AH", "AO", "AW", "AY", "B", "CH", "D", "DH", "EH", "ER", "EY", "F", "G", "HH", "IH", "IY", "JH"),
    *("K", "L", "M", "N", "NG", "OW", "OY", "P", "R", "S", "SH", "T", "TH", "UH", "UW", "V", "W", "Y", "Z", "ZH"),
)

Words = tuple[str, ...]


@dataclass(frozen=True)
class _Task:
    """What a decoder listens for."""

    sentences: tuple[Words, ...] = ()  # that it chooses from; none: it writes down what it hears
    extra: tuple[tuple[str, str], ...] = ()  # words and the phones of each


def written_down(clips: Sequence[Floats], rate: int, workers: int = 1) -> list[list[str]]:
    """Return the words that are heard in each clip, in small letters.

    Args:
        clips: [T] float32 each, of any lengths and levels.
        rate: of the clips, in Hz.
        workers: processes that listen at once. With more than one, a script that calls this does so below
            ``if __name__ == "__main__":``, since processes begin by importing it.

    Raises:
        InputError: pocketsphinx is not installed, or a clip is empty or not finite.
    """
    return [text.split() for text in _heard(_Task(), clips, rate, workers)]


def named(
    clips: Sequence[Floats],
    rate: int,
    sentences: Sequence[Sequence[str]],
    extra: Mapping[str, Sequence[str]] | None = None,
    workers: int = 1,
) -> list[int | None]:
    """Return which sentence each clip is taken for, by its number from 0; None where it is taken for none.

    Args:
        clips, rate, workers: as for `written_down`.
        sentences: the words of each, no two alike.
        extra: words that the dictionary of pocketsphinx lacks, with the phones of each (of PHONES, stress left out).

    Raises:
        InputError: as from `written_down`; or sentences are alike or empty, or have unknown words.
    """
    known = tuple(tuple(word.lower() for word in words) for words in sentences)
    numbers = {" ".join(words): number for number, words in enumerate(known)}
    _check(known, numbers)
    told = tuple((word.lower(), " ".join(phones)) for word, phones in (extra or {}).items())
    return [numbers.get(text) for text in _heard(_Task(known, told), clips, rate, workers)]


def unknown_words(sentences: Sequence[Sequence[str]]) -> list[str]:
    """Return the words that the dictionary of pocketsphinx lacks, sorted.

    Raises:
        InputError: pocketsphinx is not installed.
    """
    decoder = _open(lm=None)
    words = {word.lower() for words in sentences for word in words}
    return sorted(word for word in words if decoder.lookup_word(word) is None)


def _check(sentences: Sequence[Words], numbers: Mapping[str, int]) -> None:
    """Raise InputError unless one can choose from these sentences."""
    if not sentences:
        raise InputError("no sentence to choose from was given, expected at least one; give the words of each")
    for number, words in enumerate(sentences):
        if not words:
            raise InputError(f"sentence {number} has no words, expected at least one; leave it out")
        if (other := numbers[" ".join(words)]) != number:
            raise InputError(
                f"sentences {number} and {other} both say {' '.join(words)!r:.60}, expected no two alike; leave one out"
            )


# --- decoding --------------------------------------------------------------------------------------------------------


def _heard(task: _Task, clips: Sequence[Floats], rate: int, workers: int) -> list[str]:
    """Return what is heard in each clip, words with spaces between; nothing where nothing is."""
    made: list[str] = []
    with Progress("listening", len(clips), "clips") as progress:
        for text in _decoded(task, clips, rate, min(workers, len(clips))):
            made.append(text)
            progress.advance(1)
    return made


def _decoded(task: _Task, clips: Sequence[Floats], rate: int, workers: int) -> Iterator[str]:
    if workers < 2:
        decoder = _decoder(task)
        yield from (_decode(decoder, _prepared(clip, rate, number)) for number, clip in enumerate(clips))
        return
    _decoder(task)  # says in this process what is wrong with it
    decode = functools.partial(_decode_in_process, task)
    ignore = (signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; this process ends the others
    # decoders hold Python's lock, so threads would wait for each other
    with ProcessPoolExecutor(workers, get_context("spawn"), signal.signal, ignore) as pool:
        for first in range(0, len(clips), AT_ONCE):
            part = enumerate(clips[first : first + AT_ONCE], first)
            yield from pool.map(decode, [_prepared(clip, rate, number) for number, clip in part])


def _decode_in_process(task: _Task, sound: bytes) -> str:
    return _decode(_decoder_of_process(task), sound)


def _decode(decoder: Any, sound: bytes) -> str:
    decoder.start_utt()
    decoder.process_raw(sound, full_utt=True)
    decoder.end_utt()
    heard = decoder.hyp()
    return heard.hypstr.strip() if heard else ""


def _decoder(task: _Task) -> Any:
    """Return a decoder for a task."""
    if not task.sentences:
        return _open()
    decoder = _open(lm=None)
    for word, phones in task.extra:
        _add(decoder, word, phones)
    words = {word for words in task.sentences for word in words}
    if unknown := sorted(word for word in words if decoder.lookup_word(word) is None):
        raise InputError(
            f"the dictionary of pocketsphinx lacks {many(len(unknown), 'word')} of these sentences, such as "
            f"{unknown[0]!r:.60}; give their phones, or leave these sentences out"
        )
    decoder.add_fsg("sentences", decoder.create_fsg("sentences", 0, 1, _arcs(task.sentences)))
    decoder.activate_search("sentences")
    return decoder


_decoder_of_process: Callable[[_Task], Any] = functools.lru_cache(maxsize=1)(_decoder)


def _arcs(sentences: Sequence[Words]) -> list[tuple[int, int, float, str]]:
    """Return a grammar from state 0 to state 1, one path for each sentence, all as likely."""
    arcs, free = [], 2
    for words in sentences:
        states = [0, *range(free, free + len(words) - 1), 1]
        free += len(words) - 1
        chances = [1 / len(sentences), *[1.0] * (len(words) - 1)]
        arcs += [*zip(states[:-1], states[1:], chances, words, strict=True)]
    return arcs


def _add(decoder: Any, word: str, phones: str) -> None:
    if unknown := [phone for phone in phones.split() if phone not in PHONES]:
        raise InputError(f"the phone {unknown[0]!r:.20} of {word!r:.60} is none of {', '.join(PHONES)}; spell it anew")
    if not phones or not word.strip():
        raise InputError(f"{word!r:.60} has the phones {phones!r:.60}, expected a word and at least one; leave it out")
    if decoder.lookup_word(word) is None:
        decoder.add_word(word, phones, update=False)


def _open(**settings: Any) -> Any:
    """Return a decoder of American English."""
    try:
        from pocketsphinx import Decoder
    except ImportError:
        raise InputError(
            "pocketsphinx, which judges whether speech is understood, is not installed; "
            "install it with: pip install 'wavenet-audio[speech]'"
        ) from None
    return Decoder(samprate=RATE, loglevel="FATAL", **settings)


def _prepared(clip: Floats, rate: int, number: int) -> bytes:
    """Return a clip as it is decoded: int16 at RATE and LEVEL, between silences."""
    if not len(clip):
        raise InputError(f"clip {number} has no samples, expected at least one; leave it out")
    if not np.isfinite(clip).all():
        raise InputError(f"clip {number} has samples that are not finite, expected -1 to 1; leave it out")
    wave = np.concatenate([*resampled(iter([np.asarray(clip, np.float32)]), rate, RATE)])
    rms = float(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))) if len(wave) else 1.0
    padded = np.pad(wave * np.float32(LEVEL / max(rms, QUIETEST)), round(SILENCE_SECONDS * RATE))
    padded += np.random.default_rng(0).normal(0, NOISE, len(padded)).astype(np.float32)
    return (np.clip(padded, -1, 1) * 32767).astype("<i2").tobytes()
