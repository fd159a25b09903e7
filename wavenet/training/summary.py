"""What a training run says before its first step, and in a dry run of what it would do."""

from __future__ import annotations

from pathlib import Path

import torch

from wavenet import disk
from wavenet.audio import corpus
from wavenet.inspection import report
from wavenet.inspection.text import hole_warning
from wavenet.recipe.records import Recipe
from wavenet.text import clock, duration, gib, many, printable
from wavenet.training.data import SoundData
from wavenet.training.module import WaveNetModule
from wavenet.training.processes import Group

BASE_BYTES = 500 << 20  # what Python, torch and lightning take before anything is trained
SLACK = 1.2  # what the allocator and passing intermediate results add (LOG.md)


def warnings(recipe: Recipe, device: str, processes: int = 1) -> list[str]:
    """Return what speaks against a recipe: more memory than there is, lags that the network never sees."""
    found = (memory_warning(recipe, device, processes), hole_warning(report.of_recipe(recipe)))
    return [warning for warning in found if warning is not None]


def lines(module: WaveNetModule, sound: SoundData, group: Group, device: str, precision: str) -> list[str]:
    """Return what is trained, where, and on what."""
    first = _first_line(module.recipe, group, device, precision)
    return [f"{first}, {kept_and_dropped(sound)}", *sound_lines(sound), *cpu_lines(module.recipe, device, precision)]


def _first_line(recipe: Recipe, group: Group, device: str, precision: str) -> str:
    """Return device, dtype, size, receptive field and memory: of all processes here, on a GPU of each."""
    shape, cpu = recipe.shape, device == "cpu"
    where = f"cpu ({many(torch.get_num_threads(), 'thread')})" if cpu else torch.cuda.get_device_name()
    where = where if group.size == 1 else f"{group.size} x {where}"
    together = group.devices if cpu else 1
    each = " on each device" if not cpu and group.size > 1 else ""
    milliseconds = 1000 * shape.receptive_field / recipe.audio.sample_rate
    return (
        f"{recipe.name}: {where}, {'bfloat16' if precision == 'bf16' else 'float32'}, "
        f"{shape.parameters():,} parameters, receptive field {shape.receptive_field:,} samples "
        f"({milliseconds:.1f} ms), about {gib(memory_estimate(recipe) * together)} of memory{each}"
    )


def memory_estimate(recipe: Recipe) -> int:
    """Return the bytes that one process takes, about: weights five times over, and what the backward pass keeps.

    Between two steps nothing of the latter is there, but reading a checkpoint takes weights four times over more.
    Per position and layer: the gathered taps, filter and gate behind their functions, their product, and the residual
    sum; over all layers the concatenated gates; then the head. Measured peaks lie 7 to 12 % below it (LOG.md).
    """
    shape, T = recipe.shape, recipe.data.segment_samples
    R, G = shape.residual, shape.gate
    inputs = T + shape.receptive_field - 1
    per_layer = sum(layer.kernel * R + 3 * G + R for layer in shape.layers)
    stacks = inputs * (per_layer + R)
    head = T * (len(shape.layers) * G + 2 * shape.skip + 2 * shape.head + 3 * shape.outputs)
    graph = round(4 * SLACK * recipe.train.batch_size * (stacks + head))
    return BASE_BYTES + 20 * shape.parameters() + max(graph, 16 * shape.parameters())


def memory_warning(recipe: Recipe, device: str, processes: int = 1) -> str | None:
    """Return a warning where training may need more memory than there is, before any is asked for."""
    cuda = device == "cuda"
    have = torch.cuda.get_device_properties(0).total_memory if cuda else disk.available_bytes()
    need = memory_estimate(recipe) * (1 if cuda else processes)
    times = f", {processes} times" if processes > 1 and not cuda else ""
    if have is None or need <= have:
        return None
    return (
        f"training may need about {gib(need)} of memory, and there are {gib(have)} (batches of "
        f"{recipe.train.batch_size:,} x {recipe.data.segment_samples:,} samples and {recipe.shape.parameters():,} "
        f"parameters{times}): lower train.batch_size, data.segment_samples or the model's channels"
    )


def kept_and_dropped(sound: SoundData) -> str:
    """Return how many files are kept and dropped, and how long they last."""
    kept, dropped = sound.sound.entries, [entry for entry in sound.cache.entries if entry.reason is not None]
    lasting = duration(sum(entry.length for entry in kept) / sound.recipe.audio.sample_rate)
    lost = sum(entry.seconds for entry in dropped)  # of what cannot be read, nothing
    left = f"{len(dropped):,} dropped{f' ({duration(lost)})' if lost else ''}" if dropped else "none dropped"
    return f"{many(len(kept), 'file')} kept ({lasting}), {left}"


def sound_lines(sound: SoundData) -> list[str]:
    """Return what is trained on: layout, what is cut and clipped, rates, and each split's files and length."""
    kept, rate = sound.sound.entries, sound.recipe.audio.sample_rate
    cut = sum(entry.trimmed for entry in kept) / rate
    notes = f", {duration(cut)} cut from the ends" if cut else ""
    notes += f", {many(sound.overshoot, 'sample')} clipped by data.level" if sound.overshoot else ""
    return [
        f"sound: {printable(sound.source.folder.name)}, layout {sound.source.layout}{notes}",
        corpus.rates_in_words(kept, rate),
        f"splits {corpus.splits_in_words(sound.recipe, sound.source, sound.cache.entries, sound.spans)}",
    ]


def cpu_lines(recipe: Recipe, device: str, precision: str) -> list[str]:
    """Return what makes training faster on a CPU: a recipe that suits it better, and arithmetic that it has."""
    if device != "cpu":
        return []
    found = []
    if recipe.cpu_recipe is not None:
        found.append(f"{recipe.name} is sized for a GPU; `wavenet train {recipe.cpu_recipe}` is sized for a CPU")
    if precision != "bf16" and multiplies_bfloat16():
        found.append(
            "this processor multiplies bfloat16 itself: with --precision bf16 training is about 1.5 times as fast"
        )
    return found


def multiplies_bfloat16() -> bool:
    """Return whether the processor has instructions for products of bfloat16 (AVX512_BF16, AMX); others emulate it."""
    told: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()  # an older torch cannot tell
    return bool(told.get("avx512_bf16") or told.get("amx_bf16"))


def dry_run_line(run: Path, done: int, steps: int, max_steps: int | None, max_seconds: float | None) -> str:
    """Return what would be done in a run that has done some of its recipe's steps."""
    last = steps if max_steps is None else min(steps, max_steps)
    if done >= last:
        return f"dry run: {run} has done {many(done, 'step')} already; nothing to do"
    time = "" if max_seconds is None else f", for {clock(max_seconds)} at most"
    return f"dry run: would train steps {done + 1:,} to {last:,} of {steps:,}{time}, into {run}"
