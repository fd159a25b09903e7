"""Draws samples one after the other: backend, priming, uniforms, chunks, state."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wavenet import atomic
from wavenet.errors import InputError, WavenetError, did_you_mean
from wavenet.generate.packed import STORAGES, Packed, pack, stored
from wavenet.generate.queues import Queues
from wavenet.generate.reference import Reference
from wavenet.geometry import Shape
from wavenet.outputs import Categorical, Codes, Draw, Floats, Uniforms
from wavenet.progress import log

BACKENDS = ("auto", "reference", "cpu")
DEFAULT_STORAGE = "float16"  # costs no bits that can be measured, and is half as much again as fast (LOG.md)
WORDS = 4  # 64-bit words of one Philox block
STATE = "wavenet-state"


class Engine(Protocol):
    """A backend: what steps a packed network through time. `Reference` documents its methods.

    Attributes:
        name: as in BACKENDS.
        storage: how it keeps its weights.
        threads: how many it uses at most.
        together: how many sequences share one reading of the weights.
        packed: the network's arrays, as they are after storage.
    """

    name: str
    storage: str
    threads: int
    together: int
    packed: Packed

    def start(self, batch: int) -> Queues:
        """Return queues that have seen *start* for ever."""

    def absorb(self, queues: Queues, sequence: int, codes: Codes, answers: Floats | None = None) -> None:
        """Take known codes [T] of one sequence in."""

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
        """Draw samples of some sequences and return how many of each."""


@dataclass(frozen=True)
class Chunk:
    """Samples as they were made.

    Args:
        sequences: [N] int64, which of the batch these are; those that have all their samples are left out.
        codes: [N, n] int64.
        inputs: [N, n] what the network was fed to predict each of them.
        parameters: [N, n, P] what it answered, or None where that was not asked for.
    """

    sequences: Codes
    codes: Codes
    inputs: NDArray[np.generic]
    parameters: Floats | None


def uniforms(seed: int, sequence: int, first: int, count: int) -> Uniforms:
    """Return the uniforms in [0, 1) of samples first .. first + count - 1 of one sequence.

    Counter-based (Philox 4x64 keyed by (seed, sequence), the sample as counter): they depend on nothing else, so a
    batch begins with the sounds of a smaller batch and chunks change nothing.
    """
    block, skip = divmod(first, WORDS)
    key = np.array([seed, sequence], np.uint64)
    words = np.random.Philox(key=key, counter=[block, 0, 0, 0]).random_raw(skip + count)[skip:]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53)


def build_engine(
    name: str,
    shape: Shape,
    arrays: dict[str, Floats],
    alphabet: Categorical,
    storage: str | None = None,
    threads: int | None = None,
) -> Engine:
    """Return a backend by name; `auto` takes the fastest that can run the network, and says so where it is not `cpu`.

    Args:
        name: auto, reference or cpu.
        shape: the network's integers.
        arrays: its weights by name.
        alphabet: the samples' alphabet.
        storage: how `cpu` keeps its weights, float32 or float16; None takes float16. `reference` computes with the
            same rounded weights where that is asked for by name.
        threads: the most that `cpu` uses; None takes as many as there are cores.

    Raises:
        InputError: there is no such backend or storage, a number of threads below 1, or `cpu` was asked for by name
            and cannot run the network.
    """
    for what, value, known in (("backend", name, BACKENDS), ("storage", storage or DEFAULT_STORAGE, STORAGES)):
        if value not in known:
            raise InputError(f"no {what} {value!r}{did_you_mean(value, known)}; expected one of {', '.join(known)}")
    if threads is not None and threads < 1:
        raise InputError(f"the number of threads is {threads}, expected at least 1")
    if name != "reference":
        found = _fast(shape, arrays, alphabet, storage, threads)
        if not isinstance(found, str):
            return found
        if name == "cpu":
            raise InputError(f"the backend cpu cannot run this network: {found}; take --backend reference")
        log.warning("the fast sampler cannot run this network (%s): taking the reference", found)
    kept = storage or "float32"
    return Reference(pack(shape, stored(arrays, kept)), alphabet, kept)


def _fast(
    shape: Shape, arrays: dict[str, Floats], alphabet: Categorical, storage: str | None, threads: int | None
) -> Engine | str:
    """Return the backend `cpu`, or why it cannot be had; float16 where no storage is asked for and it can be."""
    try:
        from wavenet.generate.cpu.engine import Cpu, unsupported
    except ImportError as error:
        return f"Numba cannot be imported: {error}"
    reason = None
    for kept in (storage,) if storage else (DEFAULT_STORAGE, "float32"):
        reason = unsupported(arrays, kept)
        if reason is None:
            return Cpu(pack(shape, stored(arrays, kept)), alphabet, kept, threads)
        if kept not in (storage, "float32"):
            log.info("weights are kept as float32, not %s: %s", kept, reason)
    return str(reason)


class Sampler:
    """The state of B sequences, each of which grows as if it were alone.

    It begins where every file begins: behind endless *start*.

    Args:
        engine: the backend.
        alphabet: decodes and draws.
        batch: sequences B.
        seed: 0 .. 2^63 - 1; sequence i draws from uniforms keyed by (seed, i). Or a seed for each sequence, which then
            draws as the first of a batch with that seed does.
        draw: temperature and cuts; may be changed between chunks.

    Attributes:
        positions: [B] int64, samples drawn of each sequence.
    """

    def __init__(
        self,
        engine: Engine,
        alphabet: Categorical,
        batch: int = 1,
        seed: int | Sequence[int] = 0,
        draw: Draw | None = None,
    ) -> None:
        self.engine, self.alphabet, self.batch = engine, alphabet, batch
        seeds = [seed] * batch if isinstance(seed, int) else list(seed)
        if len(seeds) != batch:
            raise InputError(f"got {len(seeds)} seeds for {batch} sequences; give one seed, or one for each")
        own = range(batch) if isinstance(seed, int) else [0] * batch
        self._keys = np.array([*zip(seeds, own, strict=True)], np.uint64)
        self.draw = draw or Draw()
        self.queues = engine.start(batch)
        self.positions: Codes = np.zeros(batch, np.int64)
        self._newest: Codes = np.full(batch, alphabet.classes, np.int64)

    def prime(self, codes: Codes | Sequence[Codes]) -> None:
        """Continue from known sound: as if each of these codes had been drawn.

        Args:
            codes: [T] for all sequences alike, [B, T], or [T] for each, of any lengths.

        Raises:
            InputError: there are codes for another number of sequences.
        """
        alike = isinstance(codes, np.ndarray) and codes.ndim == 1
        known = [codes] * self.batch if alike else list(codes)
        if len(known) != self.batch:
            raise InputError(f"got primes for {len(known)} sequences, expected 1 or {self.batch}")
        # what the queues hold depends on one receptive field: older sound would only cost time
        seen = self.engine.packed.shape.receptive_field
        for sequence, heard in enumerate(known):
            if len(heard):
                fed = np.append(self._newest[sequence], heard[:-1])[-seen:]
                self.engine.absorb(self.queues, sequence, np.ascontiguousarray(fed, np.int64))
                self._newest[sequence] = heard[-1]

    def generate(
        self, samples: int | Sequence[int], chunk: int = 1000, *, keep_parameters: bool = False
    ) -> Iterator[Chunk]:
        """Yield chunks of drawn samples.

        Args:
            samples: how many to draw of each sequence, or a number for each; those that have theirs leave the chunks.
            chunk: how many at a time.
            keep_parameters: whether chunks carry the network's answers, for verification.

        Raises:
            WavenetError: the network answers with numbers that are not finite.
        """
        left = np.broadcast_to(np.asarray(samples, np.int64), self.batch).copy()
        while left.any():
            members = np.flatnonzero(left)
            count = min(chunk, int(left[members].min()))
            yield self._chunk(members, count, keep_parameters)
            left[members] -= count

    def _chunk(self, members: Codes, count: int, keep_parameters: bool) -> Chunk:
        drawn_with = [(*self._keys[m].tolist(), int(self.positions[m])) for m in members]
        u = np.stack([uniforms(seed, own, first, count) for seed, own, first in drawn_with])
        codes = np.empty((len(members), count), np.int64)
        kept = np.empty((*codes.shape, self.alphabet.parameters), np.float32) if keep_parameters else None
        before = self._newest[members]
        drawn = self.engine.draw(self.queues, members, self._newest, u, self.draw, codes, kept)
        if drawn < count:
            at = int(self.positions[members[0]]) + drawn
            raise WavenetError(
                f"the network's answer to sample {at:,} is not finite: its weights have run away; train again at a "
                "lower learning rate, or go back to an earlier checkpoint"
            )
        self.positions[members] += count
        fed = np.concatenate([before[:, None], codes[:, :-1]], axis=1)
        return Chunk(members, codes, self.alphabet.inputs(fed), kept)

    # --- state ---

    def state(self) -> dict[str, NDArray[Any]]:
        """Return a copy of all that the next samples depend on, but for the network and the draw."""
        R = self.queues.shape.residual
        return {
            "memory": self.queues.memory[:, :, :R].copy(),
            "clocks": self.queues.clocks.copy(),
            "positions": self.positions.copy(),
            "newest": self._newest.copy(),
            "keys": self._keys.copy(),
        }

    def restore(self, state: dict[str, NDArray[Any]]) -> None:
        """Go on from a state of the same network and batch, bit for bit.

        Raises:
            InputError: it is the state of another network or batch.
        """
        own = self.state()
        for name, value in own.items():
            got = state.get(name)
            if got is None or got.shape != value.shape or got.dtype != value.dtype:
                told = "nothing" if got is None else f"{got.dtype} {list(got.shape)}"
                raise InputError(
                    f"the state's {name} is {told}, expected {value.dtype} {list(value.shape)}; give a state of the "
                    "same network and as many sequences"
                )
        self.queues.memory[:, :, : self.queues.shape.residual] = state["memory"]
        self.queues.clocks[:], self.positions[:] = state["clocks"], state["positions"]
        self._newest[:], self._keys[:] = state["newest"], state["keys"]

    def save(self, path: str | Path) -> None:
        """Write the state to a safetensors file, whole or not at all, with the draw and the network's digest.

        Raises:
            OSError: it cannot be written.
        """
        from safetensors.numpy import save as to_bytes

        told = {"format": STATE, "network": digest(self.engine.packed), "draw": json.dumps(vars(self.draw))}
        atomic.write_bytes(Path(path), to_bytes(self.state(), told))

    def load(self, path: str | Path) -> None:
        """Go on from a saved state, bit for bit where backend and storage are the same.

        Raises:
            InputError: the file cannot be read, is no state, or belongs to another network or batch.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(path), "numpy") as file:
                told = file.metadata() or {}
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
        except (OSError, SafetensorError) as error:
            raise InputError(f"{path} cannot be read as a saved state ({error}); save it again") from None
        if told.get("format") != STATE:
            raise InputError(f"{path} is no saved state; give a file that `save` wrote")
        if told.get("network") != digest(self.engine.packed):
            raise InputError(
                f"{path} is the state of another network, or of one stored otherwise; load it into that one"
            )
        self.restore(state)
        self.draw = Draw(**json.loads(told["draw"]))


def digest(packed: Packed) -> str:
    """Return a text that is equal only for the same network."""
    made = hashlib.sha256(repr(packed.shape).encode())
    products = [product for layer in packed.layers for product in (layer.dilated, layer.residual) if product]
    for product in (*products, packed.skip, packed.hidden, packed.output):
        made.update(product.weight.tobytes() + product.bias.tobytes())
    made.update(packed.entry.tobytes() + packed.entry_bias.tobytes())
    return made.hexdigest()[:24]
