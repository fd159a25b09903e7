"""The reference sampler: the definition that faster backends are compared with. NumPy, one step at a time.

It is given codes, of which Q stands for *start*. Sequences are worked on one by one, so that each is bit for bit what
it would be alone.
"""

from __future__ import annotations

import numpy as np

from wavenet.generate.packed import Packed
from wavenet.generate.state import Queues
from wavenet.outputs import Alphabet, Codes, Draw, Floats, Uniforms

PASS_SAMPLES = 4096  # of one parallel pass; bounds its memory


class Reference:
    """Steps a packed network through time.

    Args:
        packed: the network's arrays.
        alphabet: the samples' alphabet.
        storage: what the weights were rounded to (`packed.stored`).
    """

    name, threads = "reference", 1

    def __init__(self, packed: Packed, alphabet: Alphabet, storage: str = "float32") -> None:
        self.packed, self.alphabet, self.storage = packed, alphabet, storage

    @np.errstate(over="ignore", invalid="ignore")  # weights that have run away are told by what looks at the answers
    def start(self, batch: int) -> Queues:
        """Return queues that have seen *start* for ever: ring l is filled with layer l's fixed input."""
        queues = Queues(self.packed.shape, batch)
        x = self.packed.enter(self.alphabet.inputs(self.alphabet.starts(1)))[0]
        for index, layer in enumerate(self.packed.layers):
            for sequence in range(batch):
                queues.ring(sequence, index)[:] = x
            z = _gate(layer.dilated(np.tile(x, layer.kernel)))
            x = x if layer.residual is None else x + layer.residual(z)
        return queues

    def readings(self, batch: int) -> int:
        """Return how often one step of a batch reads the weights."""
        return batch

    def step(self, queues: Queues, sequence: int, code: int) -> Floats:
        """Return the parameters [P] of the next sample, given the newest code; the queues move on."""
        x = self.packed.enter(self.alphabet.inputs(np.array(code)))
        gates = []
        for index, layer in enumerate(self.packed.layers):
            z = _gate(layer.dilated(queues.push(sequence, index, x)))
            gates.append(z)
            if layer.residual is not None:
                x = x + layer.residual(z)
        queues.tick(sequence)
        return self.head(np.concatenate(gates))

    def draw(
        self,
        queues: Queues,
        members: Codes,
        newest: Codes,
        uniforms: Uniforms,
        how: Draw,
        codes: Codes,
        answers: Floats | None,
    ) -> int:
        """Draw samples of some sequences; return how many each has at least: all, unless an answer was not finite.

        Args:
            queues: of all B sequences; those of the members move on.
            members: [N] the sequences to draw for.
            newest: [B] the code that each was given last; those of the members move on.
            uniforms: [N, T, U] in [0, 1).
            how: temperature and cuts.
            codes: [N, T], set to the codes drawn.
            answers: [N, T, P], set to the network's answers where that is asked for.
        """
        for n, sequence in enumerate(members.tolist()):
            for t in range(codes.shape[1]):
                with np.errstate(over="ignore", invalid="ignore"):  # told by the number returned
                    parameters = self.step(queues, sequence, int(newest[sequence]))
                if answers is not None:
                    answers[n, t] = parameters
                if not np.isfinite(parameters).all():
                    return t
                newest[sequence] = codes[n, t] = self.alphabet.draw(parameters, uniforms[n, t], how)
        return int(codes.shape[1])

    def absorb(self, queues: Queues, sequence: int, codes: Codes, answers: Floats | None = None) -> None:
        """Take known codes [T] of one sequence in, in parallel passes: as if `step` had been called T times.

        Args:
            queues: of all sequences.
            sequence: whose codes these are.
            codes: [T].
            answers: [T, P], set to the network's answers where that is asked for.
        """
        for at in range(0, len(codes), PASS_SAMPLES):
            self._pass(
                queues,
                sequence,
                codes[at : at + PASS_SAMPLES],
                None if answers is None else answers[at : at + PASS_SAMPLES],
            )

    @np.errstate(over="ignore", invalid="ignore")
    def _pass(self, queues: Queues, sequence: int, codes: Codes, answers: Floats | None) -> None:
        T, clock = len(codes), int(queues.clocks[sequence])
        x = self.packed.enter(self.alphabet.inputs(codes))
        gates = []
        for index, layer in enumerate(self.packed.layers):
            known = np.concatenate([queues.past(sequence, index), x])
            taps = [known[k * layer.dilation : k * layer.dilation + T] for k in range(layer.kernel)]
            queues.replace(sequence, index, known[T:], clock + T)
            z = _gate(layer.dilated(np.concatenate(taps, axis=-1)))
            gates.append(z)
            if layer.residual is not None:
                x = x + layer.residual(z)
        queues.clocks[sequence] += T
        if answers is not None:
            answers[:] = self.head(np.concatenate(gates, axis=-1))

    def head(self, gates: Floats) -> Floats:
        """Return parameters [..., P] from all layers' gates [..., L*G]."""
        packed = self.packed
        skip = np.maximum(packed.skip(gates), 0.0)
        return packed.output(np.maximum(packed.hidden(skip), 0.0))


def _gate(y: Floats) -> Floats:
    """Return tanh(filter) x sigmoid(gate) [..., G] of [..., 2G]; sigmoid by tanh, which never overflows."""
    G = y.shape[-1] // 2
    squashed = np.tanh(y[..., G:] * np.float32(0.5))
    z: Floats = np.tanh(y[..., :G]) * (np.float32(0.5) * squashed + np.float32(0.5))
    return z
