"""Clips by the names of their files: what a data set's own names and folders say. Opens no sound.

Nor a text that lies in a file of its own (VCTK, LibriTTS), since at every start there would be one to open for each
sound: `speech/transcripts.py` reads them where they are needed.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from wavenet.audio.files import is_file
from wavenet.audio.walk import warn_left_out
from wavenet.errors import SoundError
from wavenet.progress import log
from wavenet.text import many, some

MOST = 0.9  # of a folder's sound files must be named as a data set names its own
NOISE = "/_background_noise_/"  # in Speech Commands, beside the folders of words
LISTS = {"validation_list.txt": "valid", "testing_list.txt": "test"}  # of Speech Commands
FSDD = re.compile(r"(?:^|/)(?P<label>\d)_(?P<speaker>[^_/]+)_(?P<take>\d+)$")  # the Free Spoken Digit Dataset
FSDD_SPEAKERS = frozenset({"george", "jackson", "lucas", "nicolas", "theo", "yweweler"})
ANSWERS = {"0": "no", "1": "yes"}  # of YesNo
LIBRITTS_SPLITS = {"train": "train", "dev": "valid", "test": "test"}


@dataclass(frozen=True)
class Clip:
    """One sound file and what its folder says of it."""

    path: Path
    name: str  # the path from the data set's own folder, with forward slashes: its identity in splits and the cache
    speaker: str | None = None
    label: str | None = None
    text: str | None = None
    prompt: str | None = None  # what was asked for; takes of one prompt share it
    split: str | None = None  # the data's own train, valid or test
    microphone: str | None = None  # which of several that recorded one take at once; those takes share a prompt
    columns: tuple[tuple[str, str], ...] = ()  # what its table has in other columns, of those that were asked for


Fields = dict[str, str | None]  # of a clip
Match = re.Match[str]


@dataclass(frozen=True)
class Layout:
    """How a data set names its files."""

    title: str
    shape: str  # of its file names, in words
    pattern: re.Pattern[str]  # is searched for in a file's absolute path without its suffix
    depth: int | None  # folders between a file and the data set's own folder; None: the folder given is that
    fields: Callable[[Match], Fields] = re.Match.groupdict  # what a name says of a clip
    free: re.Pattern[str] | None = None  # for files of any name, where lists or the recipe say what they are


def bare(path: PurePath) -> str:
    """Return a path without its suffix, with forward slashes."""
    return os.path.splitext(path.as_posix())[0]  # noqa: PTH122  (twenty times as fast, for 400,000 files)


def _name(path: Path, folder: Path) -> str:
    return "/".join(path.parts[len(folder.parts) :])  # lies below it; ten times as fast as relative_to


def any_folder(folder: Path, sounds: Sequence[Path]) -> list[Clip]:
    """Return sound files below a folder as clips; folders are labels where every file lies right in one of several."""
    depth = len(folder.parts) + 2
    within = {path.parts[-2] if len(path.parts) == depth else None for path in sounds}
    labelled = len(within) > 1 and None not in within
    return [Clip(path, _name(path, folder), label=path.parts[-2] if labelled else None) for path in sounds]


def recognise(sounds: Sequence[Path]) -> str | None:
    """Return the layout of some files (absolute paths), or None.

    It is the one that nine in ten of them are named as; else the one whose lists lie beside their folders.
    """
    stems, doubt = [bare(path) for path in sounds], ""
    for name, layout in LAYOUTS.items():
        noise = sum(NOISE in stem for stem in stems) if name == "speech_commands" else 0
        matches = [match for match in map(layout.pattern.search, stems) if match]
        if not matches or len(matches) < MOST * (len(stems) - noise):
            continue
        if name != "fsdd" or spoken_digits(matches):
            return name
        doubt = (
            f"the names of {many(len(matches), 'file')} look like {layout.shape}, as in {layout.title}, but not every "
            f"speaker says all ten digits twice; if these are spoken digits, use --set data.source={name}"
        )
    homes = {path.parent.parent for path in sounds}
    if len(homes) == 1 and any(is_file(home / name) for home in homes for name in LISTS):
        return "speech_commands"
    if doubt:
        log.warning("%s", doubt)
    return None


def named(folder: Path, name: str, sounds: Sequence[Path]) -> tuple[Path, list[Clip]]:
    """Return a data set's own folder, which is `folder` (absolute) or lies below it, and its clips.

    Raises:
        SoundError: no file is named as in this layout, or a list of splits cannot be read.
    """
    layout, found, others = LAYOUTS[name], list[tuple[Path, Match]](), list[Path]()
    for path in sounds:
        stem = bare(path)
        match = layout.pattern.search(stem)
        noise = name == "speech_commands" and NOISE in stem
        if match is None and layout.free is not None and path.parent != folder and not noise:
            match = layout.free.search(stem)
        if match:
            found.append((path, match))
        elif not noise:
            others.append(path)
    if not found:
        raise SoundError(
            f"{folder} holds no sound file named as in {layout.title} ({layout.shape}); set data.source to auto"
        )
    warn_left_out(others, f"not named {layout.shape}")
    depth = layout.depth
    homes = set() if depth is None else {path.parents[min(depth, len(path.parents) - 1)] for path, _ in found}
    home = homes.pop() if len(homes) == 1 else folder
    root = home if home.is_relative_to(folder) else folder
    clips = [Clip(path, _name(path, root), columns=(), **layout.fields(match)) for path, match in found]
    return root, _trainable(layout, _listed(clips) if name == "speech_commands" else clips)


def _trainable(layout: Layout, clips: list[Clip]) -> list[Clip]:
    """Return clips without the splits of their data set where these leave nothing to train on."""
    counts = Counter(clip.split for clip in clips)
    if set(counts) & {"train", None}:
        return clips
    log.warning(
        "the splits of %s hold out all files that are here (%s), so they are divided again, as with --set "
        "data.split.by=file",
        *(layout.title, ", ".join(f"{count:,} for {name}" for name, count in counts.items())),
    )
    return [replace(clip, split=None) for clip in clips]


def _fsdd(match: Match) -> Fields:
    """Takes 0 to 4 are the test split, 5 to 9 are held out while training."""
    take = int(match["take"])
    split = "test" if take < 5 else "valid" if take < 10 else "train"
    return {"speaker": match["speaker"], "label": match["label"], "split": split}


def spoken_digits(matches: Sequence[Match]) -> bool:
    """Return whether files named DIGIT_SPEAKER_TAKE are spoken digits, unlike drums such as `1_kick_1`.

    They are where one of the data set's own speakers is among those who say them; or where there are all ten, nearly
    every speaker says every one, and most are said more than once.
    """
    said = {(match["speaker"].lower(), match["label"]) for match in matches}
    speakers, digits = {speaker for speaker, _ in said}, {digit for _, digit in said}
    complete = len(digits) == 10 and len(said) >= MOST * 10 * len(speakers) and len(matches) >= 2 * len(said)
    return complete or bool(speakers & FSDD_SPEAKERS)


def fsdd_splits(names: Sequence[str]) -> list[str] | None:
    """Return valid for takes 5 to 9 of spoken digits, else train; None where the files are others, or lack either."""
    matches = [match for match in (FSDD.search(bare(PurePath(name))) for name in names) if match]
    splits = ["valid" if 5 <= int(match["take"]) < 10 else "train" for match in matches]
    spoken = len(matches) == len(names) and spoken_digits(matches)
    return splits if spoken and "valid" in splits and any(int(match["take"]) >= 10 for match in matches) else None


def _listed(clips: list[Clip]) -> list[Clip]:
    """Return the clips of Speech Commands in the splits that the lists beside their folders name.

    Train where neither names it. A suffix says nothing there, so that sound kept in another format stays in its split.
    """
    homes = defaultdict[Path, dict[str, str | None]](dict)  # of files without suffix, in each folder of folders
    for clip in clips:
        homes[clip.path.parent.parent][bare(clip.path)] = None
    for home, splits in sorted(homes.items()):
        lists = [home / name for name in LISTS if is_file(home / name)]
        missing = [name for name in LISTS if home / name not in lists]
        if missing:
            others = "files that the other list does not name are trained on" if lists else "files are divided by name"
            log.warning("%s: there is no %s; %s", home, " and no ".join(missing), others)
        if not lists:
            continue
        splits.update(dict.fromkeys(splits, "train"))
        unknown = []
        for place in lists:
            try:
                lines = place.read_text(encoding="utf-8-sig").splitlines()
            except (OSError, UnicodeDecodeError) as error:
                raise SoundError(f"{place} cannot be read as text: {error}; get it again, or remove it") from None
            for entry in (home / line.strip() for line in lines if line.strip()):
                if bare(entry) in splits:
                    splits[bare(entry)] = LISTS[place.name]
                else:
                    unknown.append(entry.name)
        if unknown:
            log.warning("%s: its lists name files that are not there: %s", home, some(unknown))
    return [replace(clip, split=homes[clip.path.parent.parent][bare(clip.path)]) for clip in clips]


LAYOUTS = {
    "fsdd": Layout("the Free Spoken Digit Dataset", "DIGIT_SPEAKER_TAKE", FSDD, None, _fsdd),
    "vctk": Layout(  # the prompt is one speaker's sentence, since few sentences have one number for all
        "VCTK",
        "p225/p225_001, or p225_001_mic1",
        re.compile(r"/(?P<speaker>[ps]\d+)/(?P<prompt>(?P=speaker)_\d+)(?:_(?P<microphone>mic\d))?$"),
        2,  # wav48/p225, or wav48_silence_trimmed/p225
    ),
    "speech_commands": Layout(
        "Speech Commands",
        "WORD/SPEAKER_nohash_TAKE",
        re.compile(r"/(?P<label>[^/]+)/(?P<speaker>[^/]+)_nohash_\d+$"),
        1,
        free=re.compile(r"/(?P<label>[^/]+)/[^/]+$"),  # nothing in a name says who speaks
    ),
    "yesno": Layout(
        "YesNo",
        "eight digits such as 0_1_0_1_1_1_0_0",
        re.compile(r"/(?P<label>[01](?:_[01]){7})$"),
        0,
        lambda match: {"label": match["label"], "text": " ".join(ANSWERS[one] for one in match["label"].split("_"))},
    ),
    "libritts": Layout(
        "LibriTTS",
        "train-clean-100/SPEAKER/CHAPTER/SPEAKER_CHAPTER_PARAGRAPH_SENTENCE",
        re.compile(
            r"/(?P<split>train|dev|test)-[a-z]+(?:-\d+)?/(?P<speaker>\d+)/(?P<chapter>\d+)/(?P=speaker)_(?P=chapter)_\d+_\d+$"
        ),
        3,
        lambda match: {"speaker": match["speaker"], "split": LIBRITTS_SPLITS[match["split"]]},
    ),
}
