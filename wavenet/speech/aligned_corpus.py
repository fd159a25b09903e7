"""The phones of a corpus: those that labels beside its recordings give, else those that are heard. Found once and kept.

They are kept beside the decoded sound, each under a digest of what decided on it: samples, text and labels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from wavenet.audio import files
from wavenet.audio.cache import Cache, Samples
from wavenet.audio.decode import Entry
from wavenet.audio.layouts import Clip
from wavenet.audio.resample import resampled
from wavenet.errors import InputError, SoundError
from wavenet.outputs import Floats
from wavenet.progress import Progress
from wavenet.speech import doubts, english, kept, labels, transcripts
from wavenet.speech.dictionary import is_english
from wavenet.speech.doubts import Heard
from wavenet.speech.kept import Outcome
from wavenet.speech.listeners import Listener, heard
from wavenet.speech.phones import SILENCE, Aligned
from wavenet.text import to_json

LABELS_VERSION = 2  # raise it when the same labels would give other phones
FILE = "alignment.jsonl"
UNLABELLED = "it has no labels (NAME.TextGrid or NAME.lab), and only English is aligned with its text"


@dataclass(frozen=True)
class _Recording:
    """What there is to align."""

    clip: Clip
    entry: Entry
    labels: Path | None  # beside it
    text: str | None  # where it has no labels
    lacking: str | None  # why it cannot be aligned
    key: str  # a digest of all that decides on its phones


def aligned(clips: Sequence[Clip], decoded: Cache, english: bool = True) -> list[Aligned | str]:
    """Return the phones of all clips, or why they are not known; what is found is kept beside the decoded sound.

    Args:
        clips: those that decoding kept, in its order.
        decoded: their sound. Phones last as long as it, in seconds.
        english: whether texts are English. They are not where labels beside others have phones of another language.

    Raises:
        InputError: a package of the extra `speech` that is needed is not installed.
        WavenetError: what is found cannot be kept.
    """
    entries = [entry for entry in decoded.entries if entry.reason is None]
    recordings = [_recording(clip, entry, decoded) for clip, entry in zip(clips, entries, strict=True)]
    path = decoded.folder / FILE
    known = kept.read(path)
    labelled = [one.labels is not None for one in recordings]
    known |= _found(recordings, _todo(recordings, known, labelled), decoded, path)
    if not english or any(_foreign(known.get(one.key)) for one in recordings if one.labels is not None):
        recordings = [replace(one, lacking=one.lacking or UNLABELLED) if not one.labels else one for one in recordings]
    known |= _found(recordings, _todo(recordings, known, [True] * len(recordings)), decoded, path)
    outcomes = [one.lacking or known[one.key] for one in recordings]
    return _believed(recordings, outcomes)


def _todo(recordings: Sequence[_Recording], known: Collection[str], chosen: Sequence[bool]) -> list[int]:
    """Return which of the chosen recordings can be aligned, and are not yet."""
    return [at for at, one in enumerate(recordings) if chosen[at] and one.key not in known and not one.lacking]


def _foreign(outcome: Outcome | None) -> bool:
    """Return whether labels have phones that are not those of English text."""
    if outcome is None or isinstance(outcome, str):
        return False
    return not is_english(phone.name for phone in outcome.aligned.phones if phone.name != SILENCE)


def _recording(clip: Clip, entry: Entry, decoded: Cache) -> _Recording:
    beside, text, lacking = labels.beside(clip.path), None, None
    if beside is not None and entry.trimmed:
        lacking = f"{beside.name} is of the whole file, of which data.trim cuts the ends; leave data.trim out"
    elif beside is None:
        try:
            text = transcripts.text_of(clip)
            lacking = None if text else "it has no text: neither a table nor a file beside it says what is spoken"
        except SoundError as error:
            lacking = str(error)
    told = [english.VERSION, text] if beside is None else [LABELS_VERSION, beside.suffix, _digest(beside)]
    what = to_json([entry.digest, entry.length, decoded.sample_rate, told])
    key = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()
    return _Recording(clip, entry, beside, text, lacking, key)


def _digest(path: Path) -> str:
    """Return a digest of a file, or why there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return str(error.errno)


def _found(recordings: Sequence[_Recording], todo: Sequence[int], decoded: Cache, path: Path) -> dict[str, Outcome]:
    """Return what is found in some of the recordings, having kept it."""
    found = dict[str, Outcome]()
    if not todo:
        return found
    samples = decoded.pcm()

    def ask(listener: Listener, at: int) -> tuple[Outcome, bool]:
        """Return an outcome, and whether it is to be kept: not if a package may be missing."""
        one = recordings[at]
        try:
            return _outcome(one, lambda: _wave(one, decoded, samples), decoded.sample_rate, listener), True
        except SoundError as error:
            return str(error), True
        except InputError as error:
            return str(error), False

    with kept.adding(path) as add, Progress("aligning", len(todo), "recordings") as progress:
        for at, (outcome, keep) in zip(todo, heard(ask, todo), strict=True):
            found[recordings[at].key] = outcome
            if keep:
                add(recordings[at].key, outcome)
            progress.advance(1)
    return found


def _outcome(one: _Recording, wave: Callable[[], Floats], rate: int, listener: Listener) -> Outcome:
    if one.labels is not None:
        return Heard(labels.read(one.labels, one.entry.length / rate), 0.0, 0.0, 0.0, 0.0)
    sound = wave()
    found, score, short = english.hear(listener, sound, english.words(one.text or ""))
    found = _lasting(found, one.entry.length / rate)
    return Heard(found, score, short, *doubts.fit(sound, found))


def _lasting(found: Aligned, seconds: float) -> Aligned:
    """Return phones that last as long as the sound at its own rate, to which another may differ by a sample."""
    return Aligned(found.phones, (*found.ends[:-1], seconds))


def _wave(one: _Recording, decoded: Cache, samples: Samples) -> Floats:
    """Return a recording at 16 kHz: as decoded, or from its file where that has more than was decoded."""
    entry = one.entry
    if decoded.sample_rate < min(english.RATE, entry.source_rate) and not entry.trimmed:
        return files.read(one.clip.path, english.RATE, one.clip.name)
    wave = samples[entry.first : entry.first + entry.length].astype(np.float32)
    return np.concatenate(list(resampled(iter([wave]), decoded.sample_rate, english.RATE)))


def _believed(recordings: Sequence[_Recording], outcomes: Sequence[Outcome]) -> list[Aligned | str]:
    """Return the alignments that are to be believed."""
    listened = [
        (at, outcome)
        for at, (one, outcome) in enumerate(zip(recordings, outcomes, strict=True))
        if isinstance(outcome, Heard) and one.labels is None
    ]
    doubted = dict(zip([at for at, _ in listened], doubts.reasons([one for _, one in listened]), strict=True))
    return [
        outcome if isinstance(outcome, str) else doubted.get(at) or outcome.aligned
        for at, outcome in enumerate(outcomes)
    ]
