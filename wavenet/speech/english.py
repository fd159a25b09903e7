"""Where the phones of a recorded English sentence lie.

The acoustic model that comes with pocketsphinx hears a frame every 10 ms, in windows of 25.6 ms. A recording at another
rate is resampled; one of 8 kHz aligns too, if less exactly.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wavenet.errors import SoundError
from wavenet.outputs import Floats
from wavenet.speech import normal, pronounce
from wavenet.speech.decoder import Found
from wavenet.speech.dictionary import Said
from wavenet.speech.listeners import Listener
from wavenet.speech.phones import SILENCE, Aligned, Phone

CODE = ("decoder.py", "doubts.py", "english.py")  # what decides on an alignment beside the recording and its words
RATE = 16_000  # Hz, of the acoustic model
FRAME_SECONDS, WINDOW_SECONDS = 0.010, 0.025625
LATE = (WINDOW_SECONDS - FRAME_SECONDS) / 2  # frame k hears what lies around k * 10 ms + 12.8 ms, 7.8 ms behind its own
PAD = round(0.2 * RATE)  # samples of silence at both ends, without which a sentence may begin and end too late
PEAK = 0.5  # of what is heard; pocketsphinx takes 16 bits, in which quiet recordings are coarse
SHORTEST = 3  # frames of a phone: one for each state of the model
BRIEF = FRAME_SECONDS / 2  # a shorter pause is none
LONGEST = 120.0  # seconds at once: they take 400 MB
FASTEST = 30.0  # phones in a second: nobody speaks as fast
ONE_AT_A_TIME = threading.Lock()  # recordings are heard in threads, and espeak-ng, which says rare words, knows of none


def words(text: str) -> list[str]:
    """Return the words of a text as they are said.

    Raises:
        InputError: it has characters that English has no sound for, or a package of the extra `speech` is missing.
    """
    return [word for sentence in normal.sayable(text) for word in sentence.words]


@functools.cache
def version() -> str:
    """Return a text that is another one where the same recording and words might be aligned otherwise."""
    code = (Path(__file__).with_name(name).read_bytes() for name in CODE)
    return hashlib.sha256(b"".join(code)).hexdigest()[:16]


def ways(word: str) -> tuple[Said, ...]:
    """Return how a word can be said: its phones with their stress, the usual way first.

    Raises:
        InputError: there is no way to say it, or a package of the extra `speech` is missing.
    """
    return tuple(tuple((phone.name, phone.stress) for phone in way) for way in pronounce.alternatives(word))


def hear(listener: Listener, wave: Floats, words: Sequence[str]) -> tuple[Aligned, float, float]:
    """Return where the phones of a sentence lie, the log probability of a frame of them, and the share of short ones.

    The log probability, in the units of pocketsphinx, is to be compared within a corpus. A phone is short that has no
    more than a frame for each of its three states.

    Args:
        listener: hears.
        wave: the recording, [T] float32 at 16 kHz.
        words: as they are said (`words`).

    Raises:
        SoundError: the recording does not say them, or nothing can be said of it.
        InputError: a part of the extra `speech` is missing.
    """
    if not words:
        raise SoundError("its text has no words")
    seconds = len(wave) / RATE
    if seconds > LONGEST:
        raise SoundError(f"it lasts {seconds:.0f} s; cut it into sentences, of at most {LONGEST:.0f} s")
    with ONE_AT_A_TIME:
        known = [(word, [[name for name, _ in way] for way in ways(word)]) for word in words]
    least = sum(min(map(len, of)) for _, of in known)
    if least > FASTEST * seconds:
        raise SoundError(f"its text has {least} phones, too many for its {seconds:.1f} s")
    found = listener.find(known, pcm(wave))
    said = [(frames, score) for _, word, _, frames, score in found if word >= 0]
    short = sum(frames <= SHORTEST for frames, _ in said) / len(said)
    mean = sum(score for _, score in said) / sum(frames for frames, _ in said)
    return aligned(found, words, seconds), mean, short


def pcm(wave: Floats) -> bytes:
    """Return a recording as the decoder takes it: 16 bits, loud enough, between silences."""
    loudest = float(np.abs(wave).max(initial=0.0))
    if not loudest:
        raise SoundError("it is silent")
    samples = np.zeros(PAD + len(wave) + PAD, "<i2")
    samples[PAD:-PAD] = np.round(wave * (PEAK / loudest * 32767))
    return samples.tobytes()


def aligned(found: Found, words: Sequence[str], seconds: float) -> Aligned:
    """Return what was found in a recording of some seconds, between silences, as phones with stress and their ends.

    Raises:
        SoundError: a phone lies in the silence before or behind the recording.
    """
    phones, ends, stresses = list[Phone](), list[float](), _stresses(found, words)
    for at, (name, word, first, frames, _) in enumerate(found):
        end = min(seconds, round((first + frames) * FRAME_SECONDS + LATE - PAD / RATE, 7))
        if at + 1 == len(found):
            end = seconds
        start, silent = ends[-1] if ends else 0.0, word < 0
        if silent and (end - start < BRIEF or (phones and phones[-1].silent)):
            if ends and end > start:  # what is no pause of its own belongs to what is before
                ends[-1] = end
            continue
        if end <= start:
            raise SoundError(f"its word {words[word]!r} was found outside it")
        phones.append(Phone(SILENCE) if silent else Phone(name, stresses[at], word))
        ends.append(end)
    return Aligned(tuple(phones), tuple(ends))


def _stresses(found: Found, words: Sequence[str]) -> dict[int, int]:
    """Return the stress of each phone that was found, by its place."""
    places: dict[int, list[int]] = {}
    for at, (_, word, *_) in enumerate(found):
        if word >= 0:
            places.setdefault(word, []).append(at)
    made: dict[int, int] = {}
    with ONE_AT_A_TIME:
        for word, own in places.items():
            for at, phone in zip(own, pronounce.stressed(words[word], [found[at][0] for at in own]), strict=True):
                made[at] = phone.stress
    return made
