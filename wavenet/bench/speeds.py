"""What `bench` says: records of measured speed -> text, JSON. Standard library only."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from wavenet.geometry import Shape
from wavenet.text import many, table

NOTHING = "nothing"  # that a network is told
GROUPS = {
    "main": "drawing",
    "score": "scoring known sound, one sequence in each thread",
    "batch": "drawing several sequences at once",
    "told": "drawing one sequence that is told something (with guidance 1.5 in the last row)",
    "size": "drawing with networks of other sizes",
    "say": "saying a sentence, from its text on",
}


@dataclass(frozen=True)
class Speed:
    """One case as it was measured."""

    group: str  # one of GROUPS: the table it belongs to
    backend: str
    dtype: str  # of the products' weights
    batch: int  # sequences
    threads: int  # that could be used
    residual: int  # channels R
    skip: int  # channels S
    layers: int
    samples_per_second: float  # of all sequences together, the median round
    slowest: float  # samples per second in the slowest round
    fastest: float
    real_time: float  # seconds of sound of all sequences together made per second, at the model's rate
    us_per_step: float  # microseconds from one sample to the next, of each sequence
    gflops: float  # 1e9 floating-point operations per second in matrix products
    gbytes: float | None  # 1e9 bytes of weights used per second, once a step for all worked on together; not in score
    roofline_share: float | None  # of the operations that as many threads could do without touching memory
    bandwidth_share: float | None  # of the bytes that as many threads could read in order; not for `reference`, score
    memory_bytes: int  # weights and queues
    bits_per_sample: float | None = None  # on held-out sound, where there is some
    told: str = NOTHING  # what the network is told, in a word
    guidance: float = 1.0
    first_sound: float | None = None  # seconds from the start of a program that says text to its first sample


@dataclass(frozen=True)
class Benchmark:
    """All that was measured in one run."""

    name: str  # of the model or recipe
    shape: Shape
    processor: str
    cores: int  # that this process may use
    operations: dict[int, float]  # per second, by number of threads
    bytes_read: dict[int, float]  # per second, by number of threads, from memory as large as the default weights
    speeds: tuple[Speed, ...]
    targets: int  # held-out samples that were scored; 0 where there is no held-out sound
    busy: str | None  # why the numbers may be low

    def group(self, name: str) -> tuple[Speed, ...]:
        """Return the speeds of one table: backends side by side (main, score), batches (batch), or sizes (size)."""
        return tuple(speed for speed in self.speeds if speed.group == name)

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain values, a record for each case."""
        return [dataclasses.asdict(one) for one in self.speeds]

    def to_text(self) -> str:
        """Return tables of at most 120 columns."""
        shape = self.shape
        lines = [
            f"{self.name}: R {shape.residual}, G {shape.gate}, S {shape.skip}, H {shape.head}, Q {shape.outputs}, "
            f"{many(len(shape.layers), 'layer')}; {shape.macs_per_sample():,} multiply-adds per sample",
            f"{self.processor}; {many(self.cores, 'core')} to use",
        ]
        for threads, operations in self.operations.items():
            lines.append(
                f"at best, {many(threads, 'thread')}: {operations / 1e9:.1f} GFLOP/s in registers, "
                f"{self.bytes_read[threads] / 1e9:.1f} GB/s read"
            )
        head, *rows = table([HEAD, *map(_row, self.speeds)], left=3, most=120)
        for name, title in GROUPS.items():
            if self.group(name):
                lines += ["", f"{title}:", head]
                lines += [row for row, one in zip(rows, self.speeds, strict=True) if one.group == name]
        lines += ["", *self._gain(), *self._told(), *self._said(), self._bits()]
        return "\n".join(lines)

    def _gain(self) -> list[str]:
        """Return what more threads gain, and what they could."""
        main = self.group("main")
        one = {speed.dtype: speed for speed in main if speed.roofline_share and speed.batch > 1 and speed.threads == 1}
        lines = []
        for more in main:
            if more.threads > 1 and more.dtype in one:
                gained = more.samples_per_second / one[more.dtype].samples_per_second
                could = self.operations[more.threads] / self.operations[1]
                lines.append(
                    f"{more.threads} threads gain {gained:.2f} x in {more.dtype}; as many copies of the loop in "
                    f"registers gain {could:.2f} x: {gained / could:.0%} of it"
                )
        return lines

    def _told(self) -> list[str]:
        """Return what it costs to be told something, and what guidance costs."""
        once = {one.told: one.samples_per_second for one in self.group("told") if one.guidance == 1}
        shares = [
            f"{told} {speed / once[NOTHING]:.2f}" for told, speed in once.items() if NOTHING in once and told != NOTHING
        ]
        lines = [f"of the speed of a network that is told nothing: {', '.join(shares)}"] if shares else []
        for one in self.group("told"):
            if one.guidance != 1:
                times = once[one.told] / one.samples_per_second
                lines.append(f"guidance ({one.told}) takes {times:.2f} x the time of drawing without")
        return lines

    def _said(self) -> list[str]:
        """Return whether text is said as fast as it sounds, and after how long it begins to."""
        lines = []
        for one in self.group("say"):
            fast = "yes" if one.real_time >= 1 else "no"
            began = "" if one.first_sound is None else f"; a fresh process sounds after {one.first_sound:.2f} s"
            lines.append(f"text is said in real time on one core: {fast}, {one.real_time:.2f} x{began}")
        return lines

    def _bits(self) -> str:
        """Return what half precision costs."""
        bits = {speed.dtype: speed.bits_per_sample for speed in self.group("main")}
        whole, half = bits.get("float32"), bits.get("float16")
        if whole is None or half is None:
            return "held-out bits/sample: not measured; give a trained model, and --data where its sound lies elsewhere"
        return (
            f"held-out bits/sample over {many(self.targets, 'target')}: float32 {whole:.5f}, float16 {half:.5f} "
            f"({half - whole:+.6f})"
        )


HEAD = (
    *("backend", "weights", "told", "R", "S", "L", "batch", "threads", "samples/s", "spread", "x real", "us/step"),
    *("GFLOP/s", "of best", "GB/s", "of best", "MB"),
)


def _row(one: Speed) -> tuple[str | float, ...]:
    best, width = ("-" if share is None else f"{share:.0%}" for share in (one.roofline_share, one.bandwidth_share))
    spread = f"{(one.fastest - one.slowest) / one.samples_per_second:.0%}"
    sizes = (one.residual, one.skip, one.layers, one.batch, one.threads)
    speeds = (round(one.samples_per_second), spread, f"{one.real_time:.2f}", one.us_per_step)
    limits = (one.gflops, best, "-" if one.gbytes is None else one.gbytes, width, one.memory_bytes / 1e6)
    return (one.backend, one.dtype, "-" if one.told == NOTHING else one.told, *sizes, *speeds, *limits)
