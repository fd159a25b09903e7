"""Which files train, which are held out while training, and which are kept for the end. Never by segment."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from wavenet.audio import layouts
from wavenet.audio.files import SUFFIXES
from wavenet.audio.layouts import Clip
from wavenet.errors import SoundError
from wavenet.recipe.records import SplitConfig
from wavenet.text import many, printable

FEW_FILES = 5  # below it a file is divided in time
FORMAT_FOLDERS = {".", *(suffix[1:] for suffix in SUFFIXES)}  # that hold takes in one format
RANKED = 200  # groups below which a hash alone gives shares that are too far from those asked for
TAIL_SHARE = 0.05  # of the longest file, held out where there are few


@dataclass(frozen=True)
class Span:
    """Samples first .. last - 1 of a clip (by its index) are targets of one split."""

    clip: int
    first: int
    last: int


Splits = dict[str, list[Span]]


def divide(clips: Sequence[Clip], lengths: Sequence[int], rule: SplitConfig, receptive_field: int) -> Splits:
    """Return the spans of train, valid and test.

    By the data's own splits where it has any; else by a hash of each file's prompt or name, or as the rule says. From
    200 groups on a group stays where it is when others are added; fewer are ranked by their hash, so that the shares
    are those asked for, and a few may move. One take is one file here, whatever the rule: what several microphones
    recorded at once, and files of one path in several formats. Without a valid split one is cut from train (takes 5 to
    9 of FSDD). With fewer than 5 files the last 5 % of the longest are held out, behind a gap of one receptive field,
    so that no held-out target sees a trained one.

    Args:
        clips: the files that were kept.
        lengths: of each, in samples.
        rule: the recipe's.
        receptive_field: in samples.

    Raises:
        SoundError: the rule leaves nothing to train on or nothing to hold out.
    """
    takes = [_take(clip) for clip in clips]
    names = _own(clips, rule)
    if names is None:
        if rule.by in ("auto", "file") and len(set(takes)) < FEW_FILES:
            return _in_time(range(len(clips)), takes, lengths, receptive_field)
        names = _hashed(_groups(clips, takes, rule.by), rule, rule.test_percent)
    trained = [index for index, name in enumerate(names) if name == "train"]
    splits: Splits = {"train": [], "valid": [], "test": []}
    if trained and "valid" not in names:
        prompts = _joined([takes[index] for index in trained], _prompts([clips[index] for index in trained]))
        if len(set(prompts)) < 2:  # they cannot be divided without cutting one
            splits = _in_time(trained, takes, lengths, receptive_field)
            names = ["" if name == "train" else name for name in names]
        else:
            chosen = layouts.fsdd_splits([clips[index].name for index in trained]) or _hashed(prompts, rule, 0.0)
            for index, name in zip(trained, chosen, strict=True):
                names[index] = name
    for index, (name, length) in enumerate(zip(names, lengths, strict=True)):
        if name:
            splits[name].append(Span(index, 0, length))
    for name in ("train", "valid"):
        if not splits[name]:
            counts = ", ".join(f"{len(splits[other]):,} for {other}" for other in splits if splits[other])
            raise SoundError(
                f"no file is left for the {name} split (the data have {counts}); divide the files again with "
                "--set data.split.by=file, or give more files"
            )
    return splits


def _own(clips: Sequence[Clip], rule: SplitConfig) -> list[str] | None:
    """Return the data's own splits, where it has any and the rule takes them."""
    own = rule.by == "auto" and any(clip.split for clip in clips)
    return [clip.split or "train" for clip in clips] if own else None


def _take(clip: Clip) -> str:
    """Return what was recorded at one time: the files of several microphones, or of one path, however it is spelled.

    That is the path without the suffixes of sound, and without folders that are called by one (`wav/`, `mp3/`).
    """
    if clip.microphone and clip.prompt:
        return clip.prompt
    name = unicodedata.normalize("NFC", clip.name.replace("\\", "/")).casefold()
    stem, suffix = os.path.splitext(name)  # noqa: PTH122  (twenty times as fast)
    while suffix in SUFFIXES:
        name = stem
        stem, suffix = os.path.splitext(name)  # noqa: PTH122
    return "/".join([part for part in name.split("/") if part not in FORMAT_FOLDERS])


def _prompts(clips: Sequence[Clip]) -> list[str]:
    return [clip.prompt or clip.name for clip in clips]


def _groups(clips: Sequence[Clip], takes: Sequence[str], by: str) -> list[str]:
    """Return what each clip must stay together with."""
    if by == "auto":
        prompts = _joined(takes, _prompts(clips))
        if len(set(prompts)) >= FEW_FILES:
            return prompts
    groups = []
    for clip in clips:
        if by in ("auto", "file"):
            group: str | None = clip.prompt if clip.microphone and clip.prompt else clip.name
        else:
            group = clip.speaker if by == "speaker" else clip.prompt or clip.text
        if group is None:
            raise SoundError(f"data.split.by is {by}, but no {by} is known for {clip.name}; split by file")
        groups.append(group)
    return _joined(takes, groups)


