"""Sounds are saved as they are, told when they are suspicious, and played in notebooks that stay small."""

from __future__ import annotations

import base64
import io
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toys

from wavenet.errors import InputError
from wavenet.generate import sound as sounds
from wavenet.generate.sound import Sound


def heard(html: str) -> list[tuple[np.ndarray, int]]:
    """Return the sound and rate of each player."""
    found = re.findall(r'<audio controls src="data:audio/wav;base64,([A-Za-z0-9+/=]+)"></audio>', html)
    return [soundfile.read(io.BytesIO(base64.b64decode(text, validate=True)), dtype="float32") for text in found]


def test_every_sound_has_a_player_that_holds_it() -> None:
    samples = np.stack([toys.wave(0.5, seed) for seed in range(3)])
    sound = Sound(samples, 8_000, 16, 7)
    assert repr(sound) == str(sound) == "<Sound 3 x 0.25 s at 8,000 Hz, seed 7>"
    assert repr(replace(sound, stopped_by="SIGINT")).endswith("seed 7, stopped by SIGINT>")
    html = sound._repr_html_()
    assert html.startswith("<div>&lt;Sound 3 x 0.25 s at 8,000 Hz, seed 7&gt;</div>") and "can be heard" not in html
    assert html.count("<audio") == 3
    for wave, (back, rate) in zip(samples, heard(html), strict=True):
        assert rate == 8_000 and np.abs(back - wave).max() <= 0.5 / 32_768 + 1e-7


def test_long_and_many_sounds_are_cut_and_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sounds, "MOST_BYTES", 8_000)
    monkeypatch.setattr(sounds, "MOST_PLAYERS", 2)
    html = Sound(np.zeros((3, 4_000), np.float32), 1_000, 16, 0)._repr_html_()
    assert [len(wave) for wave, _ in heard(html)] == [2_000, 2_000]
    assert "<div>2 of 3 sounds, the first 2.0 of 4.0 s can be heard here; save() writes all of it</div>" in html
    long = Sound(np.zeros((1, 5_000), np.float32), 1_000, 16, 0)._repr_html_()
    assert [len(wave) for wave, _ in heard(long)] == [4_000] and "<div>the first 4.0 of 5.0 s can be" in long


@pytest.mark.parametrize("shape", [(1, 0), (0, 10)])
def test_no_sound_makes_no_trouble(shape: tuple[int, int]) -> None:
    assert Sound(np.zeros(shape, np.float32), 8_000, 16, 0)._repr_html_().count("<audio") == shape[0]


def test_saving_overwrites_nothing_unless_told(tmp_path: Path) -> None:
    one, two = (Sound(np.full((n, 4), 0.5, np.float32), 8_000, 16, 1) for n in (1, 2))
    (tmp_path / "a.wav").write_text("mine")
    (tmp_path / "b-1.wav").write_text("mine")
    for sound, name in ((one, "a.wav"), (two, "b.wav")):
        with pytest.raises(InputError, match=r"[a1]\.wav exists; name another file or overwrite it with force=True"):
            sound.save(tmp_path / name)
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == ["mine", "mine"]  # nor the b-0.wav before it
    assert [len(sound.save(str(tmp_path / name), force=True)) for sound, name in ((one, "a.wav"), (two, "b.wav"))] == [
        1,
        2,
    ]
    assert soundfile.info(tmp_path / "a.wav").frames == soundfile.info(tmp_path / "b-1.wav").frames == 4
    with pytest.raises(InputError, match="is a folder; name a file in it"):
        one.save(tmp_path)


def test_each_sound_may_have_a_name_of_its_own(tmp_path: Path) -> None:
    sound = Sound(np.zeros((2, 5), np.float32), 8_000, 16, 1)
    names = [tmp_path / "low.wav", str(tmp_path / "high.flac")]
    assert sound.save(names) == [tmp_path / "low.wav", tmp_path / "high.flac"]
    assert all(soundfile.info(path).frames == 5 for path in names)
    with pytest.raises(InputError, match="got 1 name for 2 sounds; give as many"):
        sound.save(names[:1], force=True)


def test_sounds_of_their_own_lengths_are_saved_played_and_judged_as_they_are(tmp_path: Path) -> None:
    samples = np.zeros((2, 2_000), np.float32)
    samples[0, :1_000], samples[1] = 0.01, 0.0012
    sound = Sound(samples, 1_000, 16, 0, ends=(1_000, 2_000))
    assert sound.lengths == (1_000, 2_000) and repr(sound).startswith("<Sound 2 x 1.00 to 2.00 s at")
    assert Sound(samples, 1_000, 16, 0).lengths == (2_000, 2_000)
    assert [soundfile.info(path).frames for path in sound.save(tmp_path / "a.wav")] == [1_000, 2_000]
    assert [len(wave) for wave, _ in heard(sound._repr_html_())] == [1_000, 2_000]
    loud = np.zeros((1, 100), np.float32)
    loud[0, :4] = 1.0  # 4 % of all, but 40 % of the sound
    assert Sound(loud, 1_000, 16, 0).warnings() == [] and Sound(loud, 1_000, 16, 0, ends=(10,)).warnings() != []


def test_silence_and_runaway_sound_are_told() -> None:
    t = np.arange(4000) / 4000
    fine = Sound(0.3 * np.sin(440 * t)[None].astype(np.float32), 4000, 16, 0)
    silent = Sound(np.full((1, 4000), 1e-5, np.float32), 4000, 16, 0)
    loud = Sound(np.sign(np.sin(440 * t))[None].astype(np.float32), 4000, 16, 0)
    assert fine.warnings() == []
    assert "silent" in silent.warnings()[0]
    assert "over 5 % of the sound lies at full scale" in loud.warnings()[0]
