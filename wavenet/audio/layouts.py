"""Clips by the names of their files: what a data set's own names and folders say. Opens no sound.

Nor a text that lies in a file of its own (VCTK, LibriTTS): nothing here speaks from text yet, and at every start there
would be a file to open for each sound.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from wavenet.audio import generated, spoken_digits, unread
from wavenet.audio.files import SUFFIXES, is_file
from wavenet.errors import SoundError
from wavenet.progress import log
from wavenet.text import many, printable, some

MOST = 0.9  # of a folder's sound files must be named as a data set names its own
LISTS = {"validation_list.txt": "valid", "testing_list.txt": "test"}  # of Speech Commands
TAKE_OWN = "--set data.generated=true takes it too"  # the remedy where sound of this program is passed over
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


def walk(folder: Path, beside: list[Path] | None = None, *, outside: bool = False, own: bool = False) -> list[Path]:
    """Return the sound files below a folder; links are followed, each folder is entered once.

    What is passed over is told: folders that cannot be read, links to folders that lie elsewhere, and runs and bundles
    of this program.

    Args:
        folder: the folder, whatever it is itself.
        beside: takes the other files that are worth a word (see `unread.noted`).
        outside: follow links to folders that do not lie below it, too.
        own: enter runs and bundles, too.
    """
    found, entered, away, made = [], set(), list[Path](), list[Path]()
    top = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118

    def passed_over(error: OSError) -> None:
        log.warning("the folder %s is passed over: %s", printable(str(error.filename)), error.strerror)

    for place, folders, names in os.walk(folder, onerror=passed_over, followlinks=True):
        real = os.path.join(os.path.realpath(place), "")  # noqa: PTH118
        below = [] if real in entered else sorted(name for name in folders if not name.startswith("."))
        folders.clear()
        if real in entered:
            continue
        if not (outside or real.startswith(top)):
            away.append(Path(place))
        elif not own and real != top and generated.is_own_folder(Path(place), {*below, *names}):
            made.append(Path(place))
        else:
            folders.extend(below)
            found += [
                Path(place, name)
                for name in sorted(names)
                if os.path.splitext(name)[1].lower() in SUFFIXES and not name.startswith(".")  # noqa: PTH122  (see bare)
            ]
            if beside is not None and not generated.is_own_folder(Path(place), {*below, *names}):
                beside += unread.noted(place, names)
        entered.add(real)
    tell(away, "a link out of the data folder", "--set data.outside=true follows it")
    tell(made, "a run or bundle of this program", TAKE_OWN)
    return found


def tell(paths: Sequence[Path], why: str, remedy: str = "") -> None:
    """Warn in one line of what is left out: the first path, how many more, why, and what takes them."""
    if paths:
        log.warning("left out: %s (%s)%s", some([*map(str, paths)]), why, f"; {remedy}" if remedy else "")


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
        free: the same as `pattern`, where lists beside the folders, or the recipe, say what it is: files in them may
            then be called as they like.
        chance: why files may be named so by chance, in words, or None where they are too many and too regular for it.
    """

    title: str
    shape: str
    pattern: re.Pattern[str]
    depth: int | None
    read: Callable[[Path, Found], list[Clip]]
    aside: re.Pattern[str] | None = None
    free: re.Pattern[str] | None = None
    chance: Callable[[Sequence[re.Match[str]]], str | None] = lambda matches: None


def any_folder(folder: Path, sounds: Sequence[Path]) -> list[Clip]:
    """Return sound files below a folder as clips; folders are labels where every file lies right in one of several."""
    depth = len(folder.parts) + 2
    within = {path.parts[-2] if len(path.parts) == depth else None for path in sounds}
    labelled = len(within) > 1 and None not in within
    return [Clip(path, _name(path, folder), label=path.parts[-2] if labelled else None) for path in sounds]


