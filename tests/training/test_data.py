"""The data module: splits reach the crops, tails train but are not scored, loaders begin where they are told."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import toys

from wavenet.errors import SoundError
from wavenet.outputs import IGNORED
from wavenet.training.data import SoundData


def prepared(folder: Path, **sections: dict[str, object]) -> SoundData:
    data = {"path": str(folder), "segment_samples": 200, **sections.pop("data", {})}
    sound = SoundData(toys.recipe(data=data, **sections))
    sound.prepare()
    return sound


def test_no_file_is_in_two_splits_and_all_are_in_one(sound_folder: Path) -> None:
    sound = prepared(sound_folder)
    clips = {name: {int(row[0]) for row in crops.table} for name, crops in sound.crops.items()}
    assert set.union(*clips.values()) == set(range(8))
    assert sum(len(found) for found in clips.values()) == 8
    assert clips["valid"] and clips["test"]


def test_tails_are_trained_on_but_not_scored(sound_folder: Path) -> None:
    bare, tailed = prepared(sound_folder, data={"tail_seconds": 0}), prepared(sound_folder, data={"tail_seconds": 0.1})
    files = len(bare.spans["train"])
    assert tailed.crops["train"].targets == bare.crops["train"].targets + files * 400
    assert tailed.crops["valid"].targets == bare.crops["valid"].targets
    assert np.array_equal(tailed.counts, bare.counts)
    assert tailed.target_counts.sum() == bare.counts.sum() + files * 400


@pytest.mark.parametrize("share", [0.0, 0.85])
def test_counts_are_those_of_the_codes_that_are_trained_on(sound_folder: Path, share: float) -> None:
    sound = prepared(sound_folder, data={"tail_seconds": 0.1}, output={"preemphasis": share})
    targets = np.concatenate([batch.targets.ravel() for batch in sound.crops["train"].in_order(4)])
    counts = np.bincount(targets[targets != IGNORED], minlength=sound.alphabet.size)
    assert np.array_equal(sound.target_counts, counts) and (sound.target_counts - sound.counts).sum() > 0


def test_a_loader_begins_at_the_step_it_is_told(sound_folder: Path) -> None:
    sound = prepared(sound_folder)
    whole = list(sound.train_dataloader())
    sound.first_step = 5
    rest = list(sound.train_dataloader())
    assert len(whole) == 12 and len(rest) == 7
    for early, late in zip(whole[5:], rest, strict=True):
        assert torch.equal(early["inputs"], late["inputs"]) and torch.equal(early["targets"], late["targets"])


def test_batches_are_as_wide_as_their_longest_piece_or_fixed(sound_folder: Path) -> None:
    for batch in prepared(sound_folder).train_dataloader():
        assert (batch["targets"] != IGNORED).any(dim=0).all()
        assert batch["inputs"].shape[1] == batch["targets"].shape[1] + 14
    fixed = SoundData(toys.recipe(data={"path": str(sound_folder)}), fixed_width=True)
    fixed.prepare()
    assert {batch["targets"].shape for batch in fixed.train_dataloader()} == {(2, 200)}


def test_the_fingerprint_tells_sound_apart(sound_folder: Path, tmp_path: Path) -> None:
    same, again = prepared(sound_folder), prepared(sound_folder)
    other = prepared(toys.write_sounds(tmp_path, 7))
    louder = prepared(sound_folder, data={"level": {"rms": 0.2}})
    assert same.fingerprint() == again.fingerprint()
    assert len({found.fingerprint() for found in (same, other, louder)}) == 3


def test_provenance_names_source_licence_split_and_minutes(sound_folder: Path) -> None:
    told = prepared(sound_folder, data={"licence": "CC0"}).provenance()
    assert (told["source"], told["licence"], told["split"]) == ("folder", "CC0", "auto")
    assert sum(told["files"].values()) == 8 and told["minutes"]["train"] > 0
    assert str(sound_folder.parent) not in str(told)  # nobody's paths travel with a bundle


def test_no_folder_named_is_an_error() -> None:
    with pytest.raises(SoundError, match="--data DIR"):
        SoundData(toys.recipe()).prepare()


def test_a_run_goes_on_with_the_same_sound_whatever_its_times_and_folder(sound_folder: Path, tmp_path: Path) -> None:
    before = prepared(sound_folder)
    moved = Path(shutil.copytree(sound_folder, tmp_path / "moved", copy_function=shutil.copy))
    after = prepared(moved)
    assert after.fingerprint() == before.fingerprint()
    path = next(moved.glob("*.wav"))
    path.write_bytes(path.read_bytes()[:-200] + bytes(200))
    assert prepared(moved).fingerprint() != before.fingerprint()
