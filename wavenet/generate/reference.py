"""The reference sampler: the definition that faster backends are compared with. NumPy, one step at a time.

It is given codes, of which Q stands for *start*. Sequences are worked on one by one, so that each is bit for bit what
it would be alone.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from wavenet.generate.guidance import guided
from wavenet.generate.packed import Packed
from wavenet.generate.state import Job, Queues
from wavenet.generate.told import Gates, gates, stretches
from wavenet.outputs import Alphabet, Codes, Feed, Floats, Window

Place = tuple[int, slice]

ONE = slice(0, 1)  # the first step of what is added
PASS_SAMPLES = 4096  # of one parallel pass; bounds its memory


class Reference:
    """Steps a packed network through time; `storage` is what its weights were rounded to (`packed.stored`)."""

    name, threads = "reference", 1

    def __init__(self, packed: Packed, alphabet: Alphabet, storage: str = "float32") -> None:
        self.packed, self.alphabet, self.storage = packed, alphabet, storage

    @np.errstate(over="ignore", invalid="ignore")  # readers of the answers check them
    def start(self, batch: int, told: Window | None = None) -> Queues:
        """Return queues that have seen *start* for ever: ring l is filled with layer l's fixed input."""
        queues, added = Queues(self.packed.shape, batch), gates(self.packed, told)
        for sequence in range(batch):
            x = self.packed.enter(self.alphabet.inputs(self.alphabet.starts(1)))[0]
            for index, layer in enumerate(self.packed.layers):
                queues.ring(sequence, index)[:] = x
                z = self._gated(index, np.tile(x, layer.kernel), added, sequence, ONE)
                x = x if layer.residual is None else x + layer.residual(z)
        return queues

    def readings(self, batch: int) -> int:
        """Return how often one step of a batch reads the weights."""
        return batch

    def step(
        self, queues: Queues, sequence: int, code: int, added: Gates | None = None, at: Place = (0, ONE)
    ) -> Floats:
        """Return the parameters [P] of the next sample, given the newest code; the queues move on.

        `at` says which row and step of what is added this is.
        """
        return self.packed.output(self._hidden(queues, sequence, code, added, at))

    def _hidden(self, queues: Queues, sequence: int, code: int, added: Gates | None, at: Place) -> Floats:
        """Return the hidden layer of the head that `step` answers from."""
        x = self.packed.enter(self.alphabet.inputs(np.array(code)))
        kept = []
        for index, layer in enumerate(self.packed.layers):
            z = self._gated(index, queues.push(sequence, index, x), added, *at)
            kept.append(z)
            if layer.residual is not None:
                x = x + layer.residual(z)
        queues.clocks[sequence] += 1
        return self._hide(np.concatenate(kept))

    def draw(self, queues: Queues, job: Job) -> int:
        """Draw samples; return how many each member has at least: all, unless an answer was not finite."""
        for steps, added in stretches(self.packed, job.told, job.codes.shape[1]):
            part = job.of(steps)
            drawn = self._draw(queues, part, added)
            job.take(part, steps)
            if drawn < steps.stop - steps.start:
                return int(steps.start + drawn)
        return int(job.codes.shape[1])

    def _draw(self, queues: Queues, job: Job, added: Gates | None) -> int:
        g = job.guidance
        for n, sequence in enumerate(job.members.tolist()):
            for t in range(job.codes.shape[1]):
                code, at = int(job.newest[sequence]), slice(t, t + 1)
                with np.errstate(over="ignore", invalid="ignore"):  # the number returned says so
                    hidden = self._hidden(queues, sequence, code, added, (n, at))
                    if g != 1:
                        untold = sequence + len(job.newest), code, added, (n + len(job.members), at)
                        hidden = guided(hidden, self._hidden(queues, *untold), g)
                    parameters = self.packed.output(hidden)
                if job.answers is not None:
                    job.answers[n, t] = parameters
                if not np.isfinite(parameters).all():
                    return t
                drawn = self.alphabet.draw(parameters, job.uniforms[n, t], job.how)
                job.newest[sequence] = job.codes[n, t] = drawn
        return int(job.codes.shape[1])

    def absorb(self, queues: Queues, sequence: int, feed: Feed, answers: Floats | None = None) -> None:
        """Take known codes of one sequence in, in parallel passes: as if `step` had been called T times."""
        for some, added, steps in self._passes(feed):
            self._pass(queues, sequence, feed.codes[some], None if answers is None else answers[some], added, steps)

    def _passes(self, feed: Feed) -> Iterator[tuple[slice, Gates | None, slice]]:
        """Yield which codes are taken in together, what is added to gates, and which steps of that are theirs."""
        for whole, added in stretches(self.packed, feed.told, len(feed.codes)):
            for first in range(whole.start, whole.stop, PASS_SAMPLES):
                some = slice(first, min(first + PASS_SAMPLES, whole.stop))
                yield some, added, slice(some.start - whole.start, some.stop - whole.start)

    @np.errstate(over="ignore", invalid="ignore")
    def nll(self, queues: Queues, sequence: int, feed: Feed, targets: Codes) -> Floats:
        """Take known codes of one sequence in, as `absorb` does; return -log p of targets [T] in nats [T].

        It is NaN where a parameter of the answer is not finite.
        """
        nats = np.empty(len(targets), np.float32)
        for some, added, steps in self._passes(feed):
            answers = np.empty((len(targets[some]), self.alphabet.parameters), np.float32)
            self._pass(queues, sequence, feed.codes[some], answers, added, steps)
            logs = self.alphabet.log_probabilities(answers, targets[some, None])[:, 0]
            nats[some] = np.where(np.isfinite(answers).all(axis=1), -logs, np.nan)
        return nats

    @np.errstate(over="ignore", invalid="ignore")
    def _pass(
        self, queues: Queues, sequence: int, codes: Codes, answers: Floats | None, added: Gates | None, steps: slice
    ) -> None:
        T, clock = len(codes), int(queues.clocks[sequence])
        x = self.packed.enter(self.alphabet.inputs(codes))
        kept = []
        for index, layer in enumerate(self.packed.layers):
            known = np.concatenate([queues.past(sequence, index), x])
            taps = [known[k * layer.dilation : k * layer.dilation + T] for k in range(layer.kernel)]
            queues.replace(sequence, index, known[T:], clock + T)
            z = self._gated(index, np.concatenate(taps, axis=-1), added, 0, steps)
            kept.append(z)
            if layer.residual is not None:
                x = x + layer.residual(z)
        queues.clocks[sequence] += T
        if answers is not None:
            answers[:] = self.packed.output(self._hide(np.concatenate(kept, axis=-1)))

    def _gated(self, layer: int, taps: Floats, added: Gates | None, row: int, steps: slice) -> Floats:
        """Return tanh(filter) x sigmoid(gate) [..., G] of taps [..., K*R]; sigmoid by tanh, which never overflows."""
        y = self.packed.layers[layer].dilated(taps)
        if added is not None:
            more = added.of(row, layer, len(self.packed.layers), steps)
            y += more[0] if more.ndim > y.ndim else more
        G = y.shape[-1] // 2
        squashed = np.tanh(y[..., G:] * np.float32(0.5))
        z: Floats = np.tanh(y[..., :G]) * (np.float32(0.5) * squashed + np.float32(0.5))
        return z

    def _hide(self, gates: Floats) -> Floats:
        """Return the hidden layer of the head [..., head channels] from all layers' gates [..., L*G]."""
        skip = np.maximum(self.packed.skip(gates), 0.0)
        hidden: Floats = np.maximum(self.packed.hidden(skip), 0.0)
        return hidden
