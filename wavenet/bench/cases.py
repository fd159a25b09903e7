"""How fast sampling and scoring are, compared with the most that the machine can do; what half precision costs.

Numbers, not tests. All cases and limits are measured in turns, round after round, so that a drifting machine changes
all alike; the results are medians, with the lowest and the highest round.
"""

from __future__ import annotations

import functools
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeGuard

from wavenet import disk, outputs
from wavenet.bench import saying
from wavenet.bench.case import Case, Scoring, untrained
from wavenet.bench.speeds import NOTHING, Benchmark
from wavenet.bench.told import told_recipes
from wavenet.errors import InputError
from wavenet.evaluation import held_out, likelihood
from wavenet.evaluation.evaluate import score
from wavenet.generate import voice as voices
from wavenet.generate.engines import ENGINES, STORAGES, Engine, Request, build_engine
from wavenet.geometry import Shape
from wavenet.model.bundle import Arrays
from wavenet.progress import Progress, log
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.text import many

REFERENCE = (  # R 64, S 256, Q 256, 20 layers in 2 cycles, K 2: what others are measured with, made of `digits`
    "model.dilations={pattern: exponential, layers: 10, cycles: 2}",
    "model.skip_channels=256",
    "model.head_channels=256",
)
ROUNDS = 7
BATCHES = (1, 2, 4, 8, 16, 32)
SIZES = ((32, 128, 2), (64, 128, 2), (64, 256, 2), (64, 256, 3), (128, 256, 3))  # R, S, cycles of ten layers
SIZE_BATCHES = (1, 8)
TARGETS = 100_000  # held-out samples that are scored
GUIDANCE = 1.5
SPREAD = 0.25  # between lowest and highest round, relative to the median: more is worth a warning

Build = Callable[[Shape, str, str, int | None], Engine]  # shape, backend, storage, threads


def bench_model(source: str | None = None, data: str | Path | None = None, seconds: float = 60.0) -> Benchmark:
    """Measure a model, or a recipe with random weights, on this machine.

    Args:
        source: a run or bundle folder, a recipe's path or name, or a voice's name; None takes the net that others are
            measured with.
        data: a folder of sound to score both storages on; None takes that of a run.
        seconds: about how long all of it may take, compilation and scoring apart.

    Raises:
        InputError: there is no such model or recipe, or its sound cannot be used.
    """
    busy = _load()
    recipe, arrays = _network(source)
    alphabet = outputs.of(recipe)

    @functools.cache  # engines remember nothing, so that many cases can share one
    def build(shape: Shape, backend: str, storage: str, threads: int | None) -> Engine:
        weights = arrays if shape == recipe.shape else untrained(shape)
        return build_engine(backend, Request(shape, weights, alphabet, storage, threads))

    request = Request(recipe.shape, arrays, alphabet)
    reasons = {name: kind.unsupported(request) for name, kind in ENGINES.items() if name != "reference"}
    for name, reason in reasons.items():
        if reason is not None:
            log.info("the backend %s is not measured: %s", name, reason)
    fast = [name for name, reason in reasons.items() if reason is None]
    best = (fast or ["reference"])[0]
    storages = [storage for storage in STORAGES if _can(build, recipe.shape, best, storage)]
    cores = max(build(recipe.shape, best, storage, None).threads for storage in storages)
    scored, targets = _held_out_bits(source, data, {s: build(recipe.shape, best, s, 1) for s in storages})
    cases = _cases(recipe, build, fast, storages, cores, sized=source is None) + _saying(source, recipe, arrays)
    limits = _limits(recipe.shape.macs_per_sample() * 2, sorted({1, cores}))
    operations, bytes_read = _measure(cases, limits, seconds / ROUNDS / (len(cases) + 2 * len(limits)))
    return Benchmark(
        recipe.name if source else f"reference net ({recipe.name}, untrained)",
        recipe.shape,
        _processor(),
        cores,
        operations,
        bytes_read,
        tuple(
            case.speed(operations.get(case.threads), bytes_read.get(case.threads), scored.get(case.engine.storage))
            for case in cases
        ),
        targets,
        busy or _unsteady(cases),
    )


def _can(build: Build, shape: Shape, backend: str, storage: str) -> bool:
    """Return whether the weights can be kept so; warn where they cannot."""
    try:
        build(shape, backend, storage, None)
    except InputError as error:
        log.warning("%s", error)
        return False
    return True


def _unsteady(cases: Sequence[Case]) -> str | None:
    """Return a warning where the rounds of a case differ much."""
    spread = max((max(case.rounds) - min(case.rounds)) / statistics.median(case.rounds) for case in cases)
    if spread <= SPREAD:
        return None
    return f"rounds differ by up to {spread:.0%}: something else runs on this machine; the medians may be low"


def _network(source: str | None) -> tuple[Recipe, Arrays]:
    """Return the recipe and weights of a model; of a recipe, with random weights."""
    if _is_model(source):
        voice = voices.load(source)
        return voice.recipe, voice.arrays
    recipe = read.load(find.find_recipe(source or "digits"), () if source else REFERENCE)
    if source is None:
        recipe = told_recipes(recipe)[NOTHING]
    return recipe, untrained(recipe.shape)


def _is_model(source: str | None) -> TypeGuard[str]:
    """Return whether a source is a voice or a folder, and has no recipe's name."""
    if source is None or find.named_recipe(source) is not None:
        return False
    return find.named_voice(source) is not None or disk.given_path(source).is_dir()


