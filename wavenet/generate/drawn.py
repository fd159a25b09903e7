"""What a sampler draws: sound, piece by piece as it is made, or all of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

import numpy as np

from wavenet.errors import Terminated
from wavenet.generate.sampler import Chunk, Sampler
from wavenet.generate.silence import Silence, ending
from wavenet.generate.sound import Drawn
from wavenet.generate.verify import Verifier
from wavenet.outputs import Codes, Floats
from wavenet.progress import Progress


def stream(source: Sampler, totals: Sequence[int], chunk: int, silences: Sequence[Silence]) -> Iterator[Floats]:
    """Yield sound as it is made, [B, n] float32 a chunk; zeros behind the ends of shorter sounds.

    Args:
        source: of all sequences.
        totals: samples of each, at most.
        chunk: how many at a time.
        silences: hear each sequence until it ends; none: all are drawn to their full length.
    """
    made = 0
    for part in _chunks(source, totals, chunk, silences):
        wave = np.zeros((source.batch, part.codes.shape[1]), np.float32)
        wave[part.sequences] = part.wave
        before, made = made, made + wave.shape[1]
        if silences:
            ends = [most if one.end is None else one.end for most, one in zip(totals, silences, strict=True)]
            for row, end in enumerate(ends):
                wave[row, max(0, end - before) :] = 0.0
            wave = wave[:, : max(ends) - before]
        yield wave


def collect(
    source: Sampler, totals: Sequence[int], judge: Verifier | None, rate: int, silences: Sequence[Silence]
) -> Drawn:
    """Return the sound of all sequences; Ctrl-C, SIGTERM and SIGHUP cut them short.

    Args:
        source: of all sequences.
        totals: samples of each, at most.
        judge: compares what is drawn with the training graph.
        rate: in Hz.
        silences: hear each sequence until it ends; none: all are drawn to their full length.
    """
    made: list[tuple[Codes, Floats]] = []  # sequences and their sound, of each chunk
    stopped_by, wall = None, 0.0
    # a twentieth of a second at a time, so that progress moves and an interruption loses little; the training graph
    # is asked about a receptive field at least, since it has to see as much again before
    size = max(100, rate // 20, source.engine.packed.shape.receptive_field if judge is not None else 0)
    with Progress("generating", max(totals), "samples") as progress:
        began = time.monotonic()
        try:
            for chunk in _chunks(source, totals, size, silences, keep_parameters=judge is not None):
                wall += time.monotonic() - began
                if judge is not None:
                    judge.judge(chunk)
                made.append((chunk.sequences, chunk.wave))
                progress.advance(chunk.codes.shape[1])
                began = time.monotonic()
        except (KeyboardInterrupt, Terminated) as signal:
            stopped_by = signal.signal if isinstance(signal, Terminated) else "SIGINT"
            if not made:
                raise
    parts: list[list[Floats]] = [[] for _ in range(source.batch)]
    for sequences, waves in made:
        for sequence, own in zip(sequences, waves, strict=True):
            parts[sequence].append(own)
    ends = [one.end for one in silences] if silences else [None] * len(parts)
    return Drawn([np.concatenate(part)[:end] for part, end in zip(parts, ends, strict=True)], wall, stopped_by)


def _chunks(
    source: Sampler, totals: Sequence[int], size: int, silences: Sequence[Silence], *, keep_parameters: bool = False
) -> Iterator[Chunk]:
    if silences:
        return ending(source, silences, totals, size, keep_parameters=keep_parameters)
    return source.generate(totals, size, keep_parameters=keep_parameters)
