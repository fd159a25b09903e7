"""The sound of a recipe: found, decoded, levelled and divided."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wavenet.audio import cache, folders, splits
from wavenet.audio.cache import Cache
from wavenet.audio.crops import Clipped, Sound
from wavenet.audio.decode import Entry
from wavenet.audio.folders import Source
from wavenet.audio.layouts import Clip
from wavenet.audio.splits import Span, Splits
from wavenet.progress import log
from wavenet.recipe.records import LevelConfig, Recipe
from wavenet.text import duration, many, printable, some

NOTICEABLE = 1e-3  # share of a file's samples: where the level clips more, the file is named
SHOWN = 3  # files that one line names
RATES = 6  # that one line names, the commonest first


@dataclass(frozen=True)
class Corpus:
    """What training, scoring and measuring begin from."""

    source: Source
    cache: Cache
    sound: Sound  # the kept clips at the recipe's level
    spans: Splits
    clipped: tuple[Clipped, ...]  # the files of which the level clips samples, the worst first

    @property
    def clips(self) -> list[Clip]:
        """The clips that were kept, in the order of `sound`."""
        return _kept(self.source, self.cache.entries)


def gather(recipe: Recipe, cache_folder: Path | None = None, source: Source | None = None) -> Corpus:
    """Return the corpus of a recipe; decoding is done once and kept, by default in this user's cache folder.

    Args:
        recipe: the complete recipe.
        cache_folder: where decoded sound is kept.
        source: what `folders.find` returned for it, where that was asked before.

    Raises:
        SoundError: the recipe names no folder of sound that can be trained on.
    """
    source = source or folders.find(recipe.data, recipe.columns)
    decoded, sound = _decoded(recipe, source, cache_folder)
    spans = divide(recipe, source, decoded.entries)
    clipped = sound.clipped()
    for line in warnings(recipe, source, decoded.entries, spans, clipped):
        log.warning("%s", line)
    return Corpus(source, decoded, sound, spans, tuple(clipped))


def whole(recipe: Recipe, source: Source, cache_folder: Path | None = None) -> Corpus:
    """Return the corpus of some clips, prepared as a recipe says but not divided: its only split is `all`.

    Raises:
        SoundError: no clip can be used.
    """
    decoded, sound = _decoded(recipe, source, cache_folder)
    spans = [Span(index, 0, entry.length) for index, entry in enumerate(sound.entries)]
    return Corpus(source, decoded, sound, {"all": spans}, tuple(sound.clipped()))


def _decoded(recipe: Recipe, source: Source, cache_folder: Path | None) -> tuple[Cache, Sound]:
    data, rate = recipe.data, recipe.audio.sample_rate
    decoded = cache.prepare(source.clips, rate, data.trim, cache_folder)
    return decoded, Sound(decoded, data.level, round(data.tail_seconds * rate))


def divide(recipe: Recipe, source: Source, entries: Sequence[Entry]) -> Splits:
    """Return the spans of train, valid and test in the clips that were kept.

    Raises:
        SoundError: the recipe's rule leaves nothing to train on or nothing to hold out.
    """
    lengths = [entry.length for entry in entries if entry.reason is None]
    return splits.divide(_kept(source, entries), lengths, recipe.data.split, recipe.shape.receptive_field)


def shares(recipe: Recipe, spans: Splits) -> dict[str, tuple[int, float]]:
    """Return how many files and seconds of sound each split has."""
    rate = recipe.audio.sample_rate
    return {
        name: (len({span.clip for span in own}), sum(span.last - span.first for span in own) / rate)
        for name, own in spans.items()
    }


def splits_in_words(recipe: Recipe, source: Source, entries: Sequence[Entry], spans: Splits) -> str:
    """Return what decided on the splits, and how many files and how much sound each has."""
    parts = [
        f"{name} {many(files, 'file')} ({duration(seconds)})" if files else f"{name} none"
        for name, (files, seconds) in shares(recipe, spans).items()
    ]
    return f"{splits.describe(_kept(source, entries), spans, recipe.data.split)}: {', '.join(parts)}"


def rates_in_words(kept: Sequence[Entry], rate: int) -> str:
    """Return the rates that files were recorded at, and what becomes of them."""
    counts = Counter(entry.source_rate for entry in kept)
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    if len(found) == 1:
        becomes = "as recorded" if found[0][0] == rate else f"resampled to {rate:,} Hz"
        return f"rate: {found[0][0]:,} Hz, {becomes}"
    shown = ", ".join(f"{one:,} Hz ({many(count, 'file')})" for one, count in found[:RATES])
    more = f" and {len(found) - RATES} more" if len(found) > RATES else ""
    return f"rates: {shown}{more}, resampled to {rate:,} Hz"


def warnings(
    recipe: Recipe, source: Source, entries: Sequence[Entry], spans: Splits, clipped: Sequence[Clipped]
) -> list[str]:
    """Return what is to be known of the sound of a recipe before it is trained on, a line each."""
    kept = [entry for entry in entries if entry.reason is None]
    lines = (
        *splits.warnings(_kept(source, entries), spans, recipe.data.split, source.layout),
        _of_twins(kept, spans),
        _of_level(clipped, recipe.data.level),
        _of_rates(kept, recipe.audio.sample_rate),
    )
    return [line for line in lines if line]


def _kept(source: Source, entries: Sequence[Entry]) -> list[Clip]:
    return [clip for clip, entry in zip(source.clips, entries, strict=True) if entry.reason is None]


def _of_level(clipped: Sequence[Clipped], level: LevelConfig) -> str:
    """Return which files the level clips so much that it can be heard, and what helps."""
    worst = [one for one in clipped if one.share > NOTICEABLE]
    if not worst:
        return ""
    shown = some([f"{one.name} ({many(one.samples, 'sample')}, {one.share:.1%})" for one in worst], SHOWN)
    if level.rms is None:
        what, remedy = "clipped at full scale", "set data.level.rms, such as 0.08"
    else:
        what, remedy = "clipped by data.level", f"lower data.level.rms, which is {level.rms:g}"
    return f"{what} in more than {100 * NOTICEABLE:g} % of their samples: {shown}; {remedy}"


def _of_rates(kept: Sequence[Entry], rate: int) -> str:
    """Return that no file has as high a sample rate as the recipe asks for, where that is so."""
    rates = {entry.source_rate for entry in kept}
    highest = max(rates, default=rate)
    if highest >= rate:
        return ""
    have = f"all files have {highest:,} Hz" if len(rates) == 1 else f"no file has more than {highest:,} Hz"
    return (
        f"{have}, but the recipe asks for {rate:,} Hz: each second takes {rate / highest:.3g} times the samples, and "
        f"nothing lies above {highest // 2:,} Hz; --set audio.sample_rate={highest} trains on the sound as it is"
    )


def _of_twins(kept: Sequence[Entry], spans: Splits) -> str:
    """Return which files hold the same samples, above all where one trains and the other is held out."""
    where, alike = defaultdict[int, list[str]](list), defaultdict[str, list[tuple[str, str]]](list)
    for name, own in spans.items():
        for span in own:
            where[span.clip].append(name)
    for index, entry in enumerate(kept):
        alike[entry.digest].append((printable(entry.name), ", ".join(where[index]) or "unused"))
    groups = [files for files in alike.values() if len(files) > 1]
    if not groups:
        return ""
    across = [files for files in groups if len({split for _, split in files}) > 1]
    files = (across or groups)[0]
    other = next((file for file in files if file[1] != files[0][1]), files[1])
    pair = " and ".join(f"{name} ({split})" for name, split in (files[0], other))
    same, apart = (sum(len(files) - 1 for files in some) for some in (groups, across))
    hold = f"{many(same, 'file')} {'holds' if same == 1 else 'hold'} the same sound as another"
    several = f"{apart:,} of them in different splits, so that scores look too good"
    return f"{hold}, {several if apart else 'none of them in different splits'}: {pair}"
