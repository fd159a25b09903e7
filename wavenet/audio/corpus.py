"""The sound of a recipe: found, decoded, levelled and divided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio import cache, folders, splits
from wavenet.audio.cache import Cache
from wavenet.audio.crops import Clipped, Sound
from wavenet.audio.decode import Entry
from wavenet.audio.folders import Clip, Source
from wavenet.audio.splits import Splits
from wavenet.progress import log
from wavenet.recipe.records import LevelConfig, Recipe
from wavenet.text import many, printable, some

NOTICEABLE = 1e-3  # share of a file's samples: where the level clips more, the file is named
SHOWN = 3  # files that one line names
LOWEST_RATE = 1_000  # Hz, that a recipe may have


@dataclass(frozen=True)
class Material:
    """What training, scoring and measuring begin from.

    Args:
        source: where the sound lies, and all its clips.
        cache: the decoded sound, with what was dropped and why.
        sound: the kept clips at the recipe's level.
        spans: what trains, what is held out, what is for the end.
        clipped: the files of which the level clips samples, the worst first.
    """

    source: Source
    cache: Cache
    sound: Sound
    spans: Splits
    clipped: tuple[Clipped, ...] = ()


def gather(recipe: Recipe, cache_folder: Path | None = None) -> Material:
    """Return the material of a recipe; decoding is done once and kept.

    Args:
        recipe: the complete recipe.
        cache_folder: where decoded sound is kept; None takes this user's cache folder.

    Raises:
        SoundError: the recipe names no folder of sound that can be trained on.
    """
    data, rate = recipe.data, recipe.audio.sample_rate
    source = folders.find(data)
    decoded = cache.prepare(source.clips, rate, data.trim, cache_folder)
    sound = Sound(decoded, data.level, round(data.tail_seconds * rate))
    spans = divide(recipe, source, decoded.entries)
    clipped = sound.clipped()
    for line in warnings(recipe, source, decoded.entries, spans, clipped):
        log.warning("%s", line)
    return Material(source, decoded, sound, spans, tuple(clipped))


def divide(recipe: Recipe, source: Source, entries: Sequence[Entry]) -> Splits:
    """Return the spans of train, valid and test in the clips that were kept.

    Args:
        recipe: the complete recipe.
        source: all clips.
        entries: what decoding found in each.

    Raises:
        SoundError: the recipe's rule leaves nothing to train on or nothing to hold out.
    """
    lengths = [entry.length for entry in entries if entry.reason is None]
    return splits.divide(kept_clips(source, entries), lengths, recipe.data.split, recipe.shape.receptive_field)


def kept_clips(source: Source, entries: Sequence[Entry]) -> list[Clip]:
    """Return the clips that decoding kept."""
    return [clip for clip, entry in zip(source.clips, entries, strict=True) if entry.reason is None]


def warnings(
    recipe: Recipe, source: Source, entries: Sequence[Entry], spans: Splits, clipped: Sequence[Clipped]
) -> list[str]:
    """Return what is to be known of the sound of a recipe before it is trained on, a line each.

    Args:
        recipe: the complete recipe.
        source: all clips.
        entries: what decoding found in each.
        spans: how they are divided.
        clipped: the files of which the level clips samples, the worst first.
    """
    kept = [entry for entry in entries if entry.reason is None]
    doubts = splits.doubts(kept_clips(source, entries), spans, recipe.data.split, source.layout)
    lines = (
        *doubts,
        _of_twins(kept, spans),
        _of_level(clipped, recipe.data.level),
        _of_rates(kept, recipe.audio.sample_rate),
    )
    return [line for line in lines if line is not None]


def _of_level(clipped: Sequence[Clipped], level: LevelConfig) -> str | None:
    """Return which files the level clips so much that it can be heard, and what mends it."""
    worst = [one for one in clipped if one.share > NOTICEABLE]
    if not worst:
        return None
    shown = some([f"{one.name} ({many(one.samples, 'sample')}, {one.share:.1%})" for one in worst], SHOWN)
    if level.rms is None:
        what, remedy = "clipped at full scale", "set data.level.rms, such as 0.08"
    else:
        what, remedy = "clipped by the level", f"lower data.level.rms, which is {level.rms:g}"
    return f"{what} in more than {100 * NOTICEABLE:g} % of their samples: {shown}; {remedy}"


def _of_rates(kept: Sequence[Entry], rate: int) -> str | None:
    """Return that no file has as high a sample rate as the recipe asks for, where that is so."""
    rates = {entry.source_rate for entry in kept}
    highest = max(rates, default=rate)
    if not LOWEST_RATE <= highest < rate:
        return None
    have = f"all sound has {highest:,} Hz" if len(rates) == 1 else f"no sound has more than {highest:,} Hz"
    return (
        f"{have}, the recipe asks for {rate:,}: nothing lies above {highest // 2:,} Hz, yet a second takes "
        f"{rate / highest:.3g} times the samples; a run with --set audio.sample_rate={highest} takes the sound as it is"
    )


def _of_twins(entries: Sequence[Entry], spans: Splits) -> str | None:
    """Return which files hold the same samples, above all where one trains and the other is held out."""
    splits_of: dict[int, list[str]] = defaultdict(list)
    for name, own in spans.items():
        for span in own:
            splits_of[span.clip].append(name)
    alike: dict[str, list[int]] = defaultdict(list)
    for index, entry in enumerate(entries):
        if entry.digest:
            alike[entry.digest].append(index)
    groups = [group for group in alike.values() if len(group) > 1]
    if not groups:
        return None
    across = [group for group in groups if len({name for index in group for name in splits_of[index]}) > 1]
    shown = (across or groups)[0]
    one = shown[0]
    other = next((index for index in shown if splits_of[index] != splits_of[one]), shown[1])
    pair = " and ".join(
        f"{printable(entries[index].name)} ({', '.join(splits_of[index]) or 'unused'})" for index in (one, other)
    )
    same, apart = (sum(len(group) - 1 for group in some) for some in (groups, across))
    hold = f"{many(same, 'file')} {'holds' if same == 1 else 'hold'} the same sound as another"
    where = (
        f"{apart:,} of them in different splits, so that scores look too good"
        if apart
        else "none of them in different splits"
    )
    return f"{hold}, {where}: {pair}"
