"""A voice from Python: lengths, seeds, priming, saving, streaming, verification and warnings."""

from __future__ import annotations

import logging
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import toys

import wavenet
from wavenet import outputs
from wavenet.errors import InputError
from wavenet.generate.verify import BOUND
from wavenet.generate.voice import Voice
from wavenet.model import network


def made(scale: float = 1.0, **sections: dict[str, object]) -> Voice:
    recipe = toys.recipe(**sections)
    arrays = {name: value * np.float32(scale) for name, value in network.build(recipe).arrays().items()}
    return Voice(recipe, arrays)


def test_length_in_seconds_or_samples() -> None:
    voice = made()
    assert repr(voice) == "<Voice toy: 4,000 Hz, 2,642 parameters, 3.8 ms>"
    assert voice.generate(seconds=0.01, seed=1).samples.shape == (1, 40)
    assert voice.generate(samples=7, seed=1, count=2).samples.shape == (2, 7)
    assert voice.length(None, None) == 3 * toys.RATE
    wrong = ({"seconds": 1.0, "samples": 3}, {"seconds": 0.0}, {"samples": 0}, {"seconds": float("nan")})
    draws = ({"count": 0}, {"seed": -1}, {"seed": 2**63}, {"temperature": -1}, {"top_k": -1}, {"top_p": 0})
    for options in (*wrong, *({"samples": 2, **draw} for draw in draws)):
        with pytest.raises(InputError):
            voice.generate(**options)


