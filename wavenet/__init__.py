"""WaveNet: train an autoregressive model of raw audio, hear it, and see what its dilations reach.

Importing this package imports no torch; the names below load what they need when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from wavenet.datasets.fetch import fetch as fetch
    from wavenet.evaluation.evaluate import evaluate as evaluate
    from wavenet.features.scan import scan as scan
    from wavenet.generate.voice import load as load
    from wavenet.inspection.text import inspect as inspect
    from wavenet.sharing.export import export as export
    from wavenet.speech.align import align as align
    from wavenet.training.train import train as train

_LAZY = {
    "align": "wavenet.speech.align",
    "evaluate": "wavenet.evaluation.evaluate",
    "export": "wavenet.sharing.export",
    "fetch": "wavenet.datasets.fetch",
    "inspect": "wavenet.inspection.text",
    "load": "wavenet.generate.voice",
    "scan": "wavenet.features.scan",
    "train": "wavenet.training.train",
}

__all__ = ["__version__", "align", "evaluate", "export", "fetch", "inspect", "load", "scan", "train"]


if not TYPE_CHECKING:  # which else would take any name for one of ours

    def __getattr__(name: str) -> Any:
        if name in _LAZY:
            return getattr(import_module(_LAZY[name]), name)
        raise AttributeError(f"module 'wavenet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LAZY])
