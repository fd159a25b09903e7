"""The phones of a corpus: those that labels beside its recordings give, else those that are heard. Found once and kept.

They are kept beside the decoded sound, each under a digest of what decided on it: samples, and the words of its text
with all the ways to say them, or labels. So where a text comes to be read otherwise, it is aligned anew.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
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
from wavenet.speech import doubts, english, kept, labels, script
from wavenet.speech.dictionary import Said
from wavenet.speech.doubts import Heard
from wavenet.speech.kept import Outcome
from wavenet.speech.listeners import Listener, heard
from wavenet.speech.phones import Aligned
from wavenet.speech.script import Script
from wavenet.text import to_json

LABELS_VERSION = 1  # raise it when the same labels would give other phones
FILE = "alignment.jsonl"


@dataclass(frozen=True)
class _Recording:
    """What there is to align."""

    clip: Clip
    entry: Entry
    script: Script
    key: str  # a digest of all that decides on its phones


def aligned(clips: Sequence[Clip], decoded: Cache) -> list[Aligned | str]:
    """Return the phones of all clips, or why they are not known; what is found is kept beside the decoded sound.

    Args:
        clips: those that decoding kept, in its order.
        decoded: their sound. Phones last as long as it, in seconds.

    Raises:
        InputError: a package of the extra `speech` that is needed is not installed.
        WavenetError: what is found cannot be kept.
    """
    entries = [entry for entry in decoded.entries if entry.reason is None]
    ways = functools.cache(english.ways)  # most words come often
    recordings = [_recording(clip, entry, decoded, ways) for clip, entry in zip(clips, entries, strict=True)]
    path = decoded.folder / FILE
    known = kept.read(path)
    todo = [at for at, one in enumerate(recordings) if one.key not in known and not one.script.lacking]
    if todo:
        known |= _found(recordings, todo, decoded, path)
    outcomes = [one.script.lacking or known[one.key] for one in recordings]
    return _believed(recordings, outcomes)


def _recording(clip: Clip, entry: Entry, decoded: Cache, ways: Callable[[str], tuple[Said, ...]]) -> _Recording:
    one = script.of_clip(clip, bool(entry.trimmed), ways)
    beside = one.labels
    told = [english.version(), one.words] if beside is None else [LABELS_VERSION, beside.suffix, _digest(beside)]
    what = to_json([entry.digest, entry.length, decoded.sample_rate, told])
    key = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()
    return _Recording(clip, entry, one, key)


def _digest(path: Path) -> str:
    """Return a digest of a file, or why there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return str(error.errno)


def _found(recordings: Sequence[_Recording], todo: Sequence[int], decoded: Cache, path: Path) -> dict[str, Outcome]:
    """Return what is found in some of the recordings, having kept it."""
    samples, found = decoded.pcm(), dict[str, Outcome]()

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
    if one.script.labels is not None:
        return Heard(labels.read(one.script.labels, one.entry.length / rate), 0.0, 0.0, 0.0, 0.0)
    sound = wave()
    found, score, short = english.hear(listener, sound, [word for word, _ in one.script.words])
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
        if isinstance(outcome, Heard) and one.script.labels is None
    ]
    doubted = dict(zip([at for at, _ in listened], doubts.reasons([one for _, one in listened]), strict=True))
    return [
        outcome if isinstance(outcome, str) else doubted.get(at) or outcome.aligned
        for at, outcome in enumerate(outcomes)
    ]
