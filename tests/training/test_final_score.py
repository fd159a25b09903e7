"""Training ends with what `wavenet evaluate` says of its valid split, and the bundle keeps that to judge by later."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import toys

from wavenet import outputs
from wavenet.audio import files
from wavenet.errors import DivergenceError
from wavenet.evaluation import held_out, likelihood, statistics_file
from wavenet.evaluation.evaluate import evaluate
from wavenet.evaluation.linear import CONTEXT
from wavenet.evaluation.phone_lengths import LengthErrors
from wavenet.generate import voice as voices
from wavenet.generate.watch import Gathering, Ranges
from wavenet.model import bundle
from wavenet.training import checkpoint, final_score, metrics
from wavenet.training.checkpoint import LAST
from wavenet.training.data import SoundData
from wavenet.training.module import build


def test_the_bundle_has_what_evaluate_says(trained_run: Path) -> None:
    kept, made = voices.load(trained_run).training["held_out"], evaluate(trained_run, split="valid")
    assert kept["split"] == "valid" and kept["step"] == 12
    assert (kept["files"], kept["targets"]) == (len(made.files), made.total.targets)
    assert kept["bits"] == pytest.approx(made.total.bits, abs=1e-4)
    for name, bits in made.baselines.items():
        assert kept[name] == pytest.approx(bits)
    expected = np.quantile([one.bits for one in made.files], (0.1, 0.5, 0.9))
    assert list(kept["clips"].values()) == pytest.approx(expected, abs=1e-4)
    assert Ranges.from_json(kept["windows"]).to_json() == kept["windows"]


def test_the_bundle_has_how_far_predictions_are_off_as_evaluate_says_it(told_run: Path) -> None:
    kept, made = voices.load(told_run).training["held_out"]["tracks"], evaluate(told_run, split="valid").predictions
    assert made.lengths is None and made.tracks is not None and made.tracks.mel_db is not None
    assert kept["frames"] == made.tracks.frames > 0 and kept["f0_hz"] is None
    assert kept["mel_db"] == pytest.approx(vars(made.tracks.mel_db), rel=1e-5)
    assert made.tracks.mel_db.average is not None


def test_a_held_out_part_of_a_file_is_heard_behind_what_comes_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[np.ndarray] = []

    class Recorded(Gathering):
        def begin(self, past: np.ndarray | None = None) -> None:
            begun.extend([] if past is None else [past])
            super().begin(past)

    monkeypatch.setattr(final_score, "Gathering", Recorded)
    sounds = tmp_path / "sounds"
    sounds.mkdir()
    files.write(sounds / "long.wav", toys.wave(4.0, 1), toys.RATE)
    recipe = toys.recipe(output={"preemphasis": 0.85})
    run = toys.train(sounds, tmp_path / "run", tmp_path / "cache", recipe, max_steps=1)
    held = held_out.find_sound(run, split="valid", cache=tmp_path / "cache")
    (span,), alphabet = held.spans, outputs.of(recipe)
    assert span.first > CONTEXT and len(begun) == 1
    known = alphabet.encode(held.corpus.sound.read(span.clip, 0, span.first))
    assert np.array_equal(begun[0], known[-CONTEXT:])


def test_the_last_row_and_the_log_have_it(trained_run: Path) -> None:
    kept = voices.load(trained_run).training["held_out"]
    *others, last = metrics.read(trained_run / "metrics.csv")
    assert float(last["evaluated_bits"]) == pytest.approx(kept["bits"], rel=1e-5)
    assert not any(row["evaluated_bits"] for row in others)
    *_, score, finished = (trained_run / "train.log").read_text(encoding="utf-8").splitlines()
    assert f" INFO valid split: {kept['bits']:.3f} bits/sample (" in score and "finished 12 steps" in finished


def test_how_far_predictions_are_off_is_said_last_and_kept(phones_run: Path, trained_run: Path) -> None:
    kept = voices.load(phones_run).training["held_out"]
    *_, score, lengths, tracks, finished = (phones_run / "train.log").read_text(encoding="utf-8").splitlines()
    assert lengths.endswith(f" INFO {LengthErrors(**kept['lengths'])}") and "valid split: " in score
    assert f"{kept['tracks']['mel_db']['ours']:.2f} dB" in tracks and "finished" in finished
    assert not {"lengths", "tracks"} & voices.load(trained_run).training["held_out"].keys()


@pytest.mark.parametrize("steps", [3, 4])  # 4 has a row without it
def test_a_stop_has_it_too(sound_folder: Path, tmp_path: Path, steps: int) -> None:
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", max_steps=steps)
    assert voices.load(run).training["held_out"]["step"] == steps
    assert metrics.read(run / "metrics.csv")[-1]["evaluated_bits"]
    toys.train(sound_folder, run, tmp_path / "cache", resume=True)
    assert [row["step"] for row in metrics.read(run / "metrics.csv") if row["evaluated_bits"]] == ["12"]


def test_a_finished_run_of_an_older_version_gets_it(trained_run: Path, sound_folder: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    whole = bundle.load(run / "model")
    kept = whole.training.pop("held_out")
    bundle.save(run / "model", whole)
    (run / "model" / statistics_file.NAME).unlink()
    before = (run / "checkpoints" / LAST).read_bytes()
    toys.train(sound_folder, run, tmp_path / "cache", resume=True, dry_run=True)
    assert not (run / "model" / statistics_file.NAME).exists()
    toys.train(sound_folder, run, tmp_path / "cache", resume=True)
    again = bundle.load(run / "model")
    assert again.training["held_out"] == kept and (run / "model" / statistics_file.NAME).is_file()
    assert all(np.array_equal(again.arrays[name], value) for name, value in whole.arrays.items())
    assert (run / "checkpoints" / LAST).read_bytes() == before
    written = (run / "model" / bundle.CONFIG).stat().st_mtime_ns
    toys.train(sound_folder, run, tmp_path / "cache", resume=True)
    assert (run / "model" / bundle.CONFIG).stat().st_mtime_ns == written


def test_a_finished_run_that_cannot_be_evaluated_keeps_its_bundle(
    trained_run: Path, sound_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    whole = bundle.load(run / "model")
    del whole.training["held_out"]
    bundle.save(run / "model", whole)
    written = (run / "model" / bundle.CONFIG).stat().st_mtime_ns

    def diverged(*given: object) -> None:
        raise DivergenceError("no finite likelihood")

    monkeypatch.setattr(final_score, "score", diverged)
    toys.train(sound_folder, run, tmp_path / "cache", resume=True)
    assert (run / "model" / bundle.CONFIG).stat().st_mtime_ns == written
    assert said == ["step 12: no finite likelihood"]


def test_it_is_of_so_much_sound_in_any_pieces(
    trained_run: Path, sound_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = voices.load(trained_run).training["held_out"]
    recipe = toys.recipe(data={"path": str(sound_folder)})
    module, data = build(recipe), SoundData(recipe)
    data.prepare()
    checkpoint.restore(module, checkpoint.load(trained_run / "checkpoints" / LAST))
    monkeypatch.setattr(likelihood, "teacher_forced", partial(likelihood.teacher_forced, size=100))
    _, again = final_score.evaluated(tmp_path / "model", module, data, lambda: False) or (None, {})
    assert again["windows"] == kept["windows"] and again["bits"] == pytest.approx(kept["bits"], abs=1e-5)
    monkeypatch.setattr(final_score, "MOST_TARGETS", 300)
    _, again = final_score.evaluated(tmp_path / "model", module, data, lambda: False) or (None, {})
    assert again["targets"] == 300


def test_a_signal_leaves_it_out(sound_folder: Path, tmp_path: Path) -> None:
    recipe = toys.recipe(data={"path": str(sound_folder)})
    data = SoundData(recipe)
    data.prepare()
    for unheard in (0, len(data.spans["train"])):  # while codes are counted; while the first file is scored
        asked = iter([False] * unheard)
        assert (
            final_score.evaluated(tmp_path / "model", build(recipe), data, lambda asked=asked: next(asked, True))
            is None
        )
        assert (tmp_path / "model" / statistics_file.NAME).exists() == (unheard > 0)