def recognise(sounds: Sequence[Path]) -> str | None:
    """Return the layout of some files (absolute paths), or None.

    It is the one that nine in ten of them are named in, unless they may be so by chance, which is told; else one whose
    lists lie beside their folders.
    """
    stems, doubts = [bare(path) for path in sounds], list[str]()
    for name, layout in LAYOUTS.items():
        aside = sum(layout.aside.search(stem) is not None for stem in stems) if layout.aside else 0
        matches = [match for match in map(layout.pattern.search, stems) if match]
        if not matches or len(matches) < MOST * (len(stems) - aside):
            continue
        chance = layout.chance(matches)
        if chance is None:
            return name
        doubts.append(
            f"{many(len(matches), 'file')} named {layout.shape} as in {layout.title}, but perhaps by chance "
            f"({chance}); if it is that, say --set data.source={name}"
        )
    if _lists_beside(sounds):
        return "speech_commands"
    for doubt in doubts:
        log.warning(doubt)
    return None


def _lists_beside(sounds: Sequence[Path]) -> bool:
    """Return whether files lie in folders beside which Speech Commands' lists lie."""
    homes: set[Path] = set()
    for path in sounds:
        homes.add(path.parent.parent)
        if len(homes) > 1:
            return False
    return any(is_file(home / name) for home in homes for name in LISTS)


def named(folder: Path, name: str, sounds: Sequence[Path]) -> tuple[Path, list[Clip]]:
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
        if match is None and layout.free is not None and path.parent != folder:
            match = None if layout.aside and layout.aside.search(stem) else layout.free.search(stem)
        if match:
            found.append((path, match))
        elif layout.aside is None or not layout.aside.search(stem):
            others.append(path)
    if not found:
        raise SoundError(
            f"{folder} holds no sound file named as in {layout.title} ({layout.shape}); set data.source to auto"
        )
    tell(others, f"not named {layout.shape}")
    homes = set() if layout.depth is None else {_above(path, layout.depth) for path, _ in found}
    home = homes.pop() if len(homes) == 1 else folder
    root = home if home.is_relative_to(folder) else folder
    return root, _trainable(layout, layout.read(root, found))


def _trainable(layout: Layout, clips: list[Clip]) -> list[Clip]:
    """Return clips without the splits of their data set where these leave nothing to train on."""
    counts = Counter(clip.split for clip in clips)
    if set(counts) & {"train", None}:
        return clips
    held = ", ".join(f"{count:,} for {name}" for name, count in counts.items())
    log.warning(
        "all of these files of %s are held out by its own splits (%s): they are divided anew, as with --set "
        "data.split.by=file",
        *(layout.title, held),
    )
    return [replace(clip, split=None) for clip in clips]


def fsdd_parts(name: str) -> tuple[str, str, int] | None:
    """Return (label, speaker, take) of a file named as the Free Spoken Digit Dataset does, else None."""
    match = spoken_digits.PATTERN.match(Path(name).stem)
    return (match["label"], match["speaker"], int(match["take"])) if match else None


def _name(path: Path, folder: Path) -> str:
    return "/".join(path.parts[len(folder.parts) :])  # lies below it; ten times as fast as relative_to


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
        Clip(path, _name(path, folder), label=match["label"], speaker=match["speaker"], split=splits.get(path))
        for path, match in found
    ]


def _listed(home: Path, sounds: list[Path]) -> dict[Path, str]:
    """Return the split of every file by the two lists beside the words: train where neither names it.

    A suffix says nothing there, so that sound kept in another format stays in its split.
    """
    lists = [home / name for name in LISTS if is_file(home / name)]
    missing = [name for name in LISTS if home / name not in lists]
    if missing:
        rest = f"files are trained on unless {'the other list or ' if lists else ''}a hash of their name says otherwise"
        which = f"{' and '.join(missing)} {'are' if len(missing) > 1 else 'is'}"
        log.warning("%s: %s missing: %s", home, which, rest)
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
        log.warning("%s: the lists of splits name what is not there: %s", home, some([path.name for path in unknown]))
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
        spoken_digits.PATTERN,
        None,
        _fsdd,
        chance=spoken_digits.by_chance,
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
        re.compile(r"/(?P<label>[^/]+)/(?P<speaker>[^/]+)_nohash_\d+$"),
        1,
        _speech_commands,
        re.compile(r"/_background_noise_/[^/]+$"),
        re.compile(r"/(?P<label>[^/]+)/(?P<speaker>(?!))?[^/]+$"),  # nothing in a name says who speaks
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
