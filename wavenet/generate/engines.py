"""The registry of engines: what can step a network through time, the fastest first.

A new engine is one class in a file of its own and one line in ENGINES.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from wavenet.errors import InputError, did_you_mean
from wavenet.progress import log

if TYPE_CHECKING:  # the help page reads this file: nothing here loads NumPy
    from wavenet.generate.packed import Packed
    from wavenet.generate.state import Job, State
    from wavenet.geometry import Shape
    from wavenet.model.bundle import Arrays
    from wavenet.outputs import Alphabet, Codes, Feed, Floats, Window

STORAGES = ("float32", "float16")  # how an engine may keep its weights; it computes in float32 always
DEFAULT_STORAGE = "float16"  # costs no bits that can be measured, and is half as much again as fast (LOG.md)


class Engine(Protocol):
    """What steps a packed network through time. `Reference` defines what each method computes."""

    name: str  # as in ENGINES
    storage: str  # how it keeps its weights
    threads: int  # how many it uses at most
    packed: Packed  # the network's arrays, as they are after storage
    alphabet: Alphabet

    def start(self, batch: int, told: Window | None = None) -> State:
        """Return the state of sequences that have seen *start* for ever; `told` is of one step before the sound."""

    def absorb(self, state: Any, sequence: int, feed: Feed, answers: Floats | None = None) -> None:
        """Take known codes of one sequence in, as if each had been drawn.

        Args:
            state: one that `start` returned.
            sequence: whose codes these are.
            feed: codes [T], with what the sequence is told for them.
            answers: [T, P], set to what the network answers to each code; None saves that work.
        """

    def nll(self, state: Any, sequence: int, feed: Feed, targets: Codes) -> Floats:
        """Take known codes of one sequence in as `absorb` does, and return what each next one costs.

        Threads may do this at once, each with a state of its own.

        Args:
            state: one that `start` returned.
            sequence: whose codes these are.
            feed: codes [T], with what the sequence is told for them.
            targets: [T] int64 codes, what the network's answer to each code is asked for.

        Returns:
            -log p(target) in nats, [T] float32; not finite where the answer is not.
        """

    def draw(self, state: Any, job: Job) -> int:
        """Draw samples; return how many each member has at least: all, unless an answer was not finite."""

    def readings(self, batch: int) -> int:
        """Return how often one step of a batch reads the weights: what `wavenet bench` compares with the memory."""


@dataclass(frozen=True)
class Request:
    """What an engine is asked to run."""

    shape: Shape
    arrays: Arrays  # the network's weights by name
    alphabet: Alphabet
    storage: str | None = None  # how weights are kept, float32 or float16; None leaves it to the engine
    threads: int | None = None  # the most that are used; None takes as many as there are cores


class Kind(NamedTuple):
    """One line of the registry."""

    unsupported: Callable[[Request], str | None]  # why an engine cannot run this here, or None
    build: Callable[[Request], Engine]


def _cpu_unsupported(request: Request) -> str | None:
    try:
        from wavenet.generate.cpu import jit
        from wavenet.generate.cpu.engine import unsupported
    except ImportError as error:
        return f"Numba cannot be imported: {error}"
    return jit.disabled() or unsupported(request.alphabet)


def _cpu(request: Request) -> Engine:
    from wavenet.generate.cpu import engine
    from wavenet.generate.packed import pack, stored

    storage = request.storage or DEFAULT_STORAGE
    reason = engine.unstorable(request.arrays, storage)
    if reason is not None:
        if request.storage is not None:
            raise InputError(f"weights cannot be kept as {storage}: {reason}; take --storage float32")
        log.info("weights are kept as float32, not %s: %s", storage, reason)
        storage = "float32"
    packed = pack(request.shape, stored(request.arrays, storage))
    return engine.Cpu(packed, request.alphabet, storage, request.threads)


def _reference(request: Request) -> Engine:
    from wavenet.generate.packed import pack, stored
    from wavenet.generate.reference import Reference

    storage = request.storage or "float32"
    return Reference(pack(request.shape, stored(request.arrays, storage)), request.alphabet, storage)


ENGINES: dict[str, Kind] = {
    "cpu": Kind(_cpu_unsupported, _cpu),
    "reference": Kind(lambda request: None, _reference),
}


def names() -> tuple[str, ...]:
    """Return what a backend may be called: auto, and every engine."""
    return ("auto", *ENGINES)


def build_engine(name: str, request: Request) -> Engine:
    """Return an engine by name; `auto` takes the first that can run the network, and says which it had to pass over.

    Raises:
        InputError: there is no such engine or storage, a number of threads below 1, or an engine was asked for by name
            and cannot run the network.
    """
    storage = request.storage or DEFAULT_STORAGE
    for what, value, known in (("backend", name, names()), ("storage", storage, STORAGES)):
        if value not in known:
            raise InputError(f"no {what} {value!r}{did_you_mean(value, known)}; expected one of {', '.join(known)}")
    if request.threads is not None and request.threads < 1:
        raise InputError(f"the number of threads is {request.threads}, expected at least 1")
    passed_over = []
    for candidate in ENGINES if name == "auto" else (name,):
        reason = ENGINES[candidate].unsupported(request)
        if reason is None:
            break
        passed_over.append(f"the backend {candidate} cannot be used ({reason})")
    else:
        raise InputError(f"{'; '.join(passed_over)}; take --backend reference")
    for line in passed_over:
        log.warning("%s: using %s, which is slower", line, candidate)
    return ENGINES[candidate].build(request)
