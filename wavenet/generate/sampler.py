"""Draws samples one after the other: uniforms, priming, chunks, saved state. What steps the network is an engine."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.errors import InputError, WavenetError
from wavenet.generate.engines import Engine
from wavenet.generate.guidance import check_guidance, with_untold
from wavenet.generate.state import MAX_CLOCK, Job, check_arrays, check_memory
from wavenet.outputs import Codes, Condition, Draw, Feed, Floats, Uniforms, Window, checked_draw
from wavenet.text import many, one_line, to_json

WORDS = 4  # 64-bit words of one Philox block
FORMAT = "wavenet-state"


@dataclass(frozen=True)
class Chunk:
    """Samples as they were made."""

    sequences: Codes  # [N], which of the batch these are; those that have all their samples are left out
    codes: Codes  # [N, n]
    wave: Floats  # [N, n] their sound
    fed: Codes  # [N, n], the code that the network was given before it drew each of them
    parameters: Floats | None  # [N, n, P] what it answered, or None where that was not asked for
    first: Codes | None = None  # [N] the time of the first of them; None where nothing is told


def uniforms(seed: int, sequence: int, first: int, count: int, each: int = 1) -> Uniforms:
    """Return the uniforms in [0, 1) of samples first .. first + count - 1 of one sequence, [count, each].

    Counter-based (Philox 4x64 keyed by (seed, sequence), the sample as counter): they depend on nothing else, so a
    batch begins with the sounds of a smaller batch and chunks change nothing.
    """
    block, skip = divmod(first * each, WORDS)
    key = np.array([seed, sequence], np.uint64)
    words = np.random.Philox(key=key, counter=[block, 0, 0, 0]).random_raw(skip + count * each)[skip:]
    return np.asarray((words >> np.uint64(11)) * 2.0**-53).reshape(count, each)


class Sampler:
    """B sequences, each of which grows as if it were alone; they begin like every file, after endless *start*.

    Args:
        engine: what steps the network.
        batch: sequences B.
        seed: 0 .. 2^63 - 1; sequence i draws from uniforms keyed by (seed, i). Or a seed for each sequence, which then
            draws as the first of a batch with that seed does.
        draw: temperature and cuts; may be changed between chunks.
        condition: what the sequences are told; None tells them nothing.
        guidance: 0 to 10, how strongly they follow it; 1 steps each once, anything else twice (`guidance.py`).

    Attributes:
        memory: the engine's state.
        sound: what turns codes into sound; it stands where each sequence does.
        positions: [B] int64, samples drawn of each sequence, those that were taken back among them.
        times: [B] int64, samples that each sequence has behind what it was primed with.

    Raises:
        InputError: there is no sequence, a seed or the guidance is out of range, or there are seeds for another number
            of sequences.
    """

    def __init__(
        self,
        engine: Engine,
        batch: int = 1,
        seed: int | Sequence[int] = 0,
        draw: Draw | None = None,
        condition: Condition | None = None,
        guidance: float = 1.0,
    ) -> None:
        if batch < 1:
            raise InputError(f"the number of sequences is {batch}, expected at least 1")
        self.guidance = check_guidance(guidance, engine.packed.shape, engine.alphabet)
        self._rows = 1 if guidance == 1 else 2  # of the engine's memory for each sequence
        check_memory(engine.packed.shape, self._rows * batch)
        self.engine, self.alphabet, self.batch = engine, engine.alphabet, batch
        self._keys = _keys(seed, batch)
        self.draw = draw or Draw()
        shape = engine.packed.shape.condition
        if shape is None and condition is not None:
            raise InputError("got a condition for a network that is told nothing; leave it out")
        if shape is not None and condition is None:
            condition = Condition.nothing(shape, batch)
        self.condition = condition
        self.memory = engine.start(self._rows * batch, self._told(range(batch), [-1] * batch, 1))
        self.times: Codes = np.zeros(batch, np.int64)
        self.positions: Codes = np.zeros(batch, np.int64)
        self._newest = self.alphabet.starts(batch)
        self.sound = self.alphabet.decoder(batch)

    def prime(self, codes: Codes | Sequence[Codes]) -> None:
        """Continue from known sound: as if each of these codes had been drawn, told the fields alone.

        Args:
            codes: [T] for all sequences alike, [B, T], or [T] for each, of any lengths.

        Raises:
            InputError: there are codes for another number of sequences, or a code is not in the alphabet.
        """
        shared = np.ndim(codes[0]) == 0 if len(codes) else True
        known = [np.asarray(one) for one in ([codes] * self.batch if shared else codes)]
        if len(known) != self.batch:
            raise InputError(f"got primes for {many(len(known), 'sequence')}, expected 1 or {self.batch}")
        for one in known:
            _check_codes(one, self.alphabet.size)
        for sequence, one in enumerate(known):
            if len(one):
                self._take_in(sequence, np.append(self._newest[sequence], one), 0)
                self.sound.take_in(one, sequence)

    def rewind(self, sequence: int, codes: Codes, drawn: int, last: float | None = None) -> None:
        """Go back with one sequence to where these were all its codes; it draws on with uniforms not used yet.

        Args:
            sequence: which of the batch.
            codes: [T] of the sequence so far, what it was primed with among them; the newest are enough.
            drawn: how many samples it then has behind what it was primed with.
            last: what `sound.last` of the sequence was there; None decodes the codes, all of which it then takes.

        Raises:
            InputError: a code is not in the alphabet.
        """
        _check_codes(codes, self.alphabet.size)
        before = self.alphabet.starts(self.engine.packed.shape.receptive_field + 1)
        self._take_in(sequence, np.concatenate([before, codes]), drawn)
        self.sound.last[sequence] = 0.0 if last is None else last
        if last is None:
            self.sound.take_in(codes, sequence)

    def _take_in(self, sequence: int, codes: Codes, drawn: int) -> None:
        """Take codes of one sequence in, the last of which is then its newest; the last `drawn` are not of a prime."""
        # what an engine remembers depends on one receptive field: older sound would only cost time
        fed = codes[-self.engine.packed.shape.receptive_field - 1 : -1]
        told = self._told([sequence], [drawn - len(fed)], len(fed))  # for the sample behind each
        for row in range(self._rows):
            own = None if told is None else told.of(slice(row, row + 1))
            feed = Feed(np.ascontiguousarray(fed, np.int64), own)
            self.engine.absorb(self.memory, sequence + row * self.batch, feed)
        self._newest[sequence] = codes[-1]
        self.times[sequence] = drawn

    def _told(self, sequences: Sequence[int], first: Sequence[int], steps: int) -> Window | None:
        """Return what some sequences are told from a step of each on; with guidance, then what they are not told."""
        if self.condition is None or self._rows == 1:
            return None if self.condition is None else self.condition.window(sequences, first, steps)
        untold = [sequence + self.batch for sequence in sequences]
        return with_untold(self.condition).window([*sequences, *untold], [*first, *first], steps)

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
            raise InputError(f"got {wanted.tolist()} samples, expected one number or {self.batch}, each 0 or more")
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
        each, drawn_with = self.alphabet.uniforms, [(*self._keys[m].tolist(), int(self.positions[m])) for m in members]
        u = np.stack([uniforms(seed, own, first, count, each) for seed, own, first in drawn_with])
        codes = np.empty((len(members), count), np.int64)
        answers = np.empty((*codes.shape, self.alphabet.parameters), np.float32) if keep_parameters else None
        before, seen = self._newest[members], self.memory.clocks[members]
        first = self.times[members]
        told = self._told(members.tolist(), first.tolist(), count)
        try:
            job = Job(members, self._newest, u, self.draw, codes, answers, told, self.guidance)
            drawn = self.engine.draw(self.memory, job)
        except BaseException:  # an interruption: what was drawn is lost, but the state stays whole
            for row, member in enumerate(members.tolist()):
                self.sound.take_in(codes[row, : self.memory.clocks[member] - seen[row]], member)
            raise
        finally:
            self.positions[members] += self.memory.clocks[members] - seen
            self.times[members] += self.memory.clocks[members] - seen
        if drawn < count:
            raise WavenetError(
                f"an output of the network within the next {many(drawn + 1, 'sample')} is not finite: its weights have "
                "diverged; train again at a lower learning rate, or go back to an earlier checkpoint"
            )
        fed = np.concatenate([before[:, None], codes[:, :-1]], axis=1)
        return Chunk(members, codes, self.sound.decode(codes, members), fed, answers, first)

    # --- state ---

    def state(self) -> dict[str, NDArray[Any]]:
        """Return a copy of all that the next samples depend on, except the network, the draw and the tracks."""
        return {**self.memory.export(), **self._own()}

    def _own(self) -> dict[str, NDArray[Any]]:
        own = {"positions": self.positions.copy(), "newest": self._newest.copy(), "keys": self._keys.copy()}
        told = {} if self.condition is None else {"times": self.times.copy(), "fields": self.condition.fields.copy()}
        sound = {"last": self.sound.last.copy()} if self.alphabet.preemphasis else {}
        return own | sound | told | ({} if self.guidance == 1 else {"guidance": np.array(self.guidance)})

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from a state of the same network and batch, bit for bit.

        Raises:
            InputError: it is the state of another network or batch.
        """
        check_arrays(self.state(), state)
        _check_codes(state["newest"], self.alphabet.size + 1)
        counted = np.concatenate([state[name] for name in ("clocks", "positions", "times") if name in state])
        if counted.min() < 0 or counted.max() > MAX_CLOCK:
            raise InputError(f"the state's counts of samples are not within 0 to {MAX_CLOCK:,}; save it again")
        if self.condition is not None:
            _check_fields(state["fields"], self.condition)
        if "last" in state and not np.isfinite(state["last"]).all():
            raise InputError("the state's newest samples are not all finite; save it again")
        guidance = self.guidance
        if self._rows == 2:
            guidance = check_guidance(float(state["guidance"]), self.engine.packed.shape, self.alphabet)
        own = self._own()
        self.memory.load({name: value for name, value in state.items() if name not in own})
        self.positions[:], self._newest[:], self._keys[:] = (state[name] for name in ("positions", "newest", "keys"))
        if self.alphabet.preemphasis:
            self.sound.last[:] = state["last"]
        if self.condition is not None:
            self.times[:] = state["times"]
            self.condition = replace(self.condition, fields=state["fields"].copy())
        self.guidance = guidance

    def save(self, path: str | Path) -> None:
        """Write the state to a safetensors file, whole or not at all, with the draw and the network's digest.

        Raises:
            OSError: it cannot be written.
        """
        from safetensors.numpy import save as to_bytes

        metadata = {"format": FORMAT, "network": self.engine.packed.digest(), "draw": to_json(vars(self.draw))}
        disk.write_bytes(disk.user_path(str(path)), to_bytes(self.state(), metadata))

    def load(self, path: str | Path) -> None:
        """Go on from a saved state, bit for bit where backend and storage are the same.

        Raises:
            InputError: the file cannot be read, is not a state, or belongs to another network or batch.
        """
        from safetensors import SafetensorError, safe_open

        largest = max(value.size for value in self.state().values())
        try:
            with safe_open(str(disk.user_path(str(path))), "numpy") as file:
                metadata = file.metadata() or {}
                state = {name: _read(file, name, largest) for name in file.keys()}  # noqa: SIM118  (not a dictionary)
        except (OSError, ValueError, MemoryError, SafetensorError) as error:
            raise InputError(
                f"{path} cannot be read as a saved state ({one_line(error, 200)}); save it again"
            ) from None
        if metadata.get("format") != FORMAT:
            raise InputError(f"{path} is not a saved state; give a file that `save` wrote")
        if metadata.get("network") != self.engine.packed.digest():
            raise InputError(f"{path} is the state of another network or storage; load it into that one")
        try:
            drawing = checked_draw(**json.loads(metadata["draw"]))
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise InputError(f"{path} has no valid settings for drawing ({error!r:.100}); save it again") from None
        self.restore(state)
        self.draw = drawing


