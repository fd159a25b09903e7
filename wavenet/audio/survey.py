"""What a folder of sound holds, file by file, before anything is trained on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import config
from wavenet.audio import decoding, sources
from wavenet.audio.decoding import Entry
from wavenet.progress import Progress, printable


@dataclass(frozen=True)
class Survey:
    """Every file of a folder, kept or dropped and why.

    Args:
        folder: the folder.
        layout: what it was recognised as, such as folder or vctk.
        entries: one per file, in the order of names, measured at the file's own rate.
        passed_over: how many files of sound were not looked into, by their kind (see `Source`).
    """

    folder: Path
    layout: str
    entries: tuple[Entry, ...]
    passed_over: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return what `wavenet data scan` prints."""
        return self.to_text()

    @property
    def kept(self) -> list[Entry]:
        """The files that training would use."""
        return [entry for entry in self.entries if entry.reason is None]

    @property
    def minutes_kept(self) -> float:
        """Minutes of sound that training would use."""
        return sum(entry.seconds for entry in self.kept) / 60

    def to_json(self) -> dict[str, Any]:
        """Return plain values; per file the path, whether readable and kept, why not, any note, and its measures."""
        return {
            "folder": str(self.folder),
            "layout": self.layout,
            "minutes_kept": round(self.minutes_kept, 4),
            "passed_over": self.passed_over,
            "files": [
                {
                    "path": entry.name,
                    "readable": entry.source_rate > 0,
                    "kept": entry.reason is None,
                    "reason": entry.reason,
                    "note": entry.note or None,
                    "seconds": round(entry.seconds, 4),
                    "sample_rate": entry.source_rate,
                    "channels": entry.channels,
                    "peak": round(entry.peak, 5),
                    "rms": round(entry.rms, 6),
                    "clipped": round(entry.clipped, 6),
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
            f"{self.folder}: {len(self.entries):,} files, layout {self.layout}",
            f"kept      {len(kept):,} files, {self.minutes_kept:.2f} minutes",
            f"dropped   {len(dropped):,} files, {sum(entry.seconds for entry in dropped) / 60:.2f} minutes",
        ]
        if kept:
            lines += _measures(kept)
        lines += [f"  dropped {printable(entry.name)}: {entry.why}" for entry in dropped]
        lines += [f"  in part {printable(entry.name)}: {entry.note}" for entry in kept if entry.note]
        if every_file:
            lines += [
                f"  kept    {printable(entry.name)}: {entry.seconds:.2f} s, {entry.source_rate} Hz, "
                f"{entry.channels} ch, peak {entry.peak:.3f}, rms {_db(entry.rms)}, "
                f"clipped {entry.clipped:.2%}, silent {entry.silence:.0%}"
                for entry in kept
            ]
        return "\n".join(lines)


def _measures(kept: list[Entry]) -> list[str]:
    seconds = np.array([entry.seconds for entry in kept])
    peaks = np.array([entry.peak for entry in kept])
    levels = np.array([entry.rms for entry in kept])
    clipping = [entry for entry in kept if entry.clipped > 1e-4]
    silence = sum(entry.silence * entry.seconds for entry in kept) / seconds.sum()
    return [
        f"length    {seconds.min():.2f} to {seconds.max():.2f} s, median {np.median(seconds):.2f} s",
        f"rates     {_shares([f'{entry.source_rate} Hz' for entry in kept])}",
        f"channels  {_shares([str(entry.channels) for entry in kept])}",
        f"peaks     {peaks.min():.3f} to {peaks.max():.3f}, median {np.median(peaks):.3f}",
        f"rms       {_db(levels.min())} to {_db(levels.max())}, median {_db(float(np.median(levels)))}",
        f"clipping  {len(clipping):,} files have over 0.01 % of their samples at full scale",
        f"overshoot {sum(entry.overshoot for entry in kept):,} samples lie beyond full scale and would be clipped",
        f"silence   {silence:.1%} of all 10 ms frames lie below -60 dBFS",
    ]


def _shares(values: list[str]) -> str:
    return ", ".join(f"{value} ({count:,} files)" for value, count in Counter(values).most_common())


def _db(level: float) -> str:
    return f"{20 * np.log10(max(level, 1e-9)):.1f} dBFS"


def scan(folder: str | Path) -> Survey:
    """Return what a folder of sound holds.

    Raises:
        InputError: the folder doesn't exist or holds no file with a suffix of sound.
    """
    source = sources.open_folder(config.given_path(str(folder)))
    entries = []
    with Progress("reading", len(source.clips), "files") as progress:
        for clip in source.clips:
            entries.append(decoding.measure(clip))
            progress.advance(1)
    return Survey(source.folder, source.layout, tuple(entries), passed_over=source.passed_over)
