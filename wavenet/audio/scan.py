"""What a folder of sound holds, file by file, before anything is trained on it.

Measured at each file's own rate, or, told a recipe, by what decodes it for training: the same files are kept then, for
the same reasons, and what training would say or refuse is said here.
"""

from __future__ import annotations

import dataclasses
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import disk
from wavenet.audio import corpus, folders, splits
from wavenet.audio.corpus import SHOWN
from wavenet.audio.crops import COUNTED_SAMPLES, Clipped, clipping, gain, worst_first
from wavenet.audio.decode import Entry, decode, measure
from wavenet.audio.folders import Clip
from wavenet.errors import InputError, SoundError, WavenetError
from wavenet.progress import Progress
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.text import duration, many, printable, some

HELD = 1 << 26  # bytes of one file's samples that are held in memory; longer ones go to a temporary file


@dataclass(frozen=True)
class Survey:
    """Every file of a folder, kept or dropped and why.

    Args:
        folder: the folder.
        layout: what it was recognised as, such as folder or vctk.
        entries: one per file, in the order of names.
        passed_over: how many files of sound were not looked into, by their kind (see `Source`).
        recipe: they were measured as training by it measures; None: untrimmed, at each file's own rate.
        clipped: the kept files of which the recipe's level clips samples, the worst first.
        splits: files and seconds of each split by the recipe.
        divided: whose splits these are, in words.
        warnings: what training by the recipe would warn of.
        refusal: why training by the recipe would not begin; None where it would.
    """

    folder: Path
    layout: str
    entries: tuple[Entry, ...]
    recipe: Recipe | None = None
    clipped: tuple[Clipped, ...] = ()
    splits: tuple[tuple[str, int, float], ...] = ()
    divided: str = ""
    warnings: tuple[str, ...] = ()
    refusal: str | None = None
    passed_over: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return what `wavenet data scan` prints."""
        return self.to_text()

    @property
    def usable(self) -> bool:
        """Whether anything is kept and, as far as a recipe was given, it would be trained on."""
        return bool(self.kept) and self.refusal is None

    @property
    def kept(self) -> list[Entry]:
        """The files that training would use."""
        return [entry for entry in self.entries if entry.reason is None]

    @property
    def minutes_kept(self) -> float:
        """Minutes of sound that training would use."""
        return sum(entry.length / self._measured_at(entry) for entry in self.kept) / 60

    def _measured_at(self, entry: Entry) -> int:
        """Return the sample rate at which a file was measured, in Hz; 0 where it was not."""
        return self.recipe.audio.sample_rate if self.recipe is not None and entry.source_rate else entry.source_rate

    def to_json(self) -> dict[str, Any]:
        """Return plain values; per file the path, whether readable and kept, why not, any note, and its measures.

        `measured_at` is the sample rate in Hz at which a file was judged and measured: its own, or the recipe's.
        """
        clipped = {one.name: one.samples for one in self.clipped}
        return {
            "folder": str(self.folder),
            "layout": self.layout,
            "recipe": None if self.recipe is None else self.recipe.name,
            "minutes_kept": round(self.minutes_kept, 4),
            "passed_over": self.passed_over,
            "splits": {name: {"files": count, "seconds": round(seconds, 4)} for name, count, seconds in self.splits},
            "warnings": list(self.warnings),
            "refusal": self.refusal,
            "files": [
                {
                    "path": entry.name,
                    "readable": entry.source_rate > 0,
                    "kept": entry.reason is None,
                    "reason": entry.reason,
                    "note": entry.note or None,
                    "seconds": round(entry.seconds, 4),
                    "sample_rate": entry.source_rate,
                    "measured_at": self._measured_at(entry),
                    "channels": entry.channels,
                    "peak": round(entry.peak, 5),
                    "rms": round(entry.rms, 6),
                    "clipped": round(entry.clipped, 6),
                    "overshoot": entry.overshoot,
                    "clipped_by_level": None if self.recipe is None else clipped.get(entry.name, 0),
                    "silence": round(entry.silence, 4),
                }
                for entry in self.entries
            ],
        }

    def to_text(self, every_file: bool = False) -> str:
        """Return the summary, the dropped files with their reasons, and with `every_file` the kept ones too."""
        kept = self.kept
        dropped = [entry for entry in self.entries if entry.reason is not None]
        lines = [
            f"{self.folder}: {many(len(self.entries), 'file')}, layout {self.layout}",
            f"measured  {_how(self.recipe)}",
            f"kept      {_files(len(kept), 60 * self.minutes_kept)}",
            f"dropped   {_files(len(dropped), sum(entry.seconds for entry in dropped))}",
        ]
        if kept:
            lines += _measures(kept, self.recipe)
        if self.recipe is not None:
            lines += self._as_trained()
        lines += [f"  dropped {printable(entry.name)}: {entry.why}" for entry in dropped]
        lines += [f"  note    {printable(entry.name)}: {entry.note}" for entry in kept if entry.note]
        if every_file:
            lines += [
                f"  kept    {printable(entry.name)}: {entry.seconds:.2f} s, {entry.source_rate} Hz, "
                f"{entry.channels} ch, peak {entry.peak:.3f}, rms {_db(entry.rms)}, "
                f"at full scale {entry.clipped:.2%}, silent {entry.silence:.0%}"
                for entry in kept
            ]
        return "\n".join(lines)

    def _as_trained(self) -> list[str]:
        """Return what the recipe makes of the kept files."""
        lines = []
        if self.clipped:
            total = many(sum(one.samples for one in self.clipped), "sample")
            worst = some([f"{one.name} ({one.samples:,}, {one.share:.2%})" for one in self.clipped], SHOWN)
            lines.append(f"level     clips {total} of {many(len(self.clipped), 'file')}: {worst}")
        if self.splits:
            parts = [f"{name} {_files(count, seconds) if count else 'none'}" for name, count, seconds in self.splits]
            lines.append(f"splits    {self.divided}: {', '.join(parts)}")
        lines += [f"warning   {line}" for line in self.warnings]
        return lines if self.refusal is None else [*lines, f"refused   {self.refusal}"]


def _how(recipe: Recipe | None) -> str:
    """Return in words how files were measured."""
    if recipe is None:
        return "each file at its own sample rate; --recipe NAME measures as training will"
    trim, level = recipe.data.trim, recipe.data.level
    ends = "untrimmed" if trim is None else f"ends {trim.below_db:g} dB below the loudest trimmed"
    name, value = ("peak", level.peak) if level.peak is not None else ("rms", level.rms)
    gained = "no level" if value is None else f"level.{name} {value:g}"
    return f"as training by {recipe.name} will: {recipe.audio.sample_rate:,} Hz, {ends}, {gained}"


def _files(count: int, seconds: float) -> str:
    return many(count, "file") + (f" ({duration(seconds)})" if seconds else "")


def _measures(kept: list[Entry], recipe: Recipe | None) -> list[str]:
    seconds = np.array([entry.seconds for entry in kept])
    peaks = np.array([entry.peak for entry in kept])
    levels = np.array([entry.rms for entry in kept])
    clipped = sum(entry.clipped > 1e-4 for entry in kept)
    silence = sum(entry.silence * entry.seconds for entry in kept) / seconds.sum()
    return [
        f"length    {seconds.min():.2f} to {seconds.max():.2f} s, median {np.median(seconds):.2f} s",
        f"rates     {_shares([f'{entry.source_rate} Hz' for entry in kept])}",
        f"channels  {_shares([str(entry.channels) for entry in kept])}",
        f"peaks     {peaks.min():.3f} to {peaks.max():.3f}, median {np.median(peaks):.3f}",
        f"rms       {_db(levels.min())} to {_db(levels.max())}, median {_db(float(np.median(levels)))}",
        f"clipping  over 0.01 % of the samples at full scale in {many(clipped, 'file')}",
        f"overshoot {_overshoot(kept, recipe)}",
        f"silence   {silence:.1%} of all 10 ms frames lie below -60 dBFS",
    ]


def _overshoot(kept: list[Entry], recipe: Recipe | None) -> str:
    """Return how many samples lie beyond full scale, in which files, and what becomes of them."""
    beyond_it = sorted((entry for entry in kept if entry.overshoot), key=lambda entry: -entry.overshoot)
    if not beyond_it:
        return "no sample lies beyond full scale"
    total = many(sum(entry.overshoot for entry in beyond_it), "sample")
    worst = some([f"{one.name} ({one.overshoot:,}, peak {one.peak:,.2f})" for one in beyond_it], SHOWN)
    fate = "; clipped unless data.level brings them below it" if recipe is None else ""
    return f"{total} beyond full scale in {many(len(beyond_it), 'file')}: {worst}{fate}"


def _shares(values: list[str]) -> str:
    return ", ".join(f"{value} ({many(count, 'file')})" for value, count in Counter(values).most_common())


def _db(level: float) -> str:
    return f"{20 * np.log10(max(level, 1e-9)):.1f} dBFS"


def scan(folder: str | Path, recipe: str | Path | Recipe | None = None, overrides: Sequence[str] = ()) -> Survey:
    """Return what a folder of sound holds; nothing is kept of it.

    Args:
        folder: the folder.
        recipe: measure as training by it will (rate, labels, microphone, trimming, level, splits): a path, a name in
            `recipes/`, or the record itself. None measures each file at its own rate.
        overrides: ``KEY=VALUE`` at dotted keys of the recipe.

    Raises:
        InputError: the folder doesn't exist or holds no file with a suffix of sound; there is no such recipe, or
            overrides of none.
        WavenetError: there is no room for a temporary file.
    """
    if recipe is None:
        if overrides:
            raise InputError("--set changes a recipe; name one with --recipe NAME")
        source = folders.open_folder(disk.given_path(str(folder)))
        entries = []
        with Progress("reading", len(source.clips), "files") as progress:
            for clip in source.clips:
                entries.append(measure(clip))
                progress.advance(1)
        return Survey(source.folder, source.layout, tuple(entries), passed_over=source.passed_over)
    made = recipe if isinstance(recipe, Recipe) else read.load(find.find_recipe(str(recipe)), overrides)
    return _as_trained(find.with_data(made, folder, overrides))


def _as_trained(recipe: Recipe) -> Survey:
    """Return what a recipe's folder holds as training by it would find it."""
    source = folders.find(recipe.data)
    entries, clipped = _measured(source.clips, recipe)
    kept = [entry for entry in entries if entry.reason is None]
    survey = Survey(
        source.folder, source.layout, tuple(entries), recipe, tuple(clipped), passed_over=source.passed_over
    )
    if not kept:
        return survey
    try:
        spans = corpus.divide(recipe, source, entries)
    except SoundError as error:
        return dataclasses.replace(survey, refusal=str(error))
    rate = recipe.audio.sample_rate
    divided = [
        (name, len({span.clip for span in own}), sum(span.last - span.first for span in own) / rate)
        for name, own in spans.items()
    ]
    told = corpus.warnings(recipe, source, entries, spans, clipped)
    whose = splits.whose(corpus.kept_clips(source, entries), spans, recipe.data.split)
    return dataclasses.replace(survey, splits=tuple(divided), divided=whose, warnings=tuple(told))


def _measured(clips: Sequence[Clip], recipe: Recipe) -> tuple[list[Entry], list[Clipped]]:
    """Return what decoding finds in each clip, and of which the level clips samples, the worst first."""
    entries, clipped = [], []
    try:
        with (
            tempfile.SpooledTemporaryFile(HELD) as samples,
            Progress("reading", len(clips), "files") as progress,
        ):
            for clip in clips:
                samples.seek(0)
                samples.truncate()
                entry = decode(clip, recipe.audio.sample_rate, recipe.data.trim, samples)
                entries.append(entry)
                if entry.reason is None:
                    samples.seek(0)
                    parts = iter(lambda: samples.read(2 * COUNTED_SAMPLES), b"")
                    factor = gain(recipe.data.level, entry.rms, entry.peak)
                    clipped.append(clipping(entry, factor, (np.frombuffer(part, np.int16) for part in parts)))
                progress.advance(1)
    except OSError as error:
        where = tempfile.gettempdir()
        raise WavenetError(
            f"{where} cannot be written ({error.strerror or error}); free space, or set TMPDIR"
        ) from None
    return entries, worst_first(clipped)
