"""Log-likelihood gain of conditions: held-out sound under what is true of it, beside what is not.

A clip is scored told the right values and tracks, and again with one thing changed: another value of one field, the
tracks of another sound, its own some frames late. What predicts it better, and by how many bits, is counted over clips.
Tracks measured on the sound may give a field's value away, so fields are compared once more where tracks are not told,
and where they are predicted from the fields, as they are when sound is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from wavenet.audio.crops import pieces
from wavenet.audio.splits import Span
from wavenet.evaluation.intervals import Share, in_words, interval, percent
from wavenet.evaluation.likelihood import Likelihood
from wavenet.evaluation.mismatched import NOTHING, PREDICTED, RIGHT, Key, Tellers, condition_of
from wavenet.outputs import Alphabet, Codes, Condition
from wavenet.progress import Progress
from wavenet.text import many, plain, printable, table

CLIPS, TARGETS = 60, 300_000  # at most so many are scored, for each thing that they are told

MEANING = (
    "To be told is to be given something beside the past of a sound, a condition: fields, such as a",
    "speaker, and tracks, such as a mel spectrogram, which are measured on it, predicted from its",
    "fields, or unknown. Bits/sample are the log-likelihood that is gained by the right condition.",
)

Judges = Callable[[Condition], Likelihood]


@dataclass(frozen=True)
class Gain:
    """How much better clips are predicted that are told the right thing than the same clips told something else."""

    told: str  # a field, tracks, or all
    tracks: str  # how they are told meanwhile: measured, predicted, unknown, none
    against: str  # what else is told, in words
    clips: int
    others: float  # things that a clip is told in place of the right one, on average
    wins: float  # the share of these that the right one beats; a draw is half a win
    wins_low: float | None  # ends of 95 % intervals over clips; None for a single clip
    wins_high: float | None
    beats_all: Share  # clips in which it beats each of them
    bits: float  # per sample that the right one saves, beside the mean of the others
    low: float | None
    high: float | None

    @property
    def chance(self) -> float:
        """The share of clips in which it would beat all if what is told did not matter."""
        return 1 / (1 + self.others)


@dataclass(frozen=True)
class Gains:
    """How much each thing gains that sounds are told."""

    rows: tuple[Gain, ...]
    clips: int
    targets: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        rows = [{**plain(one), "chance": one.chance} for one in self.rows]
        return {"clips": self.clips, "targets": self.targets, "rows": rows}

    def to_text(self) -> list[str]:
        """Return a table, line by line."""
        lines: list[list[str | float | None]] = [
            ["told right, against", "tracks", "clips", "better", "than all", "chance", "bits/sample", "95 % interval"]
        ]
        for one in self.rows:
            shares = (percent(one.wins), percent(one.beats_all.share), percent(one.chance))
            name = f"{printable(one.told)}: {one.against}"
            lines.append([name, one.tracks, one.clips, *shares, f"{one.bits:.3f}", in_words(one.low, one.high)])
        extent = f"{many(self.clips, 'held-out clip')}, {many(self.targets, 'sample')}"
        return [*MEANING, "", f"{extent}, told what is true and what is not", "", *table(lines, left=2)]


@dataclass(frozen=True)
class Scored:
    """What one clip costs, told one thing and another."""

    targets: int
    nats: dict[Key, float]


def gains_of(
    tellers: Tellers, spans: Sequence[Span], judges: Judges, alphabet: Alphabet, context: int, threads: int = 1
) -> Gains:
    """Return how much each thing gains that held-out sound is told.

    Args:
        tellers: what the clips may be told.
        spans: the held-out sound, of which a part that is spread evenly over it is scored.
        judges: returns the likelihood under a network that is told something.
        alphabet: of its samples.
        context: its receptive field.
        threads: tellings that are scored at once.
    """
    parts, scored = chosen_parts(spans), []
    with ThreadPoolExecutor(threads) as pool, Progress("scoring what is told", len(parts), "clips") as progress:
        for part in parts:
            told = tellers.of(part.clip, sorted({other.clip for other in parts} - {part.clip}))
            known = tellers.sound.codes(part.clip, max(0, part.first - context), part.last, alphabet)
            judge = judges(condition_of(tellers.shape, [*told.values()]))
            costs = pool.map(_cost_of(judge, part, known), range(len(told)))
            scored.append(Scored(part.last - part.first, dict(zip(told, costs, strict=True))))
            progress.advance(1)
    return Gains(tuple(_rows(scored, tellers)), len(parts), sum(one.targets for one in scored))


def _cost_of(judge: Likelihood, part: Span, known: Codes) -> Callable[[int], float]:
    """Return what gives the nats that a part of a clip costs under a telling; `known` ends with its codes."""
    lead = len(known) - (part.last - part.first)
    return lambda telling: float(judge(telling, known[:lead], known[lead:], part.first).sum(dtype=np.float64))


def chosen_parts(spans: Sequence[Span]) -> list[Span]:
    """Return parts of some spans, spread evenly over them, CLIPS and TARGETS at most; long spans are cut."""
    parts = [Span(clip, first, first + count) for clip, first, count in pieces(spans, 2 * TARGETS // CLIPS)]
    mean = sum(part.last - part.first for part in parts) / len(parts)
    count = min(len(parts), CLIPS, max(1, int(TARGETS / mean)))
    return [parts[len(parts) * i // count] for i in range(count)]


def _rows(scored: Sequence[Scored], tellers: Tellers) -> Iterator[Gain]:
    """Yield the rows of the table."""
    first = (tellers.ways[0], *RIGHT)
    yield from _row(scored, "all", first, "told nothing", [NOTHING])
    keys = [*dict.fromkeys(key for one in scored for key in one.nats)]
    for field, _ in tellers.shape.told.fields:
        for way in tellers.ways:
            wrong = [key for key in keys if key[:2] == (way, field) and key[2]]
            yield from _row(scored, field, (way, *RIGHT), "other values", wrong)
            yield from _row(scored, field, (way, *RIGHT), "not told", [(way, field, "")])
    for key in keys:
        if key[1] == "tracks":
            yield from _row(scored, "tracks", (key[0], *RIGHT), key[2], [key])
    if PREDICTED in tellers.ways:
        yield from _row(scored, "tracks", first, "those predicted", [(PREDICTED, *RIGHT)])


def _row(scored: Sequence[Scored], told: str, right: Key, against: str, others: Sequence[Key]) -> Iterator[Gain]:
    """Yield the row of one comparison; none where no clip has both sides."""
    each = [(one, [one.nats[key] for key in others if key in one.nats]) for one in scored]
    each = [(one, costs) for one, costs in each if costs]
    if not each:
        return
    targets = np.array([one.targets for one, _ in each])
    pairs = np.array([len(costs) for _, costs in each])
    beaten = np.array([sum(one.nats[right] < cost for cost in costs) for one, costs in each])
    won = beaten + np.array([sum(one.nats[right] == cost for cost in costs) for one, costs in each]) / 2
    saved = np.array([np.mean(costs) - one.nats[right] for one, costs in each])
    wins_low, wins_high = interval(won * math.log(2), pairs) or (None, None)
    low, high = interval(saved, targets) or (None, None)
    wins, bits = float(won.sum() / pairs.sum()), float(saved.sum() / targets.sum() / math.log(2))
    best = Share(int((beaten == pairs).sum()), len(each))
    count = float(pairs.mean())
    yield Gain(told, right[0], against, len(each), count, wins, wins_low, wins_high, best, bits, low, high)
