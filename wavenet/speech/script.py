"""What tells which phones a recording has, before it is heard: labels beside it, or else its text."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio.layouts import Clip
from wavenet.errors import InputError, SoundError
from wavenet.speech import english, labels, listeners, sentences, textgrid, transcripts
from wavenet.speech.dictionary import Said


@dataclass(frozen=True)
class Script:
    """What tells which phones a recording has."""

    labels: Path | None  # beside it
    words: tuple[tuple[str, tuple[Said, ...]], ...]  # of its text, where it has no labels, with all ways to say them
    sentences: int  # of its text
    lacking: str | None  # why it cannot be told


def of_clip(clip: Clip, trimmed: bool, ways: Callable[[str], tuple[Said, ...]] = english.ways) -> Script:
    """Return what tells which phones a recording has.

    Args:
        clip: the recording.
        trimmed: whether its ends are cut, so that labels of it all do not fit.
        ways: to say a word; `english.ways`, or a version of it that remembers.
    """
    beside = labels.beside(clip.path)
    if beside is not None:
        cut = f"{beside.name} is of the whole file, of which data.trim cuts the ends; leave data.trim out"
        return Script(beside, (), 0, cut if trimmed else None)
    try:
        text = transcripts.text_of(clip)
        if not text:
            return Script(None, (), 0, "it has no text: neither a table nor a file beside it says what is spoken")
        words = tuple((word, ways(word)) for word in english.words(text))
    except (SoundError, InputError) as error:  # it cannot be read, or not be said
        return Script(None, (), 0, str(error))
    return Script(None, words, len(sentences.split(text)), None)


def absent(one: Script) -> str | None:
    """Return which package is missing that would find the phones of a recording, None where none is."""
    if one.labels is not None:
        needed, words = ("praatio", textgrid.MISSING) if one.labels.suffix == labels.SUFFIXES[0] else ("", "")
    else:
        needed, words = "pocketsphinx", listeners.MISSING
    return words if needed and importlib.util.find_spec(needed) is None else None