def _cases(
    recipe: Recipe, build: Build, fast: Sequence[str], storages: Sequence[str], cores: int, sized: bool
) -> list[Case]:
    """Return what is measured: engines and storages, what draws and what scores, batches, what is told, sizes."""
    rate, best, kept = recipe.audio.sample_rate, (*fast, "reference")[0], storages[-1]

    own = NOTHING if recipe.shape.condition is None else "its own"

    def case(group: str, shape: Shape, backend: str, storage: str, batch: int, threads: int) -> Case:
        kind = Scoring if group == "score" else Case
        told = NOTHING if shape.condition is None else own
        return kind(group, build(shape, backend, storage, threads), batch, rate, threads, told)

    def telling(told: str, shape: Shape, guidance: float = 1.0) -> Case:
        return Case("told", build(shape, best, kept, 1), 1, rate, 1, told, guidance)

    cases = [case(group, recipe.shape, "reference", "float32", 1, 1) for group in ("main", "score")]
    for name in fast:
        cases += [case("main", recipe.shape, name, storage, 1, 1) for storage in storages]
        several = [(storage, threads) for storage in storages for threads in sorted({1, cores})]
        cases += [case("main", recipe.shape, name, storage, 8 * threads, threads) for storage, threads in several]
        cases += [case("score", recipe.shape, name, storage, threads, threads) for storage, threads in several]
    cases += [case("batch", recipe.shape, best, kept, batch, 1) for batch in BATCHES]
    if sized:
        shapes = {told: made.shape for told, made in told_recipes(recipe).items()}
        cases += [telling(told, shape) for told, shape in shapes.items()]
        told, shape = list(shapes.items())[-1]
        cases.append(telling(told, shape, GUIDANCE))
    elif recipe.shape.condition is not None:
        cases += [telling(own, recipe.shape, guidance) for guidance in (1.0, GUIDANCE)]
    for residual, skip, cycles in SIZES if sized else ():
        shape = _sized(recipe, residual, skip, cycles).shape
        cases += [case("size", shape, best, kept, batch, 1) for batch in SIZE_BATCHES]
    return cases


def _saying(source: str | None, recipe: Recipe, arrays: Arrays) -> list[Case]:
    """Return what says text: the model or recipe, if it is told phones; where none is given, the recipe that ships."""
    if source is None:
        recipe = read.load(find.find_recipe(saying.RECIPE))
        arrays = untrained(recipe.shape)
    if recipe.condition is None or recipe.condition.tracks.phones is None:
        return []
    voice = voices.load(source) if _is_model(source) else saying.untrained_voice(recipe, arrays)
    made = saying.case(voice, trained=_is_model(source))
    return [] if made is None else [made]


def _sized(recipe: Recipe, residual: int, skip: int, cycles: int) -> Recipe:
    tree = read.to_tree(recipe)
    tree["data"]["path"] = None
    tree["model"] |= {
        "dilations": {"pattern": "exponential", "layers": 10, "cycles": cycles},
        "residual_channels": residual,
        "gate_channels": residual,
        "skip_channels": skip,
        "head_channels": skip,
    }
    return read.from_tree(tree, "bench")


def _limits(size: int, threads: Sequence[int]) -> dict[int, Any]:
    """Return the loops that measure what the machine could do, by number of threads; none without compiled code."""
    try:
        from wavenet.generate.cpu import jit
        from wavenet.generate.cpu.roofline import Limits
    except ImportError:
        return {}
    return {} if jit.disabled() else {count: Limits(size, count) for count in threads}


def _measure(
    cases: Sequence[Case], limits: dict[int, Any], seconds: float
) -> tuple[dict[int, float], dict[int, float]]:
    """Measure all cases and limits in turns; return the median operations and bytes per second, by threads."""
    operations: dict[int, list[float]] = {count: [] for count in limits}
    bytes_read: dict[int, list[float]] = {count: [] for count in limits}
    for case in cases:
        case.round(seconds / 4, kept=False)
    with Progress("measuring", ROUNDS * len(cases), "cases") as progress:
        for _ in range(ROUNDS):
            for count, limit in limits.items():
                operations[count].append(limit.operations(seconds))
                bytes_read[count].append(limit.bytes_read(seconds))
            for case in cases:
                case.round(seconds)
                progress.advance(1)
    medians = [{n: statistics.median(found) for n, found in kind.items()} for kind in (operations, bytes_read)]
    return medians[0], medians[1]


def _held_out_bits(
    source: str | None, data: str | Path | None, engines: dict[str, Engine]
) -> tuple[dict[str, float], int]:
    """Return the bits per held-out sample of each storage, and over how many; none without a model or its sound."""
    if not _is_model(source):
        if data is not None:
            raise InputError("--data is for scoring a trained model, and none is given; name a run or bundle folder")
        return {}, 0
    recipe = find.with_data(read.load(find.find_recipe(source)), data)
    if recipe.data.path is None or (data is None and not Path(recipe.data.path).is_dir()):
        return {}, 0
    held = held_out.find_sound(source, data, "valid").limited(TARGETS / recipe.audio.sample_rate)
    log.info("scoring %s on held-out sound", " and ".join(engines))
    totals = {
        kept: score(source, held, likelihood.of_engine(engine), engine.alphabet, None).total
        for kept, engine in engines.items()
    }
    return {kept: total.bits for kept, total in totals.items()}, max(total.targets for total in totals.values())


def _load() -> str | None:
    """Return a warning where other work runs on this machine."""
    load, cores = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0, os.cpu_count() or 1
    if load <= 0.5 * cores:
        return None
    return f"the machine is busy (load {load:.1f} on {many(cores, 'core')}): the numbers are too low; stop other work"


def _processor() -> str:
    """Return the processor's own name."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
