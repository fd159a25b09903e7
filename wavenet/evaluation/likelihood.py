"""-log p of every sample of held-out sound, teacher-forced: the one pass that all scores are made of.

The first sample of a file is a target too, after endless *start*. A long file comes in pieces, each with its whole
context, so that an hour costs no more memory than a minute and no piece's border leaves a mark.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wavenet.audio.crops import Sound
from wavenet.audio.splits import Span
from wavenet.generate.engines import Engine
from wavenet.outputs import Alphabet, Codes, Condition, Feed, Floats, Window

if TYPE_CHECKING:
    from wavenet.model.network import WaveNet

PIECE_SAMPLES = 1 << 16  # targets of one piece: the context that is read again adds a few per cent
PASS_SAMPLES = 1 << 13  # targets of one pass of the training graph, which keeps every layer's output: a few 100 MB

# clip, its past [0..], targets [n] and where in the clip they begin -> -log p of each, in nats
Likelihood = Callable[[int, Codes, Codes, int], Floats]


@dataclass(frozen=True)
class Piece:
    """Some successive samples of a file, and what each costs."""

    span: int  # which of the spans they are of, by its index
    first: int  # where in the file they begin
    past: Codes  # what comes before them in the file, oldest first, or as much of it as is asked for
    codes: Codes  # [n] the samples
    nats: Floats  # [n] -log p of each

    @property
    def bits(self) -> Floats:
        """Return what each sample costs in bits, [n] float32."""
        return self.nats / np.float32(math.log(2))


def teacher_forced(
    likelihood: Likelihood,
    sound: Sound,
    spans: Sequence[Span],
    alphabet: Alphabet,
    context: int,
    threads: int = 1,
    size: int = PIECE_SAMPLES,
) -> Iterator[Piece]:
    """Yield the pieces of some spans in their order.

    Args:
        likelihood: of a network (`of_engine`, `of_network`).
        sound: the clips.
        spans: what to predict, by clip.
        alphabet: of the network.
        context: samples before each piece that are read again: its receptive field at least.
        threads: pieces that are worked on at once; a few more are held in memory.
        size: samples of a piece at most.
    """

    def piece(index: int, first: int, last: int) -> Piece:
        begin = max(0, first - context)
        known = sound.codes(spans[index].clip, begin, last, alphabet)
        past, codes = known[: first - begin], known[first - begin :]
        return Piece(index, first, past, codes, likelihood(spans[index].clip, past, codes, first))

    places = (
        (index, first, min(first + size, span.last))
        for index, span in enumerate(spans)
        for first in range(span.first, span.last, size)
    )
    if threads == 1:
        yield from (piece(*place) for place in places)
        return
    waiting: deque[Future[Piece]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        try:
            for place in places:
                waiting.append(pool.submit(piece, *place))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # Ctrl-C waits for what is worked on, not for the rest


def of_engine(engine: Engine, condition: Condition | None = None) -> Likelihood:
    """Return the likelihood under an engine, as it computes when it draws; `condition` is that of each clip, or None.

    Several threads may share it.
    """
    context = engine.packed.shape.receptive_field

    def nats(clip: int, past: Codes, codes: Codes, first: int) -> Floats:
        state = engine.start(1, _told(condition, clip, -1, 1))
        before = past if len(past) >= context else np.append(engine.alphabet.starts(1), past)
        fed = np.concatenate([before[-context:], codes[:-1]])
        lead = len(fed) - len(codes)
        engine.absorb(state, 0, Feed(fed[:lead], _told(condition, clip, first - lead, lead)))
        return engine.nll(state, 0, Feed(fed[lead:], _told(condition, clip, first, len(codes))), codes)

    return nats


def of_network(network: WaveNet, alphabet: Alphabet, condition: Condition | None = None) -> Likelihood:
    """Return the likelihood under the training graph, in evaluation mode, on any device (imports torch).

    `condition` is that of each clip, or None.
    """
    import torch

    from wavenet.model.network import as_tensors

    context, device = network.receptive_field, next(network.parameters()).device

    def one_pass(clip: int, past: Codes, codes: Codes, first: int) -> Floats:
        known = np.concatenate([alphabet.starts(max(0, context - len(past))), past[-context:], codes[:-1]])
        feed = Feed(known[None], _told(condition, clip, first - context + 1, len(known)))
        with torch.inference_mode():
            answers = network(*as_tensors(feed, alphabet, network.shape, device))
            return np.asarray(alphabet.nll(answers, torch.from_numpy(codes[None]).to(device))[0].cpu().numpy())

    def nats(clip: int, past: Codes, codes: Codes, first: int) -> Floats:
        known, lead = np.concatenate([past, codes]), len(past)
        starts = range(0, len(codes), PASS_SAMPLES)
        parts = [
            (known[max(0, lead + at - context) : lead + at], codes[at : at + PASS_SAMPLES], first + at) for at in starts
        ]
        return np.concatenate([one_pass(clip, *part) for part in parts])

    return nats


def _told(condition: Condition | None, clip: int, first: int, steps: int) -> Window | None:
    return None if condition is None else condition.window([clip], [first], steps)
