"""What a folder of sound holds, file by file, before anything is trained on it.

Without a recipe each file is measured at its own rate. With one it is decoded as for training: the same files are kept
for the same reasons, with the same warnings and refusals.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import disk
from wavenet.audio import corpus, folders
from wavenet.audio.corpus import SHOWN
from wavenet.audio.crops import COUNTED_SAMPLES, Clipped, clipping, gain, worst_first
from wavenet.audio.decode import Entry, decode
from wavenet.audio.folders import Source
from wavenet.audio.layouts import Clip
from wavenet.audio.splits import Splits
from wavenet.errors import InputError, SoundError
from wavenet.progress import Progress
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.text import duration, many, printable, some

HELD = 1 << 26  # bytes of one file's samples that are held in memory; longer ones go to a temporary file


@dataclass(frozen=True)
class Scripts:
    """Of how many kept files it is told which phones are said, before any is heard (`features/scan.py`)."""

    labelled: int  # files with labels beside them
    written: int  # files with a text instead
    sentences: int  # of those texts
    lacking: tuple[tuple[str, tuple[str, ...]], ...]  # reasons, the most frequent first, with the files without either

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        left_out = [{"reason": reason, "paths": names} for reason, names in self.lacking]
        return {"labels": self.labelled, "texts": self.written, "sentences": self.sentences, "left_out": left_out}

    def __str__(self) -> str:
        """Return it in a line."""
        by_text = f"{many(self.written, 'file')} by text ({many(self.sentences, 'sentence')}), to be aligned"
        lacking = sum(len(names) for _, names in self.lacking)
        return f"{many(self.labelled, 'file')} by labels, {by_text}, {many(lacking, 'file')} by neither"


@dataclass(frozen=True)
class Survey:
    """Every file of a folder, kept or dropped and why."""

    source: Source
    entries: tuple[Entry, ...]  # one per file, in the order of names
    recipe: Recipe | None = None  # by which they were measured as for training; None: untrimmed, at their own rates
    clipped: tuple[Clipped, ...] = ()  # kept files of which the recipe's level clips samples, the worst first
    spans: Splits = field(default_factory=dict)  # how the recipe divides the kept files
    refusal: str | None = None  # why training by the recipe would not begin
    scripts: Scripts | None = None  # which phones are said, where the recipe tells them

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

    @property
    def warnings(self) -> list[str]:
        """What training by the recipe would warn of."""
        if self.recipe is None or not self.spans:
            return []
        return corpus.warnings(self.recipe, self.source, self.entries, self.spans, self.clipped)

    @property
    def splits(self) -> dict[str, tuple[int, float]]:
        """Files and seconds of each split by the recipe."""
        return {} if self.recipe is None else corpus.shares(self.recipe, self.spans)

    def _measured_at(self, entry: Entry) -> int:
        """Return the sample rate at which a file was measured, in Hz; 0 where it was not."""
        return self.recipe.audio.sample_rate if self.recipe is not None and entry.source_rate else entry.source_rate

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `measured_at` is the rate in Hz at which a file was judged: its own, or the recipe's."""
        clipped, splits = {one.name: one.samples for one in self.clipped}, self.splits.items()
        return {
            "folder": str(self.source.folder),
            "layout": self.source.layout,
            "recipe": None if self.recipe is None else self.recipe.name,
            "minutes_kept": round(self.minutes_kept, 4),
            "passed_over": self.source.passed_over,
            "splits": {name: {"files": files, "seconds": round(lasting, 4)} for name, (files, lasting) in splits},
            "warnings": self.warnings,
            "refusal": self.refusal,
            "phones": None if self.scripts is None else self.scripts.to_json(),
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
        kept, recipe = self.kept, self.recipe
        dropped = [entry for entry in self.entries if entry.reason is not None]
        lines = [
            f"{self.source.folder}: {many(len(self.entries), 'file')}, layout {self.source.layout}",
            f"measured  {_how(recipe)}",
            f"kept      {_files(len(kept), 60 * self.minutes_kept)}",
            f"dropped   {_files(len(dropped), sum(entry.seconds for entry in dropped))}",
        ]
        lines += _measures(kept, recipe) if kept else []
        if self.clipped:
            total = many(sum(one.samples for one in self.clipped), "sample")
            worst = some([f"{one.name} ({one.samples:,}, {one.share:.2%})" for one in self.clipped], SHOWN)
            lines.append(f"level     clips {total} of {many(len(self.clipped), 'file')}: {worst}")
        if recipe is not None and self.spans:
            lines.append(f"splits    {corpus.splits_in_words(recipe, self.source, self.entries, self.spans)}")
        lines += [] if self.scripts is None else [f"phones    {self.scripts}"]
        lines += [f"warning   {line}" for line in self.warnings]
        lines += [f"refused   {self.refusal}"] if self.refusal is not None else []
        lines += [f"  dropped {printable(entry.name)}: {entry.why}" for entry in dropped]
        lines += [
            f"  no phones of {some([printable(name) for name in names], SHOWN)}: {reason}"
            for reason, names in (() if self.scripts is None else self.scripts.lacking)
        ]
        lines += [f"  note    {printable(entry.name)}: {entry.note}" for entry in kept if entry.note]
        lines += [
            f"  kept    {printable(entry.name)}: {entry.seconds:.2f} s, {entry.source_rate} Hz, "
            f"{entry.channels} ch, peak {entry.peak:.3f}, rms {_db(entry.rms)}, "
            f"at full scale {entry.clipped:.2%}, silent {entry.silence:.0%}"
            for entry in (kept if every_file else ())
        ]
        return "\n".join(lines)


def _how(recipe: Recipe | None) -> str:
    """Return in words how files were measured."""
    if recipe is None:
        return "each file at its own sample rate; --recipe NAME measures what training with it will read"
    trim, level = recipe.data.trim, recipe.data.level
    ends = "untrimmed" if trim is None else f"ends {trim.below_db:g} dB below the loudest trimmed"
    name, value = ("peak", level.peak) if level.peak is not None else ("rms", level.rms)
    gained = "no level" if value is None else f"level.{name} {value:g}"
    return f"as the recipe {recipe.name} prepares it: {recipe.audio.sample_rate:,} Hz, {ends}, {gained}"


def _files(count: int, seconds: float) -> str:
    return many(count, "file") + (f" ({duration(seconds)})" if seconds else "")


def _db(level: float) -> str:
    return f"{20 * np.log10(max(level, 1e-9)):.1f} dBFS"


def _measures(kept: list[Entry], recipe: Recipe | None) -> list[str]:
    """Return lengths, rates, channels and levels of the kept files."""
    seconds, peaks, levels = np.array([(entry.seconds, entry.peak, entry.rms) for entry in kept]).T
    rates, channels = (
        ", ".join(f"{value} ({many(count, 'file')})" for value, count in Counter(values).most_common())
        for values in ([f"{entry.source_rate} Hz" for entry in kept], [entry.channels for entry in kept])
    )
    over = sorted((entry for entry in kept if entry.overshoot), key=lambda entry: -entry.overshoot)
    overshoot = "no sample lies beyond full scale"
    if over:
        total = many(sum(entry.overshoot for entry in over), "sample")
        worst = some([f"{one.name} ({one.overshoot:,}, peak {one.peak:,.2f})" for one in over], SHOWN)
        fate = "; clipped unless data.level brings them below it" if recipe is None else ""
        overshoot = f"{total} beyond full scale in {many(len(over), 'file')}: {worst}{fate}"
    silence = sum(entry.silence * entry.seconds for entry in kept) / seconds.sum()
    return [
        f"length    {seconds.min():.2f} to {seconds.max():.2f} s, median {np.median(seconds):.2f} s",
        f"rates     {rates}",
        f"channels  {channels}",
        f"peaks     {peaks.min():.3f} to {peaks.max():.3f}, median {np.median(peaks):.3f}",
        f"rms       {_db(levels.min())} to {_db(levels.max())}, median {_db(float(np.median(levels)))}",
        "clipping  over 0.01 % of the samples at full scale in "
        + many(sum(entry.clipped > 1e-4 for entry in kept), "file"),
        f"overshoot {overshoot}",
        f"silence   {silence:.1%} of all 10 ms frames lie below -60 dBFS",
    ]


def scan(folder: str | Path, recipe: str | Path | Recipe | None = None, overrides: Sequence[str] = ()) -> Survey:
    """Return what a folder of sound holds, without a look at what its recipe tells the network.

    `features/scan.py` has both, takes the same and raises the same.
    """
    if recipe is None:
        if overrides:
            raise InputError("--set changes a recipe; name one with --recipe NAME, such as folder")
        source = folders.open_folder(disk.given_path(str(folder)))
        return Survey(source, _measured(source.clips, None)[0])
    made = recipe if isinstance(recipe, Recipe) else read.load(find.find_recipe(str(recipe)), overrides)
    made = find.with_data(made, folder, overrides)
    source = folders.find(made.data, made.columns)
    entries, clipped = _measured(source.clips, made)
    spans, refusal = Splits(), None
    if any(entry.reason is None for entry in entries):
        try:
            spans = corpus.divide(made, source, entries)
        except SoundError as error:
            refusal = str(error)
    return Survey(source, entries, made, clipped, spans, refusal)


def _measured(clips: Sequence[Clip], recipe: Recipe | None) -> tuple[tuple[Entry, ...], tuple[Clipped, ...]]:
    """Return what decoding finds in each clip, and of which the level clips samples, the worst first."""
    entries, clipped = [], []
    with (
        disk.explained(tempfile.gettempdir(), "free space, or set TMPDIR"),
        tempfile.SpooledTemporaryFile(HELD) as samples,
        Progress("reading", len(clips), "files") as progress,
    ):
        for clip in clips:
            samples.seek(0)
            samples.truncate()
            entry = decode(clip, recipe.audio.sample_rate, recipe.data.trim, samples) if recipe else decode(clip)
            entries.append(entry)
            if recipe and entry.reason is None:
                samples.seek(0)
                parts = iter(lambda: samples.read(2 * COUNTED_SAMPLES), b"")
                factor = gain(recipe.data.level, entry.rms, entry.peak)
                clipped.append(clipping(entry, factor, (np.frombuffer(part, np.int16) for part in parts)))
            progress.advance(1)
    return tuple(entries), tuple(worst_first(clipped))