def test_a_voice_has_a_name_and_a_run_that_is_called_so_is_told(
    shipped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.chdir(tmp_path)
    voice = wavenet.load("bell")
    assert voice.generate(samples=3, seed=1).samples.shape == (1, 3) and not caplog.messages
    shutil.copytree(shipped / "bell", Path("runs") / "bell" / "model")
    with caplog.at_level(logging.INFO, "wavenet"):
        assert wavenet.load("bell").recipe == voice.recipe
    assert caplog.messages == ["bell is the voice that comes with the package; the run is runs/bell"]


def test_a_seed_is_drawn_and_told() -> None:
    voice = made()
    sound = voice.generate(samples=50)
    assert np.array_equal(voice.generate(samples=50, seed=sound.seed).samples, sound.samples)


@pytest.mark.parametrize("kind", ["embedding", "scalar"])
@pytest.mark.parametrize("prime", [False, True])
def test_verification_agrees_with_the_training_graph(kind: str, prime: bool) -> None:
    voice = made(2.0, model={"input": kind})
    known = toys.wave(0.02, 0) if prime else None
    sound = voice.generate(samples=450, count=2, seed=1, prime=known, verify=True)
    assert sound.difference is not None and 0 < sound.difference < BOUND


def test_verification_notices_a_wrong_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    voice, wrong = made(2.0), made(2.0)
    wrong.arrays["blocks.3.dilated.product.weight"][0] += 0.01
    monkeypatch.setattr(voice, "engine", wrong.engine)
    sound = voice.generate(samples=100, seed=1, verify=True)
    assert sound.difference is not None and sound.difference > BOUND


@pytest.mark.parametrize("storage", ["float16", "float32"])
def test_verification_judges_half_precision_by_the_same_rounded_weights(storage: str) -> None:
    sound = made(3.0).generate(samples=300, seed=1, verify=True, backend="cpu", storage=storage)
    assert sound.difference is not None and 0 < sound.difference < BOUND


def test_the_prime_steers_and_is_not_in_the_sound() -> None:
    voice = made(3.0)
    plain = voice.generate(samples=60, seed=1).samples
    primed = voice.generate(samples=60, seed=1, prime=toys.wave(0.1, 0)).samples
    assert primed.shape == plain.shape and not np.array_equal(primed, plain)


def test_a_path_an_array_and_a_tensor_prime_alike_and_a_wrong_one_is_told_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice, wave = made(3.0), toys.wave(0.1, 0)
    pcm = np.rint(wave * 32_768).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", pcm, toys.RATE)
    primes = (tmp_path / "a.wav", pcm, torch.from_numpy(np.stack([pcm, pcm], axis=1)))
    whole = [voice.generate(samples=40, seed=1, prime=prime).samples for prime in primes]
    streamed = [np.concatenate([*voice.stream(samples=40, seed=1, prime=prime)], axis=1) for prime in primes]
    assert all(np.array_equal(one, whole[0]) for one in [*whole, *streamed])
    monkeypatch.setattr(voice, "sampler", lambda *_: pytest.fail("compiled before it looked at the prime"))
    for call in (voice.generate, voice.stream):
        with pytest.raises(InputError, match="NaN"):
            call(samples=2, prime=np.full(3, np.nan))


def test_the_prime_gets_the_level_that_training_had() -> None:
    voice, quiet = made(data={"level": {"rms": 0.1}}), toys.wave(0.1, 0)
    assert np.array_equal(voice.encode(quiet), voice.encode(quiet * 0.01))
    assert np.array_equal(voice.encode(np.zeros(5, np.float32)), outputs.of(voice.recipe).encode(np.zeros(5)))


@pytest.mark.parametrize("classes", [2, 16, 256, 512, 1024, 4096])
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_saved_sound_encodes_back_to_the_codes_drawn(tmp_path: Path, classes: int, suffix: str) -> None:
    voice = made(output={"classes": classes})
    alphabet = outputs.of(voice.recipe)
    sound = voice.generate(samples=300, seed=1, count=2)
    paths = sound.save(tmp_path / f"out{suffix}")
    assert [path.name for path in paths] == [f"out-0{suffix}", f"out-1{suffix}"]
    for path, wave in zip(paths, sound.samples, strict=True):
        back, rate = soundfile.read(path)
        assert rate == toys.RATE
        assert np.array_equal(alphabet.encode(back), alphabet.encode(wave))


def test_an_empty_prime_primes_nothing() -> None:
    voice, nothing = made(), np.zeros(0, np.float32)
    assert np.array_equal(
        voice.generate(samples=20, seed=1, prime=nothing).samples, voice.generate(samples=20, seed=1).samples
    )


def test_a_model_that_has_not_beaten_the_histogram_warns() -> None:
    voice = made()
    assert "never measured" in voice.warnings()[0]
    voice.training = {"valid_bits": 4.5, "order0_bits": 4.0}
    assert "not beaten the histogram" in voice.warnings()[0]
    voice.training = {"valid_bits": 3.5, "order0_bits": 4.0}
    assert voice.warnings() == []


def test_load_takes_a_run_and_its_bundle(trained_run: Path) -> None:
    first, second = wavenet.load(trained_run), wavenet.load(str(trained_run / "model"))
    assert first.name == "toy" and first.sample_rate == toys.RATE
    assert np.array_equal(first.generate(samples=30, seed=2).samples, second.generate(samples=30, seed=2).samples)
    assert first.training["steps"] == 12 and first.data["files"]["train"] >= 1


@pytest.mark.parametrize("value", [10**400, "3", None, [], {}, math.nan, math.inf])
def test_a_record_that_holds_no_number_is_none(value: object) -> None:
    voice = made()
    voice.training = {"valid_bits": value, "order0_bits": 4.0}
    assert ["not a finite number" in line for line in voice.warnings()] == [True]
    for missing in ({"order0_bits": 4.0}, {"valid_bits": value}, {}):
        voice.training = missing
        assert "never measured" in voice.warnings()[0]


@pytest.mark.parametrize("condition", [[1, 2], "jackson", 7, {"ann"}, [{"speaker": "ann"}, "bob"]])
def test_a_condition_that_is_no_mapping_is_one_sentence(told_run: Path, condition: object) -> None:
    voice = wavenet.load(told_run)
    words = r"the condition is .*, expected values by field, such as \{'speaker': 'jackson'"
    for speak in (voice.generate, voice.stream):
        with pytest.raises(InputError, match=words) as caught:
            speak(count=2, samples=8, condition=condition)
        assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match=words):
        voice.vocoder(condition=condition)
