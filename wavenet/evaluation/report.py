"""What `evaluate` says: a record of scores -> text, JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from wavenet.evaluation.conditions import Conditions
from wavenet.evaluation.copy_synthesis import Row
from wavenet.evaluation.generated import Generated
from wavenet.evaluation.intervals import in_words
from wavenet.evaluation.predictions import Predictions
from wavenet.evaluation.spoken import Speech
from wavenet.evaluation.surprise import Extremes
from wavenet.outputs import Floats
from wavenet.text import duration, many, plain, printable, table

MOST_ROWS = 20  # of one table
FIRST_NAMES = {"order0": "order-0", "order1": "order-1", "linear": "linear prediction", "flac": "FLAC"}


@dataclass(frozen=True)
class FileScore:
    """What one file costs."""

    path: str
    speaker: str | None
    label: str | None
    seconds: float  # of what was scored
    targets: int  # samples
    bits: float  # per sample


@dataclass(frozen=True)
class GroupScore:
    """What some files cost together."""

    name: str
    files: int
    targets: int
    bits: float  # per sample
    low: float | None  # ends of the 95 % interval; None for a single file
    high: float | None

    @property
    def interval(self) -> str | None:
        """The interval in words."""
        return in_words(self.low, self.high)


@dataclass(frozen=True)
class Excerpt:
    """A file's sound, and what each of its samples costs."""

    path: str
    wave: Floats  # [T] in [-1, 1]
    bits: Floats  # [T]
    sample_rate: int  # in Hz
    usual: float | None = None  # bits per sample of the model's own held-out sound, where its bundle has that


