"""Which files train, which are held out while training, and which are kept for the end. Never by segment."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from wavenet.audio.layouts import Clip, fsdd_parts
from wavenet.errors import SoundError
from wavenet.records import SplitConfig

FEW_FILES = 5  # below it a file is divided in time
FEW_GROUPS = 2  # nor can fewer be divided without cutting one
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

    By the data's own column where it has one; else by a hash of each file's prompt or name, or as the rule says, which
    stays the same when files are added. What several microphones heard at once is one file here, whatever the rule.
    Without a valid split one is cut from train (takes 5 to 9 where the files are named as in FSDD). With fewer than 5
    files the last 5 % of the longest are held out, behind a gap of one receptive field, so that no held-out target
    sees a trained one.

    Args:
        clips: the files that were kept.
        lengths: of each, in samples.
        rule: the recipe's.
        receptive_field: samples.

    Raises:
        SoundError: the rule leaves nothing to train on or nothing to hold out.
    """
    names = _own(clips) if rule.by == "auto" else None
    if names is None:
        if rule.by in ("auto", "file") and len({_take(clip) for clip in clips}) < FEW_FILES:
            return _in_time(clips, range(len(clips)), lengths, receptive_field)
        names = _hashed(_groups(clips, rule.by), rule, test_percent=rule.test_percent)
    trained = [index for index, name in enumerate(names) if name == "train"]
    splits: Splits = {"train": [], "valid": [], "test": []}
    if trained and "valid" not in names:
        if len({clips[index].prompt or clips[index].name for index in trained}) < FEW_GROUPS:
            splits = _in_time(clips, trained, lengths, receptive_field)
            names = ["" if name == "train" else name for name in names]
        else:
            names = _cut_valid(clips, names, rule)
    for index, (name, length) in enumerate(zip(names, lengths, strict=True)):
        if name:
            splits[name].append(Span(index, 0, length))
    for name in ("train", "valid"):
        if not splits[name]:
            raise SoundError(f"no file is left for the {name} split; set data.split.by, or give more files")
    return splits


def _own(clips: Sequence[Clip]) -> list[str] | None:
    return [clip.split or "train" for clip in clips] if any(clip.split for clip in clips) else None


def _take(clip: Clip) -> str:
    """Return what was recorded at one time: a file, or those of several microphones."""
    return clip.prompt if clip.microphone and clip.prompt else clip.name


def _groups(clips: Sequence[Clip], by: str) -> list[str]:
    """Return what each clip must stay together with."""
    if by == "auto":
        prompts = [clip.prompt or clip.name for clip in clips]
        if len(set(prompts)) >= FEW_FILES:
            return prompts
    return [_group(clip, by) for clip in clips]


def _group(clip: Clip, by: str) -> str:
    if by in ("auto", "file"):
        return _take(clip)
    group = clip.speaker if by == "speaker" else clip.prompt or clip.text
    if group is None:
        raise SoundError(f"data.split.by is {by}, but the data name no {by} for {clip.name}; split by file")
    return group


def _percent(group: str) -> float:
    """Return where a group's name falls between 0 and 100, for ever."""
    digest = hashlib.sha256(group.encode("utf-8", "surrogateescape")).hexdigest()
    return int(digest[:12], 16) / 16.0**12 * 100


def _hashed(groups: Sequence[str], rule: SplitConfig, test_percent: float) -> list[str]:
    """Return train, valid or test for each item, equal for equal groups, none empty that should not be."""
    place = {group: _percent(group) for group in groups}
    ranked = sorted(place, key=lambda group: place[group])
    if len(ranked) < (3 if test_percent > 0 else 2):
        raise SoundError(
            f"data.split.by is {rule.by}, which makes {len(ranked)} group(s) of this data; split by file instead"
        )
    chosen = {
        group: "test" if at < test_percent else "valid" if at < test_percent + rule.valid_percent else "train"
        for group, at in place.items()
    }
    for name in ("test", "valid", "train") if test_percent > 0 else ("valid", "train"):
        if name not in chosen.values():  # too few groups for the shares: take one of the most common split
            counts = Counter(chosen.values())
            donors = [group for group in ranked if counts[chosen[group]] > 1]
            chosen[donors[-1] if name == "train" else donors[0]] = name
    return [chosen[group] for group in groups]


def _cut_valid(clips: Sequence[Clip], names: list[str], rule: SplitConfig) -> list[str]:
    training = [index for index, name in enumerate(names) if name == "train"]
    parts = [fsdd_parts(clips[index].name) for index in training]
    takes = [part[2] for part in parts if part is not None]
    cut = list(names)
    if len(takes) == len(training) and any(take >= 10 for take in takes) and any(5 <= take < 10 for take in takes):
        chosen = ["valid" if 5 <= take < 10 else "train" for take in takes]
    else:
        groups = [clips[index].prompt or clips[index].name for index in training]
        chosen = _hashed(groups, rule, test_percent=0.0)
    for index, name in zip(training, chosen, strict=True):
        cut[index] = name
    return cut


def _in_time(clips: Sequence[Clip], chosen: Sequence[int], lengths: Sequence[int], receptive_field: int) -> Splits:
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
    same = {index for index in chosen if _take(clips[index]) == _take(clips[longest])}
    train = [Span(index, 0, min(lengths[index], trained) if index in same else lengths[index]) for index in chosen]
    return {"train": train, "valid": [Span(longest, lengths[longest] - held, lengths[longest])], "test": []}


def whose(clips: Sequence[Clip], divided: Splits, rule: SplitConfig) -> str:
    """Return in words who decided on the splits that `divide` made of some clips.

    Args:
        clips: the files that were kept.
        divided: what `divide` returned.
        rule: the recipe's.
    """
    own = _own(clips) if rule.by == "auto" else None
    by = rule.by
    if by in ("auto", "file"):
        prompts = len({clip.prompt or clip.name for clip in clips}) if any(clip.prompt for clip in clips) else 0
        by = "prompt" if rule.by == "auto" and (prompts >= FEW_FILES or (own and prompts)) else "name"
    in_time = any(span.first > 0 for span in divided["valid"])
    cut = "in time (the end of the longest file is held out)" if in_time else f"by {by}"
    if own is None:
        return cut
    return "of the data's own" if "valid" in own else f"of the data's own, valid cut from train {cut}"
