"""Sound something like speech, and folders of it, that tests of generated sound begin from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import sound_toys
import soundfile

from wavenet.audio import cache
from wavenet.audio.crops import Sound
from wavenet.recipe.records import LevelConfig

RATE = 8_000


def speech(seed: int, seconds: float = 1.2) -> np.ndarray:
    """Return something like speech, [T] float32: gliding harmonics, hisses and pauses, never twice the same."""
    rng, parts, left = np.random.default_rng(seed), [], round(seconds * RATE)
    while left > 0:
        n = min(left, int(rng.integers(500, 900)))
        t = np.arange(n) / RATE
        pitch = rng.uniform(110, 190) * (1 + rng.uniform(-0.2, 0.2) * t / t[-1]) if n > 1 else np.ones(n)
        phase = 2 * np.pi * np.cumsum(pitch) / RATE
        voice = sum(np.sin(k * phase) / k for k in range(1, 20)) * np.sin(np.pi * np.arange(n) / n)
        hiss = np.diff(rng.standard_normal(n + 1)) * np.sin(np.pi * np.arange(n) / n)
        pause = rng.standard_normal(n // 3)
        parts += [0.2 * voice, 0.04 * hiss, 2e-4 * pause]
        left -= 2 * n + n // 3
    return np.concatenate(parts)[: round(seconds * RATE)].astype(np.float32)


def sound_of(folder: Path, waves: list[np.ndarray], rate: int = RATE) -> Sound:
    """Return some waves as the sound of a corpus."""
    clips = []
    for number, wave in enumerate(waves):
        folder.mkdir(exist_ok=True)
        soundfile.write(folder / f"{number:02d}.wav", wave, rate, subtype="PCM_16")
        clips.append(sound_toys.clip(folder / f"{number:02d}.wav"))
    return Sound(cache.prepare(clips, rate, None, folder / "cache"), LevelConfig(), 0)
