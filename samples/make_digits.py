"""Makes samples/digits: spoken digits by espeak-ng's own voices, in the layout of the Free Spoken Digit Dataset.

The sound is synthetic: no person was recorded. Needs espeak-ng (1.51 made the files that are here) on the PATH::

    python samples/make_digits.py

Each file is DIGIT_SPEAKER_TAKE.flac, 8 kHz, 16 bit. As in that dataset, takes 0 to 4 are the test split and takes 5
to 9 are held out while training, so that take 0, take 5 and takes 10 to 15 give all three splits.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np

from wavenet.audio import files

HERE = Path(__file__).parent / "digits"
RATE = 8_000
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = {"american": "en-us", "british": "en-gb-x-rp+m3", "scottish": "en-gb-scotland+m7", "female": "en-us+f3"}
TAKES = (0, 5, 10, 11, 12, 13, 14, 15)


def speak(word: str, voice: str, take: int) -> np.ndarray:
    """Return one take of a word, [T] float32 at RATE: pitch and speed differ from take to take."""
    pitch, speed = 38 + 17 * take % 29, 135 + 11 * take % 37
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "word.wav"
        command = ["espeak-ng", "-v", voice, "-p", str(pitch), "-s", str(speed), "-w", str(path), word]
        subprocess.run(command, check=True)
        wave = files.read(path, RATE)
    loud = np.flatnonzero(np.abs(wave) > 0.01 * np.abs(wave).max())
    return wave[max(0, loud[0] - 160) : loud[-1] + 400]


def main() -> None:
    """Write all files."""
    for digit, word in enumerate(WORDS):
        for speaker, voice in SPEAKERS.items():
            for take in TAKES:
                wave = speak(word, voice, take)
                files.write(HERE / f"{digit}_{speaker}_{take}.flac", wave * (0.5 / np.abs(wave).max()), RATE)


if __name__ == "__main__":
    main()
