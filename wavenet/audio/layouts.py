"""Clips by the names of their files: what a data set's own names and folders say. Opens no sound.

Nor a text that lies in a file of its own (VCTK, LibriTTS): nothing here speaks from text yet, and at every start there
would be a file to open for each sound.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath

from wavenet.audio import unread
from wavenet.audio.files import SUFFIXES, is_file
from wavenet.errors import SoundError
from wavenet.progress import log, printable

MOST = 0.9  # of a folder's sound files must be named as a data set names its own
LISTS = {"validation_list.txt": "valid", "testing_list.txt": "test"}  # of Speech Commands
ANSWERS = {"0": "no", "1": "yes"}  # of YesNo


@dataclass(frozen=True)
class Clip:
    """One sound file and what its folder says of it.

    Args:
        path: the file.
        name: its path relative to the data set's own folder, with forward slashes: its identity in splits and the
            cache.
        speaker: who is heard.
        label: what class it is.
        text: what is said.
        prompt: what was asked for; takes of one prompt share it.
        split: the data's own train, valid or test.
        microphone: which of several that heard one take at once; those takes share a prompt.
    """

    path: Path
    name: str
    speaker: str | None = None
    label: str | None = None
    text: str | None = None
    prompt: str | None = None
    split: str | None = None
    microphone: str | None = None


def bare(path: PurePath) -> str:
    """Return a path without its suffix, with forward slashes."""
    return os.path.splitext(path.as_posix())[0]  # noqa: PTH122  (twenty times as fast, for 400,000 files)


def walk(folder: Path, beside: list[Path] | None = None) -> list[Path]:
    """Return the sound files below a folder; links are followed, each folder is entered once.

    A folder that cannot be read is passed over with a warning.

    Args:
        folder: absolute.
        beside: takes the other files that are worth a word (see `unread.noted`).
    """
    found, entered = [], set()

    def passed_over(error: OSError) -> None:
        log.warning("the folder %s is passed over: %s", printable(str(error.filename)), error.strerror)

    for place, folders, names in os.walk(folder, onerror=passed_over, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in entered else sorted(name for name in folders if not name.startswith("."))
        if real not in entered:
            found += [
                Path(place, name)
                for name in sorted(names)
                if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")  # noqa: PTH122  (see bare)
            ]
            if beside is not None:
                beside += unread.noted(place, names)
        entered.add(real)
    return found


Found = list[tuple[Path, re.Match[str]]]  # absolute paths, each with what its name says


@dataclass(frozen=True)
class Layout:
    """How a data set names its files.

    Args:
        title: the data set.
        shape: its file names in words.
        pattern: is searched for in a file's absolute path without its suffix.
        depth: how many folders lie between a file and the data set's own folder; None: the folder given is that.
        read: clips of the files found, named relative to a folder.
        aside: the pattern of sound that belongs to the data set, but is no clip of it.
    """

    title: str
    shape: str
    pattern: re.Pattern[str]
    depth: int | None
    read: Callable[[Path, Found], list[Clip]]
    aside: re.Pattern[str] | None = None


def any_folder(folder: Path, sounds: Iterable[Path]) -> list[Clip]:
    """Return sound files below a folder as clips of which nothing is known."""
    return [Clip(path, _name(path, folder)) for path in sounds]


def recognise(sounds: Iterable[Path]) -> str | None:
    """Return the layout that nine in ten of some files (absolute paths) are named in, or None."""
    stems = [bare(path) for path in sounds]
    for name, layout in LAYOUTS.items():
        aside = sum(layout.aside.search(stem) is not None for stem in stems) if layout.aside else 0
        named = sum(layout.pattern.search(stem) is not None for stem in stems)
        if named and named >= MOST * (len(stems) - aside):
            return name
    return None


def named(folder: Path, name: str, sounds: Iterable[Path]) -> tuple[Path, list[Clip]]:
    """Return a data set's own folder, which is `folder` or lies below it, and its clips.

    Args:
        folder: the folder given, absolute.
        name: of the layout.
        sounds: the files below it.

    Raises:
        SoundError: no file is named as in this layout, or a list of splits cannot be read.
    """
    layout, found, others = LAYOUTS[name], [], []
    for path in sounds:
        stem = bare(path)
        match = layout.pattern.search(stem)
        if match:
            found.append((path, match))
        elif layout.aside is None or not layout.aside.search(stem):
            others.append(path)
    if not found:
        raise SoundError(
            f"{folder} holds no sound file named as in {layout.title} ({layout.shape}); set data.source to auto"
        )
    if others:
        log.warning("%s is left out: not named %s%s", printable(str(others[0])), layout.shape, _more(others))
    homes = set() if layout.depth is None else {_above(path, layout.depth) for path, _ in found}
    home = homes.pop() if len(homes) == 1 else folder
    root = home if home.is_relative_to(folder) else folder
    return root, layout.read(root, found)


def fsdd_parts(name: str) -> tuple[str, str, int] | None:
    """Return (label, speaker, take) of a file named as the Free Spoken Digit Dataset does, else None."""
    match = LAYOUTS["fsdd"].pattern.match(Path(name).stem)
    return (match["label"], match["speaker"], int(match["take"])) if match else None


def _name(path: Path, folder: Path) -> str:
    return "/".join(path.parts[len(folder.parts) :])  # lies below it; ten times as fast as relative_to


def _more(items: list[Path]) -> str:
    return f", and {len(items) - 1:,} more" if len(items) > 1 else ""


def _above(path: Path, depth: int) -> Path:
    """Return the folder that lies `depth` folders above a file's own; the root, where there are not so many."""
    parents = path.parents
    return parents[min(depth, len(parents) - 1)]


