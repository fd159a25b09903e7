"""What a training run says of its sound before the first step, and in a dry run of what it would do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from wavenet.audio import corpus
from wavenet.audio.decode import Entry
from wavenet.recipe.records import Recipe
from wavenet.text import clock, duration, many, printable
from wavenet.training.data import SoundData

RATES_SHOWN = 6  # of the files, the commonest first


def kept_and_dropped(sound: SoundData) -> str:
    """Return how many files are kept and dropped, and how long they last."""
    kept, dropped = sound.sound.entries, [entry for entry in sound.cache.entries if entry.reason is not None]
    lasting = duration(sum(entry.length for entry in kept) / sound.recipe.audio.sample_rate)
    lost = sum(entry.seconds for entry in dropped)  # of what cannot be read, nothing
    left = f"{len(dropped):,} dropped{f' ({duration(lost)})' if lost else ''}" if dropped else "none dropped"
    return f"{many(len(kept), 'file')} kept ({lasting}), {left}"


def sound_lines(sound: SoundData) -> list[str]:
    """Return what is trained on: its layout, what is cut and clipped, rates, and how many files are in each split."""
    kept, rate = sound.sound.entries, sound.recipe.audio.sample_rate
    cut = sum(entry.trimmed for entry in kept) / rate
    notes = f", {duration(cut)} cut from the ends" if cut else ""
    notes += f", {many(sound.overshoot, 'sample')} clipped by the level" if sound.overshoot else ""
    return [
        f"sound: {printable(sound.source.folder.name)}, layout {sound.source.layout}{notes}",
        _rate_line(kept, rate),
        _split_line(sound),
    ]


def _rate_line(kept: Sequence[Entry], rate: int) -> str:
    """Return the rates that files were recorded at, and what becomes of them."""
    counts = Counter(entry.source_rate for entry in kept)
    found = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    if len(found) == 1:
        becomes = "as recorded" if found[0][0] == rate else f"resampled to {rate:,} Hz"
        return f"rate: {found[0][0]:,} Hz, {becomes}"
    shown = ", ".join(f"{one:,} Hz ({many(count, 'file')})" for one, count in found[:RATES_SHOWN])
    more = f" and {len(found) - RATES_SHOWN} more" if len(found) > RATES_SHOWN else ""
    return f"rates: {shown}{more}, resampled to {rate:,} Hz"


def _split_line(sound: SoundData) -> str:
    """Return whose splits these are, and how many files and how much sound each has; tails of silence aside."""
    return f"splits {corpus.splits_in_words(sound.recipe, sound.source, sound.cache.entries, sound.spans)}"


def cpu_lines(recipe: Recipe, device: str) -> list[str]:
    """Return a line with the recipe that suits a CPU better, where that trains and the recipe names one."""
    if recipe.cpu_recipe is None or device != "cpu":
        return []
    return [f"{recipe.name} is sized for a GPU; `wavenet train {recipe.cpu_recipe}` is sized for a CPU"]


def dry_run_line(run: Path, done: int, steps: int, max_steps: int | None, max_seconds: float | None) -> str:
    """Return what would be done.

    Args:
        run: the run folder.
        done: steps that are behind it.
        steps: of the recipe.
        max_steps: stop when this many are done in all.
        max_seconds: stop after this long.
    """
    last = steps if max_steps is None else min(steps, max_steps)
    if done >= last:
        return f"dry run: {run} has done {many(done, 'step')} already; nothing to do"
    time = "" if max_seconds is None else f", for {clock(max_seconds)} at most"
    return f"dry run: would train steps {done + 1:,} to {last:,} of {steps:,}{time}, into {run}"
