"""Draws samples one after the other: backend, priming, uniforms, chunks, state."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.errors import InputError, WavenetError, did_you_mean
from wavenet.generate.packed import STORAGES, Packed, pack, stored
from wavenet.generate.reference import Reference
from wavenet.generate.state import Queues, check_memory
from wavenet.geometry import Shape
from wavenet.outputs import Alphabet, Codes, Draw, Floats, Uniforms, checked_draw
from wavenet.progress import log
from wavenet.text import many, one_line, to_json

BACKENDS = ("auto", "reference", "cpu")
DEFAULT_STORAGE = "float16"  # costs no bits that can be measured, and is half as much again as fast (LOG.md)
WORDS = 4  # 64-bit words of one Philox block
STATE = "wavenet-state"
MAX_CLOCK = 2**53  # samples: no sequence lives so long


class Engine(Protocol):
    """A backend: what steps a packed network through time. `Reference` documents its methods.

    Attributes:
        name: as in BACKENDS.
        storage: how it keeps its weights.
        threads: how many it uses at most.
        packed: the network's arrays, as they are after storage.
        alphabet: the samples' alphabet.
    """

    name: str
    storage: str
    threads: int
    packed: Packed
    alphabet: Alphabet

    def start(self, batch: int) -> Queues:
        """Return queues that have seen *start* for ever."""

    def readings(self, batch: int) -> int:
        """Return how often one step of a batch reads the weights."""

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
        """Draw samples of some sequences; return how many each has at least."""


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


def uniforms(seed: int, sequence: int, first: int, count: int, each: int = 1) -> Uniforms:
    """Return the uniforms in [0, 1) of samples first .. first + count - 1 of one sequence, [count, each].

    Counter-based (Philox 4x64 keyed by (seed, sequence), the sample as counter): they depend on nothing else, so a
    batch begins with the sounds of a smaller batch and chunks change nothing.
    """
    block, skip = divmod(first * each, WORDS)
    key = np.array([seed, sequence], np.uint64)
    words = np.random.Philox(key=key, counter=[block, 0, 0, 0]).random_raw(skip + count * each)[skip:]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53).reshape(count, each)


def build_engine(
    name: str,
    shape: Shape,
    arrays: dict[str, Floats],
    alphabet: Alphabet,
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
            raise InputError(f"the backend cpu cannot be had: {found}; take --backend reference")
        log.warning("the compiled sampler cannot be had (%s): taking the reference, which is many times slower", found)
    kept = storage or "float32"
    return Reference(pack(shape, stored(arrays, kept)), alphabet, kept)


def _fast(
    shape: Shape, arrays: dict[str, Floats], alphabet: Alphabet, storage: str | None, threads: int | None
) -> Engine | str:
    """Return the backend `cpu`, or why it cannot be had; float16 where no storage is asked for and it can be.

    Raises:
        InputError: a storage was asked for that it cannot have.
    """
    try:
        from wavenet.generate.cpu import jit
        from wavenet.generate.cpu.engine import Cpu, unsupported
    except ImportError as error:
        return f"Numba cannot be imported: {error}"
    why = jit.disabled()
    if why is not None:
        return why
    kept = storage or DEFAULT_STORAGE
    reason = unsupported(arrays, kept)
    if reason is not None and storage is not None:
        raise InputError(f"weights cannot be kept as {storage}: {reason}; take --storage float32")
    if reason is not None:
        log.info("weights are kept as float32, not %s: %s", kept, reason)
        kept = "float32"
    return Cpu(pack(shape, stored(arrays, kept)), alphabet, kept, threads)


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

    Raises:
        InputError: there is no sequence, a seed is out of range, or there are seeds for another number of sequences.
    """

    def __init__(
        self,
        engine: Engine,
        alphabet: Alphabet,
        batch: int = 1,
        seed: int | Sequence[int] = 0,
        draw: Draw | None = None,
    ) -> None:
        if batch < 1:
            raise InputError(f"the number of sequences is {batch}, expected at least 1")
        check_memory(engine.packed.shape, batch)
        self.engine, self.alphabet, self.batch = engine, alphabet, batch
        one = np.ndim(seed) == 0
        seeds = [int(number) for number in np.broadcast_to(seed, batch if one else np.shape(seed)).tolist()]
        if len(seeds) != batch:
            raise InputError(f"got {many(len(seeds), 'seed')} for {many(batch, 'sequence')}; give one, or one for each")
        for number in seeds:
            if not 0 <= number < 2**63:
                raise InputError(f"the seed is {number}, expected 0 to 2^63 - 1")
        own = range(batch) if one else [0] * batch
        self._keys = np.array([*zip(seeds, own, strict=True)], np.uint64)
        self.draw = draw or Draw()
        self.queues = engine.start(batch)
        self.positions: Codes = np.zeros(batch, np.int64)
        self._newest: Codes = np.full(batch, alphabet.size, np.int64)

    def prime(self, codes: Codes | Sequence[Codes]) -> None:
        """Continue from known sound: as if each of these codes had been drawn.

        Args:
            codes: [T] for all sequences alike, [B, T], or [T] for each, of any lengths.

        Raises:
            InputError: there are codes for another number of sequences, or something is no code of the alphabet.
        """
        shared = np.ndim(codes[0]) == 0 if len(codes) else True
        known = [np.asarray(one) for one in ([codes] * self.batch if shared else codes)]
        if len(known) != self.batch:
            raise InputError(f"got primes for {many(len(known), 'sequence')}, expected 1 or {self.batch}")
        for heard in known:
            self._check_codes(heard, self.alphabet.size)
        # what the queues hold depends on one receptive field: older sound would only cost time
        seen = self.engine.packed.shape.receptive_field
        for sequence, heard in enumerate(known):
            if len(heard):
                fed = np.append(self._newest[sequence], heard[:-1])[-seen:]
                self.engine.absorb(self.queues, sequence, np.ascontiguousarray(fed, np.int64))
                self._newest[sequence] = heard[-1]

    def _check_codes(self, codes: NDArray[Any], classes: int) -> None:
        """Raise InputError where something is no code: compiled code looks up whatever it is given."""
        if codes.size and not (codes.dtype.kind in "iu" and codes.min() >= 0 and codes.max() < classes):
            raise InputError(
                f"got {codes.dtype} from {codes.min()} to {codes.max()}, expected whole codes from 0 to {classes - 1}; "
                "`Voice.encode` makes them of sound"
            )

    def generate(
        self, samples: int | Sequence[int], chunk: int = 1000, *, keep_parameters: bool = False
    ) -> Iterator[Chunk]:
        """Return an iterator over chunks of drawn samples.

        Args:
            samples: how many to draw of each sequence, or a number for each; those that have theirs leave the chunks.
            chunk: how many at a time.
            keep_parameters: whether chunks carry the network's answers, for verification.

        Raises:
            InputError: a length is below 0, the chunk below 1, or there are lengths for another number of sequences.
            WavenetError: the network answers with numbers that are not finite.
        """
        wanted = np.asarray(samples, np.int64)
        if wanted.shape not in ((), (self.batch,)) or (wanted < 0).any():
            raise InputError(f"got the lengths {wanted.tolist()}, expected 0 or more, one or {self.batch}")
        if chunk < 1:
            raise InputError(f"the chunk is {chunk} samples, expected at least 1")
        return self._chunks(np.broadcast_to(wanted, self.batch).copy(), chunk, keep_parameters)

    def _chunks(self, left: Codes, chunk: int, keep_parameters: bool) -> Iterator[Chunk]:
        while left.any():
            members = np.flatnonzero(left)
            count = min(chunk, int(left[members].min()))
            yield self._chunk(members, count, keep_parameters)
            left[members] -= count

    def _chunk(self, members: Codes, count: int, keep_parameters: bool) -> Chunk:
        drawn_with = [(*self._keys[m].tolist(), int(self.positions[m])) for m in members]
        u = np.stack([uniforms(seed, own, first, count, self.alphabet.uniforms) for seed, own, first in drawn_with])
        codes = np.empty((len(members), count), np.int64)
        kept = np.empty((*codes.shape, self.alphabet.parameters), np.float32) if keep_parameters else None
        before, seen = self._newest[members], self.queues.clocks[members]
        try:
            drawn = self.engine.draw(self.queues, members, self._newest, u, self.draw, codes, kept)
        finally:  # after an interruption what was drawn is lost, but the state stays whole
            self.positions[members] += self.queues.clocks[members] - seen
        if drawn < count:
            raise WavenetError(
                f"an answer of the network within the next {many(drawn + 1, 'sample')} is not finite: its weights have "
                "run away; train again at a lower learning rate, or go back to an earlier checkpoint"
            )
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

    def _read(self, file: Any, name: str) -> NDArray[Any]:
        """Return an array of a file; of what does not fit here the shape alone, since it may be beyond memory."""
        size = file.get_slice(name).get_shape()
        fits = size in ([*self.queues.memory.shape[:2], self.queues.shape.residual], [self.batch], [self.batch, 2])
        return np.asarray(file.get_tensor(name)) if fits else np.broadcast_to(np.float32(0), size)

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
        self._check_codes(state["newest"], self.alphabet.size + 1)
        counted = np.concatenate([state["clocks"], state["positions"]])
        if counted.min() < 0 or counted.max() > MAX_CLOCK:
            raise InputError(f"the state has counted below 0 or beyond {MAX_CLOCK:,}; save it again")
        if not np.isfinite(state["memory"]).all():
            raise InputError("the state's memory holds numbers that are not finite; save it again")
        self.queues.memory[:, :, : self.queues.shape.residual] = state["memory"]
        self.queues.clocks[:], self.positions[:] = state["clocks"], state["positions"]
        self._newest[:], self._keys[:] = state["newest"], state["keys"]

    def save(self, path: str | Path) -> None:
        """Write the state to a safetensors file, whole or not at all, with the draw and the network's digest.

        Raises:
            OSError: it cannot be written.
        """
        from safetensors.numpy import save as to_bytes

        told = {"format": STATE, "network": self.engine.packed.digest(), "draw": to_json(vars(self.draw))}
        disk.write_bytes(disk.user_path(str(path)), to_bytes(self.state(), told))

    def load(self, path: str | Path) -> None:
        """Go on from a saved state, bit for bit where backend and storage are the same.

        Raises:
            InputError: the file cannot be read, is no state, or belongs to another network or batch.
        """
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(str(disk.user_path(str(path))), "numpy") as file:
                told = file.metadata() or {}
                state = {name: self._read(file, name) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
        except (OSError, ValueError, MemoryError, SafetensorError) as error:
            raise InputError(
                f"{path} cannot be read as a saved state ({one_line(error, 200)}); save it again"
            ) from None
        if told.get("format") != STATE:
            raise InputError(f"{path} is no saved state; give a file that `save` wrote")
        if told.get("network") != self.engine.packed.digest():
            raise InputError(
                f"{path} is the state of another network, or of one stored otherwise; load it into that one"
            )
        try:
            drawing = checked_draw(**json.loads(told["draw"]))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise InputError(f"{path} does not say how to draw ({error!r:.100}); save it again") from None
        self.restore(state)
        self.draw = drawing