# --- each data set ---------------------------------------------------------------------------------------------------


def _fsdd(folder: Path, found: Found) -> list[Clip]:
    """Takes 0 to 4 are the test split, 5 to 9 are held out while training."""
    clips = []
    for path, match in found:
        take = int(match["take"])
        split = "test" if take < 5 else "valid" if take < 10 else "train"
        clips.append(Clip(path, _name(path, folder), speaker=match["speaker"], label=match["label"], split=split))
    return clips


def _vctk(folder: Path, found: Found) -> list[Clip]:
    """The prompt is one speaker's sentence, since few sentences have one number for all; both microphones share it."""
    return [Clip(path, _name(path, folder), **match.groupdict()) for path, match in found]


def _speech_commands(folder: Path, found: Found) -> list[Clip]:
    words: dict[Path, list[Path]] = defaultdict(list)
    for path, _ in found:
        words[path.parent].append(path)
    splits: dict[Path, str] = {}
    for home in sorted({place.parent for place in words}):
        splits |= _listed(home, [path for place in words if place.parent == home for path in words[place]])
    return [
        Clip(path, _name(path, folder), speaker=match["speaker"], label=match["label"], split=splits.get(path))
        for path, match in found
    ]


def _listed(home: Path, sounds: list[Path]) -> dict[Path, str]:
    """Return the split of every file by the two lists beside the words: train where neither names it.

    A suffix says nothing there, so that sound kept in another format stays in its split.
    """
    lists = [home / name for name in LISTS if is_file(home / name)]
    for name in LISTS:
        if home / name not in lists:
            rest = "files are trained on unless the other list or a hash of their name says otherwise"
            log.warning("%s is missing: %s", home / name, rest)
    if not lists:
        return {}
    splits, unknown = dict.fromkeys((bare(path) for path in sounds), "train"), []
    for place in lists:
        try:
            lines = place.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise SoundError(f"{place} cannot be read as text: {error}; get it again, or remove it") from None
        for entry in (home / line.strip() for line in lines if line.strip()):
            if bare(entry) in splits:
                splits[bare(entry)] = LISTS[place.name]
            else:
                unknown.append(entry)
    if unknown:
        name = printable(unknown[0].name)
        log.warning("%s: the lists of splits name %s, which is not there%s", home, name, _more(unknown))
    return {path: splits[bare(path)] for path in sounds}


def _yesno(folder: Path, found: Found) -> list[Clip]:
    return [
        Clip(
            path,
            _name(path, folder),
            label=match["label"],
            text=" ".join(ANSWERS[digit] for digit in match["label"].split("_")),
        )
        for path, match in found
    ]


def _libritts(folder: Path, found: Found) -> list[Clip]:
    splits = {"train": "train", "dev": "valid", "test": "test"}
    return [
        Clip(path, _name(path, folder), speaker=match["speaker"], split=splits[match["split"]]) for path, match in found
    ]


LAYOUTS = {
    "fsdd": Layout(
        "the Free Spoken Digit Dataset",
        "DIGIT_SPEAKER_TAKE",
        re.compile(r"(?:^|/)(?P<label>\d)_(?P<speaker>[^_/]+)_(?P<take>\d+)$"),
        None,
        _fsdd,
    ),
    "vctk": Layout(
        "VCTK",
        "p225/p225_001, or p225_001_mic1",
        re.compile(r"/(?P<speaker>[ps]\d+)/(?P<prompt>(?P=speaker)_\d+)(?:_(?P<microphone>mic\d))?$"),
        2,  # wav48/p225, or wav48_silence_trimmed/p225
        _vctk,
    ),
    "speech_commands": Layout(
        "Speech Commands",
        "WORD/SPEAKER_nohash_TAKE",
        re.compile(r"/(?P<label>[^/]+)/(?P<speaker>[^/_]+)_nohash_\d+$"),
        1,
        _speech_commands,
        re.compile(r"/_background_noise_/[^/]+$"),
    ),
    "yesno": Layout(
        "YesNo",
        "eight digits such as 0_1_0_1_1_1_0_0",
        re.compile(r"/(?P<label>[01](?:_[01]){7})$"),
        0,
        _yesno,
    ),
    "libritts": Layout(
        "LibriTTS",
        "train-clean-100/SPEAKER/CHAPTER/SPEAKER_CHAPTER_PARAGRAPH_SENTENCE",
        re.compile(
            r"/(?P<split>train|dev|test)-[a-z]+(?:-\d+)?/(?P<speaker>\d+)/(?P<chapter>\d+)/(?P=speaker)_(?P=chapter)_\d+_\d+$"
        ),
        3,
        _libritts,
    ),
}
