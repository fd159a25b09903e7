"""From recordings and what is said in them to a voice that says something else: two phones that are two tones."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import phone_toys
import pytest
import toys

import wavenet
from wavenet.audio import files
from wavenet.generate.asked import ask_phones
from wavenet.generate.lengths import lengths, timed
from wavenet.speech import SILENCE, Aligned, Phone

TONES = {"LO": 300.0, "HI": 900.0}  # Hz
SECONDS = {"LO": 0.05, "HI": 0.08}  # twice as much at the end of a phrase
ASKED = ("HI", "LO", "LO", "HI", SILENCE, "LO", "HI", "HI", "LO")
RECIPE: dict[str, Any] = {
    "data": {"segment_samples": 800, "level": {}, "tail_seconds": 0.0},
    "output": {"classes": 64},
    "model": {"dilations": [[1, 2, 4, 8]], "residual_channels": 16, "gate_channels": 16}
    | {"skip_channels": 32, "head_channels": 32},
    "train": {
        "batch_size": 8,
        "steps": 500,
        "learning_rate": 5e-3,
        "ema_decay": 0.98,
        "log_steps": 100,
        "input_noise": 8.0,
    }
    | {"validate_steps": 500, "sample_steps": 1_000, "save_steps": 500},
}
CONDITION: dict[str, Any] = {
    "channels": 16,
    "tracks": {"phones": {"kinds": 3, "neighbours": 1}, "mel": phone_toys.MEL},
    "hop_samples": 40,
    "encoder": [{"kernel": 3, "dilation": 1}],
    "acoustic": {"channels": 16, "encoder": [{"kernel": 3, "dilation": 1}], "share": 0.5},
    "durations": {"channels": 16, "encoder": [{"kernel": 3, "dilation": 1}]},
}


def sentence(names: Sequence[str]) -> tuple[Phone, ...]:
    """Return phones by name in words of two, with a pause at both ends."""
    spoken = [Phone(name) if name == SILENCE else Phone(name, 0, at // 2) for at, name in enumerate(names)]
    return (Phone(SILENCE), *spoken, Phone(SILENCE))


def recording(seed: int) -> tuple[np.ndarray, Aligned]:
    """Return the sound of a sentence, [T] float32, and where its phones lie."""
    rng = np.random.default_rng(seed)
    names = [name for _ in range(3) for name in (*rng.choice(["LO", "HI"], rng.integers(2, 5)).tolist(), SILENCE)]
    phones = sentence(names[:-1])
    last = [at for at in range(1, len(phones) - 1) if phones[at + 1].silent]
    usual = [SECONDS.get(phone.name, 0.05) * (2 if at in last else 1) for at, phone in enumerate(phones)]
    ends = np.rint(np.cumsum(usual * rng.uniform(0.9, 1.1, len(usual))) * toys.RATE).astype(int)
    wave = rng.normal(0, 0.02, ends[-1])
    for phone, first, end in zip(phones, [0, *ends[:-1]], ends, strict=True):
        if not phone.silent:
            t = np.arange(end - first) / toys.RATE
            wave[first:end] += 0.3 * np.sin(2 * np.pi * (TONES[phone.name] * t + rng.random()))
    return wave.astype(np.float32), Aligned(phones, tuple((ends / toys.RATE).tolist()))


def heard(wave: np.ndarray) -> str:
    """Return the phone whose tone is louder in a piece of sound, [T]; a pause where both are faint."""
    t, window = np.arange(len(wave)) / toys.RATE, np.hanning(len(wave))
    level = {
        name: abs(np.sum(wave * window * np.exp(-2j * np.pi * hertz * t))) / window.sum()
        for name, hertz in TONES.items()
    }
    loudest = max(level, key=lambda name: level[name])
    return loudest if level[loudest] > 0.03 else SILENCE


@pytest.mark.slow
def test_a_voice_says_phones_in_an_order_it_never_heard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = [recording(seed) for seed in range(40)]
    for seed, (wave, _) in enumerate(made):
        files.write(tmp_path / "sounds" / f"{seed:02d}.wav", wave, toys.RATE, 16)
    monkeypatch.setattr(
        "wavenet.speech.aligned", lambda clips, decoded: [made[int(Path(c.name).stem)][1] for c in clips]
    )
    recipe = toys.recipe(**RECIPE, condition=CONDITION)
    voice = wavenet.load(toys.train(tmp_path / "sounds", tmp_path / "run", tmp_path / "cache", recipe))
    scored = voice.training["held_out"]["lengths"]
    assert scored["phones"] >= 8 and scored["rmse_ms"] < 0.6 * scored["average_rmse_ms"]

    packed, known, phones = voice.engine("reference").packed, voice.vocabulary(), sentence(ASKED)
    seconds = lengths(packed, known, {}, phones)
    usual = [SECONDS.get(name, 0.05) * (2 if at in (3, 8) else 1) for at, name in enumerate(ASKED)]
    assert seconds[1:-1] == pytest.approx(usual, rel=0.15)
    said = timed(phones, [*seconds[:-1], 0.1])
    told = ask_phones(packed, known, [{}], [said])
    assert told.lengths is not None and told.lengths[0] == round(said.ends[-1] * toys.RATE)
    source = voice.sampler(seed=1, backend="reference", condition=told.condition)
    codes = np.concatenate([part.codes for part in source.generate(told.lengths, 1_000)], axis=1)[0]
    sound, starts = voice.alphabet.decode(codes), (0.0, *said.ends[:-1])
    middles = [
        sound[round((0.8 * a + 0.2 * b) * toys.RATE) : round((0.2 * a + 0.8 * b) * toys.RATE)]
        for a, b in zip(starts, said.ends, strict=True)
    ]
    assert [heard(one) for one in middles] == [SILENCE, *ASKED, SILENCE]
