"""What is said in recordings, where their table does not tell: a text file of its own for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wavenet import disk
from wavenet.audio.files import is_file
from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.text import one_line

SUFFIXES = (".normalized.txt", ".txt", ".lab")  # of LibriTTS, VCTK and others, the Montreal Forced Aligner
MOST_BYTES = 1 << 16


def text_of(clip: Clip) -> str | None:
    """Return what is said in a clip, by its table or else by its text file; None where neither says it.

    Raises:
        SoundError: its file cannot be read.
    """
    path = None if clip.text else next(filter(is_file, _places(clip)), None)
    if path is None:
        return clip.text or None
    try:
        return " ".join(disk.read_at_most(path, MOST_BYTES).split()) or None
    except (OSError, ValueError) as error:
        raise SoundError(f"its text {path.name} cannot be read ({one_line(error, 120)})") from None


def _places(clip: Clip) -> Iterator[Path]:
    """Yield where the text of a clip may lie: beside it; in VCTK, as ``txt/p225/p225_001.txt``, beside ``wav48``."""
    for suffix in SUFFIXES:
        yield clip.path.with_suffix(suffix)
    if clip.prompt is not None and clip.speaker is not None and len(clip.path.parents) > 2:
        yield clip.path.parents[2] / "txt" / clip.speaker / f"{clip.prompt}.txt"