def _joined(takes: Sequence[str], groups: Sequence[str]) -> list[str]:
    """Return the groups of some clips, made one where they share a take; it is called by its first name."""
    first: dict[str, str] = {}  # of each group, one that it is joined with
    by_take: dict[str, str] = {}

    def named(group: str) -> str:
        while first.get(group, group) != group:
            group = first[group]
        return group

    for take, group in zip(takes, groups, strict=True):
        low, high = sorted((named(group), named(by_take.setdefault(take, group))))
        first[high] = low
    return [named(group) for group in groups]


def _hashed(groups: Sequence[str], rule: SplitConfig, test_percent: float) -> list[str]:
    """Return train, valid or test for each item, equal for equal groups, none empty that should not be."""
    place = {}  # where a group's name falls between 0 and 100, for ever
    for group in groups:
        digest = hashlib.sha256(group.encode("utf-8", "surrogateescape")).hexdigest()
        place[group] = int(digest[:12], 16) / 16.0**12 * 100
    held = test_percent + rule.valid_percent
    chosen = {group: "test" if at < test_percent else "valid" if at < held else "train" for group, at in place.items()}
    wanted = {"train", "valid"} | ({"test"} if test_percent > 0 else set())
    count = len(chosen)
    if count < len(wanted):
        raise SoundError(
            f"data.split.by is {rule.by}, but that gives only {many(count, 'group')}; split by file instead"
        )
    if count < RANKED or set(chosen.values()) != wanted:  # at least one for each, and the shares asked for
        test = min(max(1, round(count * test_percent / 100)), count - 2) if test_percent > 0 else 0
        valid = min(max(1, round(count * rule.valid_percent / 100)), count - test - 1)
        names = ["test"] * test + ["valid"] * valid + ["train"] * (count - test - valid)
        chosen = dict(zip(sorted(place, key=lambda group: place[group]), names, strict=True))
    return [chosen[group] for group in groups]


def _in_time(chosen: Sequence[int], takes: Sequence[str], lengths: Sequence[int], receptive_field: int) -> Splits:
    """Return train and valid spans of the chosen clips, by their indices: the end of the longest is held out.

    Other microphones that heard that end are trained on as far as the longest is.
    """
    longest = max(chosen, key=lambda index: lengths[index])
    held = max(1, round(TAIL_SHARE * lengths[longest]))
    trained = lengths[longest] - held - receptive_field
    if trained < 1:
        raise SoundError(
            f"the longest file has {lengths[longest]:,} samples, too few to train on, to leave a gap of one receptive "
            f"field ({receptive_field:,}) and to hold out {held:,}; give more sound or a smaller receptive field"
        )
    ends = {index: lengths[index] for index in chosen}
    ends |= {index: min(end, trained) for index, end in ends.items() if takes[index] == takes[longest]}
    train = [Span(index, 0, end) for index, end in ends.items()]
    return {"train": train, "valid": [Span(longest, lengths[longest] - held, lengths[longest])], "test": []}


def warnings(clips: Sequence[Clip], divided: Splits, rule: SplitConfig, layout: str) -> list[str]:
    """Return what is odd about the splits that `divide` made of some clips, a line each with its remedy."""
    files = {name: {span.clip for span in spans} for name, spans in divided.items()}
    counts = ", ".join(f"{name} {len(found):,}" for name, found in files.items())
    own = _own(clips, rule) is not None
    which = f"the splits of layout {layout}" if own else f"splits by {'name' if rule.by == 'auto' else rule.by}"
    anew = "" if rule.by == "file" else "; --set data.split.by=file divides by a hash of the names"
    found, held = [], (files["valid"] | files["test"]) - files["train"]
    if 2 * len(held) > len(clips) and (own or rule.valid_percent + rule.test_percent < 50):
        found.append(f"{which} hold out more than half of the files ({counts}){anew}")
    if own and layout != "metadata" and not files["test"]:  # a table of one's own says what it says
        found.append(f"{which} leave nothing for test ({counts}){anew}")
    takes = defaultdict[str, dict[str, str]](dict)  # of each take, the first file in every split
    for clip in clips if own else ():
        takes[_take(clip)].setdefault(clip.split or "train", clip.name)
    torn = [names for names in takes.values() if len(names) > 1]
    if torn:
        pair = " and ".join(f"{printable(name)} ({split})" for split, name in [*torn[0].items()][:2])
        count = "1 take has" if len(torn) == 1 else f"{len(torn):,} takes have"
        found.append(f"{count} files in several splits, so that scores look too good: {pair}; give them one split")
    return found


def describe(clips: Sequence[Clip], divided: Splits, rule: SplitConfig) -> str:
    """Return in words what decided on the splits that `divide` made of some clips."""
    own, by = _own(clips, rule), rule.by
    if by in ("auto", "file"):
        prompts = len({*_prompts(clips)}) if any(clip.prompt for clip in clips) else 0
        by = "prompt" if by == "auto" and (prompts >= FEW_FILES or (own and prompts)) else "name"
    in_time = any(span.first > 0 for span in divided["valid"])
    cut = "in time (the end of the longest file is held out)" if in_time else f"by {by}"
    if own is None:
        return cut
    return "given by the data" if "valid" in own else f"given by the data, valid cut from train {cut}"
