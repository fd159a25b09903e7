"""The main job on real recordings: scan, train, beat the histogram, generate, verify."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

import wavenet
from wavenet import cli

pytestmark = [pytest.mark.real_audio, pytest.mark.slow]

SMALL = (
    "model.dilations={pattern: exponential, layers: 8, cycles: 1}",
    "model.residual_channels=24",
    "model.gate_channels=24",
    "model.skip_channels=64",
    "model.head_channels=64",
    "data.segment_samples=4096",
    "output.preemphasis=0",  # the bound below is of bits of plain sound
    "data.tail_seconds=0",  # so few steps learn silence first, and sound that is told nothing would be silent
    "train.batch_size=2",
    "train.steps=400",
    "train.learning_rate=0.004",
    "train.warmup_steps=20",
    "train.ema_decay=0.95",
    "train.validate_targets=60000",
    "train.sample_seconds=0.1",
)


def test_digits_scan_train_generate_verify(
    real_audio: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits, run, out = real_audio / "digits", tmp_path / "run", tmp_path / "out.wav"
    assert cli.main(["data", "scan", str(digits), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["files"]) == 3000 and 21.8 < told["minutes_kept"] < 21.9
    options = [word for key in SMALL for word in ("--set", key)]
    assert cli.main(["train", "digits", "--data", str(digits), "--out", str(run), "--device", "cpu", *options]) == 0
    voice = wavenet.load(run)
    assert voice.data["files"] == {"train": 2400, "valid": 300, "test": 300}
    training = voice.training
    assert training["uniform_bits"] == 8.0 and 7.3 < training["order0_bits"] < 7.9
    assert training["valid_bits"] < training["order0_bits"] - 1.0
    assert cli.main(["generate", str(run), "--seconds", "1", "--seed", "1", "-o", str(out), "--verify"]) == 0
    wave, rate = soundfile.read(out)
    assert rate == 8000 and len(wave) == 8000 and np.sqrt(np.mean(wave**2)) > 0.003
    spoken = tmp_path / "seven.wav"
    assert (
        cli.main(["generate", str(run), "--label", "7", "--speaker", "jackson", "--seed", "1", "-o", str(spoken)]) == 0
    )
    assert "label 7, speaker jackson" in capsys.readouterr().out
    wave, rate = soundfile.read(spoken)
    assert 0.2 * rate < len(wave) < 1.5 * rate and np.sqrt(np.mean(wave**2)) > 0.003
    kept = training["held_out"]
    assert kept["low"] < kept["bits"] < kept["high"] and kept["files"] == 300
    capsys.readouterr()
    assert cli.main(["evaluate", str(run), "--json", "--sound", "10"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["split"] == "test" and len(told["files"]) == 300 and told["targets"] == 1_034_030
    assert len(told["speakers"]) == 6 and len(told["labels"]) == 10
    known = {"uniform": 8.0, "order0": 7.546, "order1": 6.056, "linear": 5.922, "flac": 6.226}
    assert {name: told[name] for name in known} == pytest.approx(known, abs=0.01)
    assert told["low"] < told["bits_per_sample"] < told["high"] < told["order0"]
    assert not any(match["copy"] for match in told["generated"]["copies"]["generated"])
    words = ["--best-of", "3", "--until-silence", "--seconds", "1", "--seed", "2", "-o", str(tmp_path / "best.wav")]
    assert cli.main(["generate", str(run), *words]) == 0
    assert "kept sequence" in capsys.readouterr().err