def _keys(seed: int | Sequence[int], batch: int) -> NDArray[np.uint64]:
    """Return [B, 2]: the seed of each sequence, and its number under that seed."""
    one = np.ndim(seed) == 0
    seeds = [int(number) for number in np.broadcast_to(seed, batch if one else np.shape(seed)).tolist()]
    if len(seeds) != batch:
        raise InputError(f"got {many(len(seeds), 'seed')} for {many(batch, 'sequence')}; give one, or one for each")
    for number in seeds:
        if not 0 <= number < 2**63:
            raise InputError(f"the seed is {number}, expected 0 to 2^63 - 1")
    return np.array([*zip(seeds, range(batch) if one else [0] * batch, strict=True)], np.uint64)


def _check_codes(codes: NDArray[Any], size: int) -> None:
    """Raise InputError unless all are codes below `size`: compiled code would read beyond its table."""
    if codes.size and not (codes.dtype.kind in "iu" and codes.min() >= 0 and codes.max() < size):
        raise InputError(
            f"got {codes.dtype} from {codes.min()} to {codes.max()}, expected whole codes from 0 to {size - 1}; "
            "`Voice.encode` makes them from sound"
        )


def _check_fields(fields: Codes, condition: Condition) -> None:
    """Raise InputError unless all are values that the network has, or *unknown*."""
    sizes = [size for _, size in condition.shape.told.fields]
    if (fields < 0).any() or (fields > sizes).any():
        raise InputError(f"the state's fields are not within 0 to {', '.join(map(str, sizes))}; save it again")


def _read(file: Any, name: str, largest: int) -> NDArray[Any]:
    """Return an array of a file; in place of one larger than any of ours, which memory may not hold, its shape."""
    size = file.get_slice(name).get_shape()
    fits = math.prod(size) <= largest
    return np.asarray(file.get_tensor(name)) if fits else np.broadcast_to(np.float32(0), size)