@dataclass(frozen=True)
class Evaluation:
    """How well a model predicts sound, and what it is compared with, all in bits per sample over the same targets."""

    model: str
    sound: str  # what was scored
    split: str  # test, valid or all
    total: GroupScore
    seconds: float
    baselines: dict[str, float]  # uniform, order0, order1, linear, flac, as far as they are known
    files: tuple[FileScore, ...]
    speakers: tuple[GroupScore, ...]  # none where there is one at most
    labels: tuple[GroupScore, ...]
    raw: float | None = None  # of the weights before they are averaged, where asked for
    extremes: Extremes | None = None  # the worst and the best second of a single file
    excerpt: Excerpt | None = None  # the most surprising file, where it was asked for
    predictions: Predictions = field(default_factory=Predictions)  # how far predicted lengths and tracks are off
    generated: Generated | None = None  # what sound of the model's own is like, where that was asked for
    conditions: Conditions | None = None  # what comes of what the network is told, where that was asked for
    speech: Speech | None = None  # whether what it says is understood, where that was asked for
    stopped_by: str | None = None  # the signal that left out the rest
    preemphasis: float = 0.0  # of the codes that all bits are of (`outputs/preemphasis.py`)

    def __str__(self) -> str:
        return self.to_text()

    @property
    def rows(self) -> tuple[Row, ...]:
        """Real sound beside what the model makes of it, to draw both: copies, and sentences."""
        copies = None if self.conditions is None else self.conditions.copies
        said = () if self.speech is None else self.speech.rows
        return (*(() if copies is None else (pair.row for pair in copies.pairs)), *said)

    def warning(self) -> str | None:
        """Return what the scores mean where they are bad."""
        better = {name: bits for name, bits in self.baselines.items() if not self.total.bits < bits}
        if not better:
            return None
        none = len(better) == len(self.baselines)
        unlike = ", or the sound is unlike what it was trained on" if self.split == "all" else ""
        return (
            f"this model takes {self.total.bits:.3f} bits/sample, and {'all of ' if none else ''}what needs no network "
            f"does better: {_named(better)}; it needs more training{unlike}"
        )

    def summary(self) -> str:
        """Return all in one line."""
        interval = f" ({self.total.interval})" if self.total.interval else ""
        bits = f"{self.total.bits:.3f}{interval} bits/sample"
        return f"{self.split} split: {bits} ({_named(self.baselines)}; {_extent(self)})"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        names = ("uniform", "order0", "order1", "linear", "flac")
        return {
            "model": self.model,
            "sound": self.sound,
            "split": self.split,
            "bits_per_sample": self.total.bits,
            "low": self.total.low,
            "high": self.total.high,
            "raw_bits_per_sample": self.raw,
            **{name: self.baselines.get(name) for name in names},
            "preemphasis": self.preemphasis,
            "targets": self.total.targets,
            "seconds": self.seconds,
            "speakers": [_plain(one) for one in self.speakers],
            "labels": [_plain(one) for one in self.labels],
            "files": [_plain(one) for one in self.files],
            "extremes": plain(self.extremes),
            "warning": self.warning(),
            "predictions": self.predictions.to_json(),
            "generated": plain(self.generated),
            "conditions": plain(self.conditions),
            "speech": plain(self.speech),
            "stopped_by": self.stopped_by,
        }

    def to_text(self) -> str:
        """Return tables of at most 100 columns."""
        part = "" if self.split == "all" else f", {self.split} split"
        lines = [f"{self.model} on {self.sound}{part}: {_extent(self)}", ""]
        rows: list[Sequence[str | None]] = [("bits/sample", "", "95 % interval")]
        rows += [("this model", f"{self.total.bits:.3f}", self.total.interval)]
        if self.raw is not None:
            rows.append(("  its weights before averaging", f"{self.raw:.3f}", None))
        rows += [(FIRST_NAMES.get(name, name), f"{bits:.3f}", None) for name, bits in self.baselines.items()]
        lines += table(rows)
        if self.preemphasis:
            with_it = f"with pre-emphasis {self.preemphasis:g}"
            lines.append(f"All bits are of sound {with_it}: they do not compare with those of another.")
        for title, groups in (("speaker", self.speakers), ("label", self.labels)):
            if groups:
                lines += ["", *_group_lines(title, groups)]
        if len(self.files) > 1:
            lines += ["", *_file_lines(self.files)]
        if self.extremes is not None:
            lines += ["", str(self.extremes)]
        if said := self.predictions.to_text():
            lines += ["", *said]
        for more in (self.generated, self.conditions, self.speech):
            lines += [] if more is None else ["", *more.to_text()]
        if self.stopped_by is not None:
            lines += ["", "Interrupted: what was still to come is left out."]
        return "\n".join(lines)


def _plain(one: FileScore | GroupScore) -> dict[str, Any]:
    return {"bits_per_sample" if name == "bits" else name: value for name, value in vars(one).items()}


def _named(baselines: dict[str, float]) -> str:
    return ", ".join(f"{FIRST_NAMES.get(name, name)} {bits:.3f}" for name, bits in baselines.items())


def _extent(made: Evaluation) -> str:
    return f"{many(len(made.files), 'file')}, {duration(made.seconds)}, {many(made.total.targets, 'sample')}"


def _group_lines(title: str, groups: Sequence[GroupScore]) -> list[str]:
    rows: list[Sequence[str | float | None]] = [(title, "files", "bits/sample", "95 % interval")]
    rows += [(printable(one.name), one.files, f"{one.bits:.3f}", one.interval) for one in groups[:MOST_ROWS]]
    left = len(groups) - MOST_ROWS
    return [*table(rows), *([f"and {left:,} more; --json has all"] if left > 0 else [])]


def _file_lines(files: Sequence[FileScore]) -> list[str]:
    ranked = sorted(files, key=lambda one: one.bits)
    rows: list[Sequence[str | float | None]] = [("least and most surprising file", "seconds", "bits/sample")]
    rows += [(printable(one.path), f"{one.seconds:.2f}", f"{one.bits:.3f}") for one in (ranked[0], ranked[-1])]
    return table(rows)
