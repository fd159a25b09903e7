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
from torch.utils.data import DataLoader, IterableDataset, get_worker_info

from wavenet import outputs
from wavenet.audio import corpus, crops
from wavenet.audio.crops import Crops
from wavenet.audio.splits import Span
from wavenet.errors import stop_signals
from wavenet.evaluation import overlap
from wavenet.features import corpus_condition, sentences
from wavenet.features.corpus_condition import CorpusCondition
from wavenet.geometry import Shape
from wavenet.model.condition import as_sentences, as_told
from wavenet.model.network import as_tensors
from wavenet.recipe.records import Recipe
from wavenet.text import to_json


class Steps(IterableDataset[dict[str, Any]]):
    """The batches of steps first .. last - 1, shared out among the loader's workers in turn.

    Of a batch of n * size crops, process i of n gets its own `share` (i, n).
    """

    def __init__(
        self,
        crops: Crops,
        shape: Shape,
        seed: int,
        size: int,
        first: int,
        last: int,
        share: tuple[int, int] = (0, 1),
    ) -> None:
        self.crops, self.shape, self.seed, self.size = crops, shape, seed, size
        self.first, self.last, self.share = first, last, share

    def __iter__(self) -> Iterator[dict[str, Any]]:
        worker = get_worker_info()
        begin, stride = (self.first, 1) if worker is None else (self.first + worker.id, worker.num_workers)
        for step in range(begin, self.last, stride):
            batch = self.crops.training(self.seed, step, self.size * self.share[1], self.share)
            inputs, told = as_tensors(batch.feed, self.crops.alphabet, self.shape)
            known: dict[str, Any] = {"inputs": inputs, "targets": torch.from_numpy(batch.targets)}
            if told is not None and batch.predicted is not None:
                known |= {"told": told, "predicted": torch.from_numpy(batch.predicted)}
            if batch.heard is not None:
                assert self.shape.condition is not None
                known["heard"] = as_told(batch.heard, self.shape.condition.hop)
            if batch.said is not None:
                known["said"] = as_sentences(batch.said)
            yield known


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
        fixed_width: make all batches equally wide (for a compiled graph) instead of as wide as their longest crop.

    Attributes:
        crops: of train, valid and test.
        counts: of the codes in the training sound [Q], which order-0 predicts from.
        target_counts: the same with tails of silence, where the output layer begins.
    """

    def __init__(self, recipe: Recipe, cache_folder: Path | None = None, fixed_width: bool = False) -> None:
        super().__init__()
        self.recipe, self.cache_folder = recipe, cache_folder
        self.alphabet = outputs.of(recipe)
        self.fixed_width = fixed_width
        self.first_step = 0  # where a resumed run goes on
        self.share = (0, 1)  # this is process 0 of 1
        self.pinned = False  # whether batches are put where a GPU can fetch them
        self.crops: dict[str, Crops] = {}
        self.told: CorpusCondition | None = None
        self.counts: NDArray[np.int64] = np.zeros(self.alphabet.size, np.int64)

    def prepare(self) -> None:
        """Decode, split and count.

        Raises:
            SoundError: the recipe names no folder of sound that can be trained on.
        """
        data, context = self.recipe.data, self.recipe.shape.receptive_field
        found = sentences.aligned_alone(self.recipe, corpus.gather(self.recipe, self.cache_folder))
        self.corpus = found
        self.source, self.cache, self.sound, self.spans = found.source, found.cache, found.sound, found.spans
        trained = self.sound.with_tails(self.spans["train"])
        hop = self.recipe.shape.condition.hop if self.recipe.shape.condition else 1
        width = data.segment_samples + hop - 1 if self.fixed_width else None
        clips = {span.clip for span in trained}
        self.told = corpus_condition.of_corpus(self.recipe, found, self.cache_folder, trained=clips)
        condition = None if self.told is None else self.told.condition
        for name, spans in (self.spans | {"train": trained}).items():
            cut = crops.pieces(spans, data.segment_samples, hop)
            self.crops[name] = Crops(
                self.sound,
                cut,
                self.alphabet,
                context,
                width,
                condition,
                *corpus_condition.shares(self.recipe),
                self.recipe.train.input_noise,
                corpus_condition.sounds(self.recipe),
            )
        self.counts, self.overshoot = self.sound.code_counts(self.spans["train"], self.alphabet)
        tails = [Span(one.clip, one.last, more.last) for one, more in zip(self.spans["train"], trained, strict=True)]
        self.target_counts = self.counts + self.sound.code_counts(tails, self.alphabet)[0]

    def setup(self, stage: str | None = None) -> None:
        """Prepare where another process of this machine had to decode first; Lightning calls it behind a barrier."""
        del stage
        if not self.crops:
            self.prepare()

    def train_dataloader(self) -> DataLoader[dict[str, Any]]:
        """Return a loader of the batches from `first_step` to the recipe's last."""
        train, crops = self.recipe.train, self.crops["train"]
        steps = Steps(crops, self.recipe.shape, train.seed, train.batch_size, self.first_step, train.steps, self.share)
        return DataLoader(
            steps, batch_size=None, num_workers=train.workers, pin_memory=self.pinned, worker_init_fn=_leave_signals
        )

    def fingerprint(self) -> str:
        """Return a text that is equal only for the same files, by name and measure, cut, levelled and told alike.

        Behind the sound's own part come, where it is told anything, those of its fields, of arrays beside it, and,
        where phones are among it, of what is said.
        """
        told = [] if self.told is None else [self._fields_told(), self.told.arrays.encode()]
        told += [] if self.told is None or self.told.spoken is None else [self.told.spoken.digest().encode()]
        return "-".join([self._digest(), *(hashlib.sha256(part).hexdigest()[:8] for part in told)])

    def older_fingerprint(self) -> str:
        """Return what `fingerprint` was before it had parts: it knew no arrays."""
        return self._digest(b"" if self.told is None else self._fields_told())

    def _fields_told(self) -> bytes:
        assert self.told is not None
        return self.told.condition.fields.tobytes() + to_json(self.told.vocabulary).encode()

    def _digest(self, fields: bytes = b"") -> str:
        digest = hashlib.sha256(self.crops["train"].table.tobytes() + self.crops["valid"].table.tobytes())
        digest.update(self.counts.tobytes() + fields)
        for entry in self.sound.entries:
            digest.update(f"{entry.name} {entry.length} {entry.rms} {entry.peak}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:24]

    def provenance(self) -> dict[str, Any]:
        """Return what a bundle says of the sound; minutes of splits are those with tails of silence."""
        data, rate, entries = self.recipe.data, self.recipe.audio.sample_rate, self.cache.entries
        seconds = {
            "kept": sum(entry.length for entry in entries) / rate,
            "trimmed": sum(entry.trimmed for entry in entries if entry.reason is None) / rate,
            "dropped": sum(entry.seconds for entry in entries if entry.reason is not None),
            **{name: crops.targets / rate for name, crops in self.crops.items()},
        }
        trained, known = {span.clip for span in self.spans["train"]}, self.told
        return {
            "source": self.source.layout,
            "folder": self.source.folder.name,
            "licence": data.licence,
            "files": {name: len({span.clip for span in spans}) for name, spans in self.spans.items()},
            "files_dropped": sum(entry.reason is not None for entry in entries),
            "minutes": {name: round(value / 60, 3) for name, value in seconds.items()},
            "split": data.split.by,
            "trained_files": overlap.listed(self.sound.entries, self.spans["train"]),
            "training_code_counts": self.counts.tolist(),
            **({} if known is None else {"told": known.provenance(self.sound.lengths, trained)}),
        }
