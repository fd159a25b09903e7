"""The sound of a recipe: found, decoded, levelled and divided."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio import cache, sources, splits
from wavenet.audio.cache import Cache
from wavenet.audio.decoding import Entry
from wavenet.audio.segments import Sound
from wavenet.audio.sources import Source
from wavenet.audio.splits import Splits
from wavenet.progress import log, printable
from wavenet.records import Recipe


@dataclass(frozen=True)
class Material:
    """What training, scoring and measuring begin from.

    Args:
        source: where the sound lies, and all its clips.
        cache: the decoded sound, with what was dropped and why.
        sound: the kept clips at the recipe's level.
        spans: what trains, what is held out, what is for the end.
    """

    source: Source
    cache: Cache
    sound: Sound
    spans: Splits


def gather(recipe: Recipe, cache_folder: Path | None = None) -> Material:
    """Return the material of a recipe; decoding is done once and kept.

    Args:
        recipe: the complete recipe.
        cache_folder: where decoded sound is kept; None takes this user's cache folder.

    Raises:
        SoundError: the recipe names no folder of sound that can be trained on.
    """
    data, rate = recipe.data, recipe.audio.sample_rate
    source = sources.find(data)
    decoded = cache.prepare(source.clips, rate, data.trim, cache_folder)
    sound = Sound(decoded, data.level, round(data.tail_seconds * rate))
    kept = [clip for clip, entry in zip(source.clips, decoded.entries, strict=True) if entry.reason is None]
    spans = splits.divide(kept, sound.lengths, data.split, recipe.shape.receptive_field)
    for doubt in splits.doubts(kept, spans, data.split, source.layout):
        log.warning(doubt)
    _tell_of_twins(sound.entries, spans)
    return Material(source, decoded, sound, spans)


def _tell_of_twins(entries: Sequence[Entry], spans: Splits) -> None:
    """Warn in one line of files that hold the same samples, above all where one trains and the other is held out."""
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
        return
    across = [group for group in groups if len({name for index in group for name in splits_of[index]}) > 1]
    shown = (across or groups)[0]
    one = shown[0]
    other = next((index for index in shown if splits_of[index] != splits_of[one]), shown[1])
    pair = " and ".join(
        f"{printable(entries[index].name)} ({', '.join(splits_of[index]) or 'unused'})" for index in (one, other)
    )
    log.warning(
        "%s files hold the same sound as another, %s of them across splits, where scores flatter: %s",
        f"{sum(len(group) - 1 for group in groups):,}",
        f"{sum(len(group) - 1 for group in across):,}",
        pair,
    )
