"""What training and scoring begin from is the same: gathered once, by the recipe alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import toys

from wavenet.audio import corpus, files, folders
from wavenet.audio.decode import Entry
from wavenet.audio.folders import Clip, Source
from wavenet.training.data import SoundData


def test_training_and_scoring_see_the_same_sound(sound_folder: Path, tmp_path: Path) -> None:
    recipe = toys.recipe(data={"path": str(sound_folder), "segment_samples": 150})
    found = corpus.gather(recipe, tmp_path)
    trained = SoundData(recipe, tmp_path)
    trained.prepare()
    assert found.spans == trained.spans and found.spans["valid"]
    assert found.source.folder == sound_folder and len(found.sound.lengths) == len(found.source.clips) == 8
    assert found.sound.gains == trained.sound.gains and found.sound.tail == 40


def test_sound_that_stands_in_two_splits_is_said_once(tmp_path: Path, said: list[str]) -> None:
    folder = toys.write_sounds(tmp_path / "data")
    shutil.copy(folder / "sound0.wav", folder / "copy of 0.wav")
    shutil.copy(folder / "sound1.wav", folder / "copy of 1.wav")
    files.write(folder / "also 1.flac", files.read(folder / "sound1.wav", toys.RATE), toys.RATE)
    own = {"copy of 1.wav": "test", "sound7.wav": "valid"}
    rows = [f"{name},{own.get(name, 'train')}" for name in sorted(path.name for path in folder.iterdir())]
    (folder / "metadata.csv").write_text("\n".join(["path,split", *rows]))
    recipe = toys.recipe(data={"path": str(folder)})
    for _ in range(2):  # decoded, then read from the cache
        said.clear()
        corpus.gather(recipe, tmp_path / "cache")
        assert said == [
            "3 files hold the same sound as another, 2 of them in different splits, so that scores look too good: "
            "also 1.flac (train) and copy of 1.wav (test)"
        ]


def test_twins_in_one_split_are_said_too_and_different_sound_is_not(tmp_path: Path, said: list[str]) -> None:
    folder = toys.write_sounds(tmp_path / "data")
    recipe = toys.recipe(data={"path": str(folder)})
    corpus.gather(recipe, tmp_path / "cache")
    assert said == []
    (folder / "metadata.csv").write_text(
        "\n".join(["path,split", *(f"sound{i}.wav,train" for i in range(7)), "sound7.wav,valid"])
    )
    shutil.copy(folder / "sound0.wav", folder / "sound1.wav")
    corpus.gather(recipe, tmp_path / "cache")
    assert len(said) == 1 and "sound1.wav (train)" in said[0]
    assert said[0].startswith("1 file holds the same sound as another, none of them in different splits: ")


# --- what is told of the sound ---------------------------------------------------------------------------------------


def test_files_that_the_level_clips_are_counted_and_the_worst_are_named(tmp_path: Path, said: list[str]) -> None:
    folder, rng = toys.write_sounds(tmp_path / "data"), np.random.default_rng(0)
    for name, samples, spikes in [("one", 3_000, 1), *((f"spiky{i}", 900, 10 + 5 * i) for i in range(4))]:
        wave = rng.normal(0, 0.02, samples)
        wave[:spikes] = 0.9
        files.write(folder / f"{name}.wav", wave, toys.RATE)
    found = corpus.gather(toys.recipe(data={"path": str(folder), "level": {"rms": 0.2}}), tmp_path)
    assert [(one.name, one.samples) for one in found.clipped] == [
        *((f"spiky{i}.wav", 10 + 5 * i) for i in (3, 2, 1, 0)),
        ("one.wav", 1),
    ]
    assert said == [
        "clipped by data.level in more than 0.1 % of their samples: spiky3.wav (25 samples, 2.8%), "
        "spiky2.wav (20 samples, 2.2%), spiky1.wav (15 samples, 1.7%), and 1 more; "
        "lower data.level.rms, which is 0.2"
    ]


def test_without_a_level_sound_beyond_full_scale_is_named(tmp_path: Path, said: list[str]) -> None:
    folder = toys.write_sounds(tmp_path / "data")
    soundfile.write(folder / "hot.wav", np.random.default_rng(0).normal(0, 1, 900), toys.RATE, subtype="FLOAT")
    corpus.gather(toys.recipe(data={"path": str(folder), "level": {}}), tmp_path / "cache")
    (line,) = [line for line in said if "clipped" in line]
    assert line.startswith("clipped at full scale in more than 0.1 % of their samples: hot.wav (")
    assert line.endswith("set data.level.rms, such as 0.08")


@pytest.mark.parametrize(
    ("rates", "told"),
    [
        ({4_000}, "all files have 4,000 Hz, but the recipe asks for 6,000 Hz: each second takes 1.5 times"),
        (
            {4_000, 5_000},
            "no file has more than 5,000 Hz, but the recipe asks for 6,000 Hz: each second takes 1.2 times",
        ),
        ({4_000, 6_000}, None),
        ({8_000}, None),
    ],
)
def test_sound_of_a_lower_rate_than_the_recipe_is_told(rates: set[int], told: str | None) -> None:
    entries = [Entry(f"{i}.wav", length=900, source_rate=rate, digest=str(i)) for i, rate in enumerate([*rates] * 5)]
    source = Source(Path(), "folder", tuple(Clip(Path(entry.name), entry.name) for entry in entries))
    recipe = toys.recipe(audio={"sample_rate": 6_000})
    lines = corpus.warnings(recipe, source, entries, corpus.divide(recipe, source, entries), [])
    assert len(lines) == (told is not None)
    if told is not None:
        remedy = f"--set audio.sample_rate={max(rates)} trains on the sound as it is"
        assert lines[0].startswith(told) and lines[0].endswith(remedy)


def test_sound_that_is_not_divided_has_one_split(sound_folder: Path) -> None:
    recipe = toys.recipe(data={"path": str(sound_folder)})
    found = corpus.whole(recipe, folders.find(recipe.data))
    assert list(found.spans) == ["all"] and len(found.spans["all"]) == len(found.clips) == 8
    assert [span.last for span in found.spans["all"]] == found.sound.lengths
    alone = corpus.whole(recipe, folders.one_file(sound_folder / "sound3.wav"))
    assert [clip.name for clip in alone.clips] == ["sound3.wav"]
    assert alone.sound.lengths == [found.sound.lengths[3]]
