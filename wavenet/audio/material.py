"""The sound of a recipe: found, decoded, levelled and divided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wavenet.audio import cache, sources, splits
from wavenet.audio.cache import Cache
from wavenet.audio.segments import Sound
from wavenet.audio.sources import Source
from wavenet.audio.splits import Splits
from wavenet.config import Recipe


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
    return Material(
        source, decoded, sound, splits.divide(kept, sound.lengths, data.split, recipe.shape.receptive_field)
    )
