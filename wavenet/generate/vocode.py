"""Copies sound: tracks -> sound, many sounds in one batch, each as if it were copied alone."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.generate.engines import Engine
from wavenet.generate.guidance import check_guidance
from wavenet.generate.originals import Original
from wavenet.generate.sampler import Sampler
from wavenet.generate.verify import Verifier
from wavenet.outputs import Alphabet, Chosen, Codes, Condition, Draw, Floats
from wavenet.progress import Progress
from wavenet.recipe.records import Recipe

if TYPE_CHECKING:
    from wavenet.model.network import WaveNet

BATCH = 16  # sounds that are drawn together
SOURCES = ("mel", "f0", "array")  # tracks that say what a sound is like
LEVELS = ("original", "voice")


class Piece(NamedTuple):
    """The next samples of one copy."""

    original: int  # which
    wave: Floats  # [n] float32


class Saved(NamedTuple):
    """A copy that is whole, and in its file."""

    path: Path
    samples: int
    wall: float  # seconds since the sounds of its batch were begun


class Vocoder:
    """Draws copies. Each draws from the same uniforms, so that what else is copied beside it changes nothing.

    Args:
        engine: what steps the network.
        fields: [n] int64, the values of fields that all copies are told.
        rate: of the sound, in Hz.
        bits: of PCM that keep every code apart.
        seed: 0 .. 2^63 - 1.
        draw: temperature and cuts.
        level: original: as loud as the original; voice: as loud as what the voice was trained on.
        network: the training graph, which every answer is compared with; None compares none.
        guidance: 0 to 10, how strongly copies follow what is told; other than 1 it takes twice the work.

    Attributes:
        difference: the largest difference of log-probabilities from the training graph's so far, in nats; None where
            none is compared.
    """

    def __init__(
        self,
        engine: Engine,
        fields: Codes,
        rate: int,
        bits: int,
        seed: int,
        draw: Draw,
        level: str = "original",
        network: WaveNet | None = None,
        guidance: float = 1.0,
    ) -> None:
        if level not in LEVELS:
            raise InputError(f"the level is {level!r:.40}, expected {' or '.join(LEVELS)}")
        self.engine, self.fields, self.rate, self.bits = engine, fields, rate, bits
        self.seed, self.how, self.level, self.network = seed, draw, level, network
        self.guidance = check_guidance(guidance, engine.packed.shape, engine.alphabet)
        self.difference = None if network is None else 0.0

    @property
    def alphabet(self) -> Alphabet:
        """What the network's codes mean."""
        return self.engine.alphabet

    @property
    def storage(self) -> str:
        """How weights are kept."""
        return self.engine.storage

    def copies(self, originals: Sequence[Original], chunk: int | None = None) -> Iterator[Piece]:
        """Yield the copies in pieces, as they are made: batch by batch, the longest first.

        Args:
            originals: what is copied.
            chunk: samples that are made at a time; None takes a quarter of a second.

        Raises:
            WavenetError: the network answers with numbers that are not finite.
        """
        chunk = max(1_000, self.rate // 4) if chunk is None else chunk
        for rows in self._batches(originals):
            yield from self._batch(rows, [originals[row] for row in rows], chunk)

    def _batches(self, originals: Sequence[Original]) -> list[list[int]]:
        order = sorted(range(len(originals)), key=lambda index: -originals[index].samples)
        return [order[at : at + BATCH] for at in range(0, len(order), BATCH)]

    def _batch(self, rows: Sequence[int], originals: Sequence[Original], chunk: int) -> Iterator[Piece]:
        shape = self.engine.packed.shape
        assert shape.condition is not None
        batch = len(originals)
        unknown: NDArray[np.bool_] = np.array([one.unknown for one in originals], bool)
        tracks = Chosen([(one.tracks, one.sound) for one in originals])
        told = Condition(shape.condition, np.tile(self.fields, (batch, 1)), tracks, unknown)
        source = Sampler(self.engine, batch, [self.seed] * batch, self.how, told, self.guidance)
        judge = None
        if self.network is not None:
            judge = Verifier(self.network, self.alphabet, batch, None, told, self.guidance)
        if judge is not None:  # the training graph has to see a receptive field before the first answer
            chunk = max(chunk, shape.receptive_field)
        totals = [one.samples for one in originals]
        for part in source.generate(totals, chunk, keep_parameters=judge is not None):
            if judge is not None:
                judge.judge(part)
                self.difference = float(np.maximum(self.difference or 0.0, judge.difference))  # NaN stays NaN
            for member, wave in zip(part.sequences.tolist(), part.wave, strict=True):
                factor = originals[member].factor if self.level == "original" else 1.0
                yield Piece(rows[member], wave * np.float32(factor))

    def save(self, originals: Sequence[Original], paths: Sequence[Path]) -> Iterator[Saved]:
        """Write copies to .wav or .flac files as they are made, and yield each as soon as its file is whole.

        What is not whole when this is closed, or ended by an exception, is in no file.

        Args:
            originals: what is copied.
            paths: of each copy; what is there is overwritten.

        Raises:
            WavenetError: a file cannot be written, or the network answers with numbers that are not finite.
        """
        began, made, total = time.monotonic(), 0, sum(one.samples for one in originals)
        with Progress("copying", total, "samples") as progress:
            for rows in self._batches(originals):
                started = time.monotonic()
                with ExitStack() as stack:
                    targets = {}
                    for row in rows:
                        with disk.explained(paths[row], "free space or name another place"):
                            one = files.Writer(paths[row], originals[row].samples, self.rate, self.bits, files.SOFTWARE)
                            targets[row] = stack.enter_context(one)
                    for row, wave in self._batch(rows, [originals[row] for row in rows], max(1_000, self.rate // 4)):
                        with disk.explained(paths[row], "free space or name another place"):
                            whole = targets[row].write(wave)
                        made += len(wave)
                        times = made / self.rate / max(1e-9, time.monotonic() - began)
                        progress.advance(len(wave), f"{times:.2f} x real time")
                        if whole:
                            yield Saved(paths[row], originals[row].samples, time.monotonic() - started)


def check_vocoder(recipe: Recipe, streamed: bool = False) -> None:
    """Raise InputError unless a voice can copy sound; where it is streamed, before its end is known."""
    told = [] if recipe.condition is None else [*recipe.fields, *(name for name, _ in recipe.condition.tracks_told())]
    if not set(told) & set(SOURCES):
        what = ", ".join(told) if told else "nothing but the past of its sound"
        raise InputError(
            f"{recipe.name} is told {what}: a copy is made of mel, f0 or array, so take a voice that is told one"
        )
    if streamed and recipe.condition is not None and recipe.condition.encoder.pooled:
        raise InputError(
            f"{recipe.name} averages over the whole sound (encoder.pooled), so it cannot be streamed; give a file name"
        )
