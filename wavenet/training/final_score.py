"""What training ends with: held-out sound scored as `wavenet evaluate` scores it, and what the bundle keeps of that.

The scores while training are of some crops, quickly; this one is of whole files, beside all baselines, with an
interval.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from wavenet.evaluation import likelihood, statistics_file
from wavenet.evaluation.baselines import Statistics
from wavenet.evaluation.evaluate import judges_of, score
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.likelihood import Piece
from wavenet.evaluation.predictions import Predictions, predictions
from wavenet.evaluation.report import Evaluation
from wavenet.generate.packed import pack
from wavenet.generate.voice import Voice
from wavenet.generate.watch import Gathering
from wavenet.training.checkpoint import explained
from wavenet.training.data import SoundData
from wavenet.training.module import WaveNetModule

MOST_TARGETS = 2_000_000  # two minutes of sound at 16 kHz, and about a minute of work on two cores


class _InterruptedError(Exception):
    """A signal asked to stop."""


def evaluated(
    model: Path, module: WaveNetModule, data: SoundData, interrupted: Callable[[], bool]
) -> tuple[Evaluation, dict[str, Any]] | None:
    """Return the scores of the averaged weights on the valid split, and what a bundle keeps of them.

    Args:
        model: the bundle's folder, which gets the statistics of the training sound once.
        module: the network.
        data: its sound.
        interrupted: asked before every piece of sound; None is returned where it says so.

    Raises:
        WavenetError: the statistics cannot be written, or a likelihood is not finite.
    """
    recipe, alphabet = module.recipe, module.alphabet
    held = HeldOut(data.source.folder.name, "valid", recipe, data.corpus, data.spans["valid"])
    held = held.limited(MOST_TARGETS / recipe.audio.sample_rate)
    windows = Gathering(alphabet, recipe.audio.sample_rate)

    def ask() -> None:
        if interrupted():
            raise _InterruptedError

    def gather(piece: Piece) -> None:
        ask()
        if piece.first == held.spans[piece.span].first:
            windows.begin(piece.past)
        windows.add(piece.codes, piece.nats)

    condition = None if data.told is None else data.told.condition
    if module.device.type == "cpu":  # compiled code takes half as long as the training graph, which a GPU has at hand
        judges, threads = judges_of(Voice(recipe, module.averaged.arrays()))
        judge = judges(condition)
    else:
        judge, threads = likelihood.of_network(module.averaged, alphabet, condition), 1
    try:
        statistics = statistics_file.read(model, alphabet.size)
        if statistics is None:
            statistics = Statistics.gather(data.sound, data.spans, alphabet, ask)
            with explained(f"the bundle {model}"):
                statistics_file.write(model, statistics)
        made = score(recipe.name, held, judge, alphabet, statistics, [gather], threads)
    except _InterruptedError:
        return None
    clips = np.quantile([one.bits for one in made.files], (0.1, 0.5, 0.9)).tolist()
    kept = {
        "step": module.step,
        "split": made.split,
        "files": len(made.files),
        "targets": made.total.targets,
        "bits": made.total.bits,
        "low": made.total.low,
        "high": made.total.high,
        **made.baselines,
        "clips": dict(zip(("low", "middle", "high"), clips, strict=True)),
        "windows": windows.ranges().to_json(),
    }
    off = _predictions(module, data)
    return replace(made, predictions=off), kept | off.to_json()


def _predictions(module: WaveNetModule, data: SoundData) -> Predictions:
    """Return how far what the averaged weights predict of the valid split is off."""
    trained, held = ({span.clip for span in data.spans[name]} for name in ("train", "valid"))
    packed = pack(module.recipe.shape, module.averaged.arrays())
    condition = None if data.told is None else data.told.condition
    return predictions(packed, module.recipe, condition, sorted(trained), sorted(held))
