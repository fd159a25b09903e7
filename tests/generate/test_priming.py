"""What a voice continues from: the same sound as a path, an array or a tensor primes alike; what is none is told."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import toys

from wavenet.errors import InputError
from wavenet.generate import priming
from wavenet.outputs import Floats

RATE = 8_000
WAVE = np.rint(toys.wave(0.25, 3, RATE) * 32_768).astype(np.int16)  # whole numbers of 16 bits: equal in every form
SOUND = (WAVE / 32_768).astype(np.float32)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    soundfile.write(tmp_path / "a.wav", WAVE, RATE)
    return tmp_path


@pytest.mark.parametrize(
    "form",
    [
        WAVE,
        SOUND,
        SOUND.astype(np.float64),
        np.stack([WAVE, WAVE], axis=1),
        SOUND[:, None],
        SOUND[None],  # what `Sound.samples` is
        torch.from_numpy(SOUND).requires_grad_(),
        torch.from_numpy(np.stack([WAVE] * 3, axis=1)),
        np.asfortranarray(np.stack([SOUND, SOUND], axis=1)),
    ],
)
def test_arrays_and_tensors_of_any_form_are_one_sound(form: object) -> None:
    heard = priming.mono(form, RATE)  # type: ignore[arg-type]
    assert heard.dtype == np.float32 and np.array_equal(heard, SOUND)


def test_channels_are_averaged_and_half_precision_is_read() -> None:
    left, right = SOUND, SOUND[::-1]
    assert np.allclose(priming.mono(np.stack([left, right], axis=1), RATE), (left + right) / 2, atol=1e-7)
    assert np.allclose(priming.mono(torch.from_numpy(SOUND).bfloat16(), RATE), SOUND, atol=2e-3)
    assert np.allclose(priming.mono(SOUND.astype(np.float16), RATE), SOUND, atol=5e-4)


def test_channels_that_cancel_are_told_and_the_louder_is_taken(said: list[str]) -> None:
    assert np.array_equal(priming.mono(np.stack([0.99 * SOUND, -SOUND], axis=1), RATE), -SOUND)
    assert said == ["the prime's 2 channels cancel when mixed: channel 2 is used alone"]
    assert len(priming.mono(np.zeros((0, 2)), RATE)) == 0


def test_a_path_may_be_text_or_begin_at_home(home: Path) -> None:
    for path in (home / "a.wav", str(home / "a.wav"), "~/a.wav", Path("~/a.wav")):
        assert np.array_equal(priming.mono(path, RATE), SOUND)
    assert len(priming.mono("~/a.wav", RATE // 2)) == len(SOUND) // 2  # resampled


@pytest.mark.parametrize(
    ("form", "words"),
    [
        (np.stack([SOUND, SOUND]), r"shape \[2, 2000\], which looks like channels before samples; transpose it"),
        (np.zeros((1, 2, 3)), r"shape \[1, 2, 3\], expected \[samples\] or \[samples, channels\]"),
        (np.zeros((3, 0)), "at least one channel"),
        (np.float32(0.5), r"shape \[\], expected"),
        (np.zeros((200, 65)), "65 channels, expected at most 64"),
        (WAVE.astype(np.int32), "is int32, expected int16, or floating point"),
        (WAVE > 0, "is bool, expected int16"),
        (SOUND + 0j, "is complex64, expected int16"),
        (np.append(SOUND, np.nan), "NaN or infinity, at sample 2,000 first"),
        (np.append(SOUND, np.inf)[None], "NaN or infinity, at sample 2,000 first"),
        (np.stack([SOUND, np.where(np.arange(2_000) == 7, np.nan, 0)], axis=1), "at sample 7 first"),
        (
            WAVE.astype(np.float32),
            r"values up to [0-9,]+, expected within \[-1, 1\]; divide 16-bit numbers",
        ),
        (object(), "is of type object, expected a path, an array or a tensor"),
        ([[1.0], [2.0, 3.0]], "the prime cannot be read"),
        (torch.zeros(3, device="meta"), "the prime cannot be read"),
        ("", "'' is not a path"),
        ("nowhere.wav", "there is no sound file nowhere.wav"),
    ],
)
def test_what_is_no_sound_is_one_sentence(form: object, words: str) -> None:
    with pytest.raises(InputError, match=words) as told:
        priming.mono(form, RATE)  # type: ignore[arg-type]
    assert "\n" not in str(told.value)


def test_sound_a_little_beyond_full_scale_is_taken() -> None:
    assert np.array_equal(priming.mono(SOUND * 4, RATE), SOUND * 4)


def piped(data: bytes) -> Floats:
    return priming.from_pipe(io.BytesIO(data), RATE)


def test_a_pipe_is_read_to_its_end(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = (home / "a.wav").read_bytes()
    assert np.array_equal(piped(data), SOUND)
    streamed = data[:4] + b"\xff" * 4 + data[8:40] + b"\xff" * 4 + data[44:]  # by a program that knew no length
    assert np.array_equal(piped(streamed), SOUND)
    for wrong, words in ((b"", "got nothing on stdin"), (b"no sound" * 9, "stdin cannot be read as sound")):
        with pytest.raises(InputError, match=words):
            piped(wrong)
    monkeypatch.setattr(priming, "MOST_BYTES", 1_000)
    with pytest.raises(InputError, match="got more than 0 MiB on stdin; cut the sound"):
        piped(data)


class Terminal(io.BytesIO):
    """Standard input that waits for somebody to type."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_and_a_closed_pipe_are_not_waited_for() -> None:
    for pipe, words in ((Terminal(b"x"), "which is a terminal; pipe one in"), (None, "which is closed; pipe one in")):
        with pytest.raises(InputError, match=words):
            priming.from_pipe(pipe, RATE)
