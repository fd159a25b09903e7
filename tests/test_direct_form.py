"""The paper's direct form: a network told phones and F0 and no spectrum, of which a small one predicts the F0."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import phone_toys
import pytest
import soundfile
import told_toys
import toys

import wavenet
from wavenet import cli
from wavenet.features.f0 import semitones
from wavenet.outputs import Arrays
from wavenet.recipe import read

TRACKS = {"phones": phone_toys.CONDITION["tracks"]["phones"], "f0": {"low_hz": 80, "high_hz": 500}}
SHORT = {"steps": 4, "validate_steps": 4, "save_steps": 4, "sample_steps": 4, "sample_seconds": 0.02}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of the direct form."""
    place = tmp_path_factory.mktemp("direct")
    (place / "sounds").mkdir()
    sounds = told_toys.write_sounds(place / "sounds", 2)
    tree = toys.tree(train=SHORT) | {"condition": phone_toys.CONDITION | {"tracks": TRACKS}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wavenet.speech.aligned", phone_toys.of_sound)
        return toys.train(sounds, place / "run", place / "cache", read.from_tree(tree, "direct"))


def told_f0(run: Path, pitch: float) -> np.ndarray:
    """Return the F0 that a voice is told of ``Bob.``, [F, 2]: how high, and whether it has one."""
    speaker = wavenet.load(run).speaker(backend="reference", pitch=pitch)
    asked = speaker._asked([*speaker.pieces("Bob.")])
    assert asked is not None and asked.condition is not None and isinstance(asked.condition.tracks, Arrays)
    assert not np.asarray(asked.condition.unknown).any()
    return asked.condition.tracks.values[0][:, -2:]


def test_f0_is_predicted_from_phones_and_moved_by_a_pitch_that_is_asked_for(run: Path) -> None:
    condition = wavenet.load(run).recipe.condition
    assert condition is not None and condition.tracks.f0 is not None
    usual, higher = told_f0(run, 0.0), told_f0(run, 7.0)
    assert len(usual) > 10 and usual[:, 0].std() > 0
    np.testing.assert_allclose(higher[:, 0] - usual[:, 0], semitones(7.0, condition.tracks.f0), atol=1e-6)
    assert np.array_equal(higher[:, 1], usual[:, 1])


def test_it_says_text_at_a_pitch(run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, pitch in (("usual", "0"), ("higher", "+24")):
        words = ["Bob.", "--seed", "1", "--pitch", pitch, "--speed", "2", "--backend", "reference", "-o", f"{name}.wav"]
        assert cli.main(["say", str(run), *words]) == 0
    usual, higher = (soundfile.read(f"{name}.wav")[0] for name in ("usual", "higher"))
    assert len(usual) == len(higher) and not np.array_equal(usual, higher)


@pytest.mark.usefixtures("spoken")
def test_it_is_evaluated_and_inspected(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["evaluate", str(run)]) == 0
    assert "bits/sample" in capsys.readouterr().out
    assert cli.main(["inspect", str(run)]) == 0
    assert "predicts f0 (2 a frame) from" in " ".join(capsys.readouterr().out.split())
