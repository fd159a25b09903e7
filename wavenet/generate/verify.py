"""Whether a sampler and the training graph agree on what was generated."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from wavenet.generate.guidance import guided
from wavenet.generate.sampler import Chunk
from wavenet.outputs import Alphabet, Codes, Condition, Feed, Floats

if TYPE_CHECKING:
    from wavenet.model.network import WaveNet

BOUND = 1e-4  # nats: a minute at 8 kHz stays within 7e-5 (LOG.md)
# of codes less likely than 2^-40, one in two years of sound at 16 kHz, a difference counts in proportion to the
# log-probability, as float32 keeps digits: at e^-130 it is off by 3e-4 itself, in the training graph too (LOG.md)
RARE = 40 * math.log(2)
MOST_CODES = 4_096  # of larger alphabets only the codes drawn are compared


class Verifier:
    """Compares the sampler's log-probabilities with the training graph's, chunk by chunk, in constant memory.

    Args:
        network: the training graph, with weights as they are after storage.
        alphabet: of both.
        batch: sequences B.
        primed: codes [T] that the sampler was primed with.
        condition: what the sequences are told.
        guidance: the sampler's, g.

    Attributes:
        difference: the largest difference so far, in nats; of codes that hardly ever come, in proportion (RARE). With
            guidance, what the two answers of which one counts g times and the other g - 1 times differ by at least.
    """

    def __init__(
        self,
        network: WaveNet,
        alphabet: Alphabet,
        batch: int,
        primed: Codes | None = None,
        condition: Condition | None = None,
        guidance: float = 1.0,
    ) -> None:
        self.network, self.alphabet, self.condition, self.difference = network, alphabet, condition, 0.0
        self.guidance = guidance
        context = network.receptive_field - 1
        known = np.zeros(0, np.int64) if primed is None else primed
        # the newest of these is the first input of the first chunk; the context is what lies before it
        before = np.concatenate([alphabet.starts(context + 1), known])[:-1]
        self._context = np.tile(before[len(before) - context :], (batch, 1))

    def judge(self, chunk: Chunk) -> None:
        """Take one more chunk, with its parameters, into account."""
        assert chunk.parameters is not None
        fed = np.concatenate([self._context[chunk.sequences], chunk.fed], axis=1)
        graph = self._answers(chunk, fed, self.condition)
        if self.guidance != 1:
            assert self.condition is not None
            nothing = Condition.nothing(self.condition.shape, len(self._context))
            graph = guided(graph, self._answers(chunk, fed, nothing), self.guidance)
        codes = None if self.alphabet.size <= MOST_CODES else chunk.codes[..., None]
        ours, theirs = (self.alphabet.log_probabilities(answer, codes) for answer in (chunk.parameters, graph))
        differences = np.abs(theirs - ours) / np.maximum(1.0, -theirs / RARE)
        differences /= self.guidance + abs(self.guidance - 1)  # as much as it multiplies what either answer is off by
        self.difference = float(np.maximum(self.difference, differences.max()))  # NaN stays NaN
        self._context[chunk.sequences] = fed[:, fed.shape[1] - self._context.shape[1] :]

    def _answers(self, chunk: Chunk, fed: Codes, condition: Condition | None) -> Floats:
        """Return the training graph's parameters [N, n, P] for the codes of a chunk with their context."""
        import torch

        from wavenet.model.network import as_tensors

        feeds = self._feeds(chunk, fed, condition)
        with torch.inference_mode():
            answers = [self.network(*as_tensors(feed, self.alphabet, self.network.shape)) for feed in feeds]
        return np.concatenate([answer.numpy() for answer in answers])

    def _feeds(self, chunk: Chunk, fed: Codes, condition: Condition | None) -> Iterator[Feed]:
        """Yield what the training graph is fed: all rows, or one by one, since each may be at a time of its own."""
        if condition is None or chunk.first is None:
            yield Feed(fed)
            return
        for row, (sequence, first) in enumerate(zip(chunk.sequences.tolist(), chunk.first.tolist(), strict=True)):
            told = condition.window([sequence], [first - self._context.shape[1]], fed.shape[1])
            yield Feed(fed[row : row + 1], told)

    def rewind(self, sequence: int, codes: Codes) -> None:
        """Go back with one sequence to where these [T], the prime among them, were all its codes."""
        context = self._context.shape[1]
        before = np.concatenate([self.alphabet.starts(context + 1), codes])[:-1]
        self._context[sequence] = before[len(before) - context :]
