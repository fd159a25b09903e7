"""The LightningDataModule: a folder of sound -> batches that depend on (seed, step) alone."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from wavenet import outputs
from wavenet.audio import corpus, crops
from wavenet.audio.crops import Crops
from wavenet.errors import stop_signals
from wavenet.model.network import as_tensors
from wavenet.recipe.records import Recipe


class Steps(IterableDataset[dict[str, Tensor]]):
    """The batches of steps first .. last - 1, shared out among the loader's workers in turn.

    Args:
        crops: the pieces.
        seed: of the run.
        size: pieces of a batch of this process.
        first: the first step.
        last: the step behind the last.
        share: (i, n): this is process i of n that train together, each on its own share of a batch of n * size.
    """

    def __init__(
        self, crops: Crops, seed: int, size: int, first: int, last: int, share: tuple[int, int] = (0, 1)
    ) -> None:
        self.crops, self.seed, self.size, self.first, self.last, self.share = crops, seed, size, first, last, share

    def __iter__(self) -> Iterator[dict[str, Tensor]]:
        worker = get_worker_info()
        begin, stride = (self.first, 1) if worker is None else (self.first + worker.id, worker.num_workers)
        for step in range(begin, self.last, stride):
            batch = self.crops.training(self.seed, step, self.size * self.share[1], self.share)
            inputs, condition = as_tensors(batch.feed, self.crops.alphabet)
            told = {} if condition is None else {"condition": condition}
            yield {"inputs": inputs, "targets": torch.from_numpy(batch.targets), **told}


def _leave_signals(worker: int) -> None:
    """Leave signals that reach a whole group of processes to the main one: it still needs the workers' batches."""
    del worker
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)


class SoundData(pl.LightningDataModule):
    """Decoded, split and counted sound of one recipe.

    Args:
        recipe: the complete recipe.
        cache_folder: where decoded sound is kept; None takes this user's cache folder.
        fixed_width: make all batches equally wide (for a compiled graph) instead of as wide as their longest piece.

    Attributes:
        counts: how often each code stands in the training sound [Q]: what order-0 knows.
        target_counts: the same, tails of silence included: where the output layer begins.
        crops: the batches of train, valid and test.
        first_step: where a resumed run goes on.
        share: (i, n): this is process i of n that train together.
        pinned: whether batches are put where a GPU can fetch them.
    """

    def __init__(self, recipe: Recipe, cache_folder: Path | None = None, fixed_width: bool = False) -> None:
        super().__init__()
        self.recipe, self.cache_folder = recipe, cache_folder
        self.alphabet = outputs.of(recipe)
        self.fixed_width = fixed_width
        self.first_step = 0
        self.share = (0, 1)
        self.pinned = False
        self.crops: dict[str, Crops] = {}
        self.counts: NDArray[np.int64] = np.zeros(self.alphabet.size, np.int64)

    def prepare(self) -> None:
        """Decode, split and count, once.

        Raises:
            SoundError: the recipe names no folder of sound that can be trained on.
        """
        if self.crops:
            return
        data, context = self.recipe.data, self.recipe.shape.receptive_field
        found = corpus.gather(self.recipe, self.cache_folder)
        self.source, self.cache, self.sound, self.spans = found.source, found.cache, found.sound, found.spans
        trained = self.sound.with_tails(self.spans["train"])
        width = data.segment_samples if self.fixed_width else None
        for name, spans in (self.spans | {"train": trained}).items():
            cut = crops.pieces(spans, data.segment_samples)
            self.crops[name] = Crops(self.sound, cut, self.alphabet, context, width)
        self.counts, self.overshoot = self.sound.code_counts(self.spans["train"], self.alphabet)
        self.target_counts, _ = self.sound.code_counts(trained, self.alphabet)

    def setup(self, stage: str | None = None) -> None:
        """Prepare, where Lightning asks for it."""
        del stage
        self.prepare()

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Return a loader of the batches from `first_step` to the recipe's last."""
        train = self.recipe.train
        span = self.first_step, train.steps
        steps = Steps(self.crops["train"], train.seed, train.batch_size, *span, self.share)
        return DataLoader(
            steps, batch_size=None, num_workers=train.workers, pin_memory=self.pinned, worker_init_fn=_leave_signals
        )

    def fingerprint(self) -> str:
        """Return a text that is equal only for the same files, by name and measure, cut and levelled alike."""
        digest = hashlib.sha256(self.crops["train"].table.tobytes() + self.crops["valid"].table.tobytes())
        digest.update(self.counts.tobytes())
        for entry in self.sound.entries:
            digest.update(f"{entry.name} {entry.length} {entry.rms} {entry.peak}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:24]

    def minutes(self) -> dict[str, float]:
        """Return minutes of sound kept, cut from the ends, dropped, and in each split (tails of silence included)."""
        rate = self.recipe.audio.sample_rate
        entries = self.cache.entries
        found = {
            "kept": sum(entry.length for entry in entries) / rate / 60,
            "trimmed": sum(entry.trimmed for entry in entries if entry.reason is None) / rate / 60,
            "dropped": sum(entry.seconds for entry in entries if entry.reason is not None) / 60,
        }
        return found | {name: crops.targets / rate / 60 for name, crops in self.crops.items()}

    def provenance(self) -> dict[str, Any]:
        """Return what a bundle says of the sound."""
        data = self.recipe.data
        return {
            "source": self.source.layout,
            "folder": self.source.folder.name,
            "licence": data.licence,
            "files": {name: len({span.clip for span in spans}) for name, spans in self.spans.items()},
            "files_dropped": sum(entry.reason is not None for entry in self.cache.entries),
            "minutes": {name: round(value, 3) for name, value in self.minutes().items()},
            "split": data.split.by,
            "training_code_counts": self.counts.tolist(),
        }
