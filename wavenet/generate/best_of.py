"""Draws several candidates for each sound and keeps the one that is about as likely as real sound is.

A candidate's likelihood is that of the network itself, at temperature 1, however it was drawn. Sound that is far more
likely than real sound is monotonous, sound that is far less likely is noise. While the candidates grow, what no real
sound does for so long (`watch.py`) is taken back and drawn again.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from wavenet.errors import BundleError, InputError, Terminated
from wavenet.generate.sampler import Sampler
from wavenet.generate.silence import Silence
from wavenet.generate.sound import Choice, Drawn, Trouble
from wavenet.generate.verify import Verifier
from wavenet.generate.watch import WINDOW, Ranges, Watch, step_samples
from wavenet.outputs import Codes, Draw, Floats
from wavenet.progress import Progress
from wavenet.text import shown

BACK_STEPS = 2  # before the beginning of what is drawn again: 0.1 s, half of the shortest stretch that is judged
NEAR_SECONDS = 0.5  # places closer than this are one
MOST_HERE = 3  # times that one place is drawn again
MOST_PER_SECOND = 2  # times that a sound is drawn again for each second of it, and as often before its first second
PARAMETER_BYTES = 4 << 20  # of the network's answers that are kept at a time: about what the caches hold


@dataclass(frozen=True)
class Aim:
    """What held-out real sound is like."""

    bits: float  # per sample, the middle of its clips
    ranges: Ranges


def check_numbers(count: int, candidates: int, draw: Draw) -> None:
    """Raise InputError where there are no sounds or candidates, or where all candidates would be alike."""
    if min(count, candidates) < 1:
        raise InputError(f"the numbers of sounds and candidates are {count} and {candidates}, expected at least 1")
    if candidates > 1 and (draw.temperature == 0 or draw.top_k == 1):
        raise InputError("the best of several needs sounds that differ; temperature 0 and top-k 1 draw all alike")


def aim_of(training: dict[str, Any], name: str) -> Aim:
    """Return what a bundle's record of training says of held-out real sound; `name` is the voice's.

    Raises:
        InputError: it says nothing.
        BundleError: it is damaged.
    """
    try:
        held_out = training["held_out"]
        middle, windows = held_out["clips"]["middle"], held_out["windows"]
    except (KeyError, TypeError):
        raise InputError(
            f"the bundle of {name} does not say how likely its held-out sound is, which the best of several is chosen "
            "by; `wavenet train RUN --resume` adds it to a run of this version"
        ) from None
    if type(middle) not in (int, float) or not 0 <= middle < 1_000:
        raise BundleError(f"what a bundle says of held-out sound is damaged (middle: {shown(middle)}); get it again")
    return Aim(float(middle), Ranges.from_json(windows))


@dataclass
class Candidate:
    """One sequence as it grows, step by step."""

    wanted: int  # samples, at most
    watch: Watch
    silence: Silence | None  # where it may end before
    steps: list[Codes] = field(default_factory=list)
    waves: list[Floats] = field(default_factory=list)
    nats: list[Floats] = field(default_factory=list)  # of each step
    ends: list[float] = field(default_factory=lambda: [0.0])  # `Decoder.last` before the first step and behind each
    drawn: int = 0  # samples of all steps
    redrawn: list[Trouble] = field(default_factory=list)
    left: list[Trouble] = field(default_factory=list)
    _left_until: float = -1.0  # seconds; what follows at once is the same trouble

    @property
    def length(self) -> int:
        """Samples so far, or all of them."""
        return self.drawn if self.silence is None or self.silence.end is None else self.silence.end

    @property
    def done(self) -> bool:
        """Whether it has all its samples."""
        return self.length >= self.wanted or (self.silence is not None and self.silence.end is not None)

    @property
    def bits(self) -> float:
        """Per sample, at temperature 1."""
        nats = np.concatenate([np.zeros(0, np.float32), *self.nats])[: self.length]
        return float(np.sum(nats, dtype=np.float64)) / max(1, self.length) / math.log(2)

    def wave(self) -> Floats:
        """Return all its sound."""
        return np.concatenate([np.zeros(0, np.float32), *self.waves])[: self.length]

    def hear(self, codes: Codes, wave: Floats, nats: Floats, end: float = 0.0) -> int | None:
        """Take in the next step; return how many steps remain where it has to be drawn again from there, else None.

        Args:
            codes: [n] of the step.
            wave: [n], their sound.
            nats: [n], what each cost.
            end: what `Decoder.last` is behind them.
        """
        self.steps.append(codes)
        self.waves.append(wave)
        self.ends.append(end)
        self.nats.append(nats)
        self.drawn += len(codes)  # last: what an interruption keeps is whole
        if self.silence is not None:
            self.silence.hear(wave)
        trouble = self.watch.hear(wave, nats)
        # a last step may be too short to be judged; and where silence is to end the sound, it is no trouble
        if trouble is None or len(codes) < self.watch.meter.step or (self.silence is not None and self.silence.quiet):
            return None
        if not self._may_draw_again(trouble):
            if trouble.seconds > self._left_until:
                self.left.append(trouble)
            self._left_until = trouble.seconds + NEAR_SECONDS
            self.watch.pass_over()
            return None
        self.redrawn.append(trouble)
        return max(0, trouble.first - BACK_STEPS)

    def _may_draw_again(self, trouble: Trouble) -> bool:
        here = sum(abs(other.seconds - trouble.seconds) <= NEAR_SECONDS for other in self.redrawn)
        return here < MOST_HERE and len(self.redrawn) < MOST_PER_SECOND * (1 + math.floor(trouble.seconds))

    def go_back(self, steps: int, sample_rate: int) -> None:
        """Forget all but the oldest `steps` steps."""
        self.drawn = sum(map(len, self.steps[:steps]))  # first: what an interruption keeps is whole
        del self.steps[steps:], self.waves[steps:], self.nats[steps:], self.ends[steps + 1 :]
        # of a long sound only the end, unless the silence has to be heard anew
        known = self.waves[-WINDOW if self.silence is None else 0 :]
        wave = np.concatenate([np.zeros(0, np.float32), *known])
        self.watch.meter.go_back(steps, wave)
        if self.silence is not None:
            self.silence = Silence(sample_rate)
            self.silence.hear(wave)


class BestOf:
    """Draws candidates until all are whole, and keeps the best of each group.

    Args:
        source: of all candidates, in groups of `best_of`.
        best_of: candidates for each sound.
        aim: what real sound is like.
        sample_rate: in Hz.
        primed: codes [T] that the sampler was primed with.
        judge: compares what is drawn with the training graph.
    """

    def __init__(
        self,
        source: Sampler,
        best_of: int,
        aim: Aim,
        sample_rate: int,
        primed: Codes | None = None,
        judge: Verifier | None = None,
    ) -> None:
        self.source, self.best_of, self.aim, self.sample_rate = source, best_of, aim, sample_rate
        self.judge, self._judging = judge, 0.0  # seconds
        self._primed = np.zeros(0, np.int64) if primed is None else primed
        self._step = step_samples(sample_rate)
        self.candidates: list[Candidate] = []

    def draw(self, totals: Sequence[int], until_silence: bool) -> Drawn:
        """Return what is kept of candidates of `totals` samples, or, with `until_silence`, at most so many."""
        began = time.monotonic()
        stopped_by = self._draw_all(totals, until_silence)
        wall, choices = time.monotonic() - began - self._judging, self._choices()
        return Drawn([self.candidates[one.sequence].wave() for one in choices], wall, stopped_by, choices)

    def _draw_all(self, totals: Sequence[int], until_silence: bool) -> str | None:
        """Draw all candidates; return the signal that cut them short, if one did."""
        for total, begin in zip(totals, self.source.sound.last.tolist(), strict=True):
            silence = Silence(self.sample_rate) if until_silence else None
            watch = Watch(self.aim.ranges, self.sample_rate)
            self.candidates.append(Candidate(total, watch, silence, ends=[begin]))
        with Progress("generating", max(totals), "samples") as progress:
            try:
                while not all(one.done for one in self.candidates):
                    self._draw_step()
                    growing = [one.length for one in self.candidates if not one.done]
                    progress.reach(min(growing, default=max(totals)))
            except (KeyboardInterrupt, Terminated) as signal:
                lengths = np.array([one.length for one in self.candidates]).reshape(-1, self.best_of)
                if not lengths.any(axis=1).all():
                    raise  # of a sound there is nothing yet
                return signal.signal if isinstance(signal, Terminated) else "SIGINT"
        return None

    def _draw_step(self) -> None:
        """Let every candidate that is not done grow by one step, or go back."""
        wanted = [0 if one.done else min(self._step, one.wanted - one.length) for one in self.candidates]
        size = max(16, min(self._step, PARAMETER_BYTES // (4 * self.source.alphabet.parameters * len(wanted))))
        parts: list[list[tuple[Codes, Floats, Floats]]] = [[] for _ in wanted]
        for chunk in self.source.generate(wanted, size, keep_parameters=True):
            if self.judge is not None:
                began = time.monotonic()
                self.judge.judge(chunk)
                self._judging += time.monotonic() - began
            assert chunk.parameters is not None
            drawn = zip(chunk.sequences, chunk.codes, chunk.wave, chunk.parameters, strict=True)
            for sequence, codes, wave, parameters in drawn:
                # one sequence at a time, so that it stays in the caches: three times as fast as all at once
                told = self.source.alphabet.log_probabilities(parameters, codes[:, None])
                parts[sequence].append((codes, wave, -told[:, 0]))
        for sequence, part in enumerate(parts):
            if part:
                codes, wave, nats = (np.concatenate(some) for some in zip(*part, strict=True))
                self._hear(sequence, codes, wave, nats)

    def _hear(self, sequence: int, codes: Codes, wave: Floats, nats: Floats) -> None:
        one = self.candidates[sequence]
        steps = one.hear(codes, wave, nats, float(self.source.sound.last[sequence]))
        if steps is None:
            return
        one.go_back(steps, self.sample_rate)
        # more than the network remembers would only cost time
        first = max(0, steps - 1 - self.source.engine.packed.shape.receptive_field // self._step)
        known = np.concatenate([self._primed[: None if first == 0 else 0], *one.steps[first:]])
        self.source.rewind(sequence, known, one.drawn, one.ends[-1])
        if self.judge is not None:
            self.judge.rewind(sequence, known)

    def _choices(self) -> tuple[Choice, ...]:
        """Return what is kept of each group: the candidate nearest to the middle of real sound."""
        bits, made = [one.bits for one in self.candidates], []
        for first in range(0, len(bits), self.best_of):
            group = range(first, first + self.best_of)
            # an interruption may come when one has gone back to its beginning
            sequence = min(group, key=lambda one: (not self.candidates[one].length, abs(bits[one] - self.aim.bits)))
            kept, others = self.candidates[sequence], tuple(bits[one] for one in group)
            made.append(Choice(sequence, kept.bits, others, self.aim.bits, tuple(kept.redrawn), tuple(kept.left)))
        return tuple(made)
