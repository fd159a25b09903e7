"""`wavenet data align` says what is said, counts it, and names what is left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import spoken_toys

import wavenet
from wavenet import cli
from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.speech import SILENCE
from wavenet.speech.align import CLASS_OF
from wavenet.speech.dictionary import PHONES


def labelled(folder: Path, count: int = 5) -> Path:
    """Return a folder of sounds with labels of HTK: of half a second each, the first lasting the longest."""
    for number in range(count):
        seconds = 0.5 + 0.1 * ((3 * number) % count)
        files.write(folder / f"{number}.wav", spoken_toys.tone(round(8_000 * seconds)), 8_000)
        lines = f"0 1000000 sil\n1000000 3000000 AH1\n3000000 {round(1e7 * seconds)} ʒ\n"
        (folder / f"{number}.lab").write_text(lines, encoding="utf-8")
    return folder


def run(*words: object) -> int:
    return cli.main(["data", "align", *map(str, words)])


def test_the_text_counts_phones_and_groups_what_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled(tmp_path / "sounds")
    for number in (0, 2, 3, 4):
        (folder / f"{number}.lab").unlink()
    (folder / "bad.wav").write_text("this is no sound")
    assert run(folder) == 0
    text = capsys.readouterr().out
    assert "6 files, layout folder" in text and "aligned   1 file, 0.8 seconds" in text and "left out  5 files" in text
    assert "silence   50 ms at the ends, beyond 50 ms before the first phone and 100 ms behind the last" in text
    assert "kinds     3 phones, pauses included, for which condition.tracks.phones.kinds makes room" in text
    assert "  left out 0.wav, 2.wav, 3.wav, and 1 more: it has no text: neither a table nor a file" in text
    assert "  left out bad.wav: " in text
    rows = {line.split()[0]: line.split()[-3:] for line in text.splitlines() if line.strip()}
    assert rows["vowels"] == ["1", "0.2", "200"] and rows["AH"] == rows["vowels"] and rows["pauses"][2] == "100"
    assert rows["other"] == ["1", "0.5", "500"]  # other phones
    assert f"{wavenet.align(folder)}\n" == text


def test_json_has_all_of_it_and_nothing_aligned_is_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled(tmp_path / "sounds", 3)
    (folder / "1.lab").unlink()
    assert run(folder, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["files"], told["aligned"]) == (3, 2) and told["left_out"][0]["path"] == "1.wav"
    assert told["silent_ends_seconds"] == pytest.approx(0.1)
    assert told["phones"]["AH"] == {"count": 2, "seconds": pytest.approx(0.4)}
    assert told["classes"]["pauses"]["count"] == told["phones"][SILENCE]["count"] == 2
    for path in folder.glob("*.lab"):
        path.unlink()
    assert run(folder, "--json") == 2
    assert json.loads(capsys.readouterr().out)["aligned"] == 0
    assert run(tmp_path / "nowhere") == 2
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("text without a recording")
    assert run(tmp_path / "texts") == 2
    assert "holds no sound that can be read" in capsys.readouterr().err


def test_a_limit_spreads_over_the_folder_and_the_cache_is_where_it_is_told(tmp_path: Path) -> None:
    folder = labelled(tmp_path / "sounds")
    made = wavenet.align(folder, limit=3, cache_folder=tmp_path / "here")
    assert [clip.name for clip in made.clips] == ["0.wav", "2.wav", "4.wav"] and (tmp_path / "here").is_dir()
    assert run(folder, "--limit", 1, "--cache", tmp_path / "there") == 0
    assert len([*(tmp_path / "there").glob("*/alignment.jsonl")]) == 1
    assert len(wavenet.align(folder, limit=99).clips) == 5


def test_a_recipe_says_how_recordings_are_decoded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled(tmp_path / "sounds")
    assert wavenet.align(folder).decoded.sample_rate == 16_000
    made = wavenet.align(folder, "quickstart", ["audio.sample_rate=4000"])
    assert made.decoded.sample_rate == 4_000 and made.usable
    assert run(folder, "--recipe", "quickstart", "--set", "data.labels=[zero]", "--limit", 2) == 0
    assert run(folder, "--set", "audio.sample_rate=4000") == 2
    assert "name one with --recipe NAME" in capsys.readouterr().err
    with pytest.raises(InputError, match="name one with --recipe NAME"):
        wavenet.align(folder, overrides=["audio.sample_rate=4000"])


def test_the_recording_of_middle_length_is_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = labelled(tmp_path / "sounds")
    example = wavenet.align(folder).example()
    assert example is not None
    clip, found, wave, rate = example
    assert clip.name == "4.wav" and len(wave) / rate == found.ends[-1] == pytest.approx(0.7)
    assert 0.095 < abs(wave).max() < 0.105
    assert run(folder, "--plot", tmp_path / "a.png") == 0
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    assert run(folder, "--plot", tmp_path / "a.png") == 2
    assert "overwrite it with --force" in capsys.readouterr().err
    assert run(folder, "--plot", tmp_path / "a.png", "--force") == 0


def test_every_phone_of_the_dictionary_has_a_class() -> None:
    assert set(CLASS_OF) == {*PHONES, SILENCE}


@pytest.mark.slow
@pytest.mark.real_audio
def test_real_sentences_are_aligned(real_audio: Path) -> None:
    spoken_toys.needs_an_aligner()
    made = wavenet.align(real_audio / "kathleen", limit=8)
    assert made.left_out == {} and {"AH", "T", "S"} <= {kind.name for kind in made.kinds()}
    classes = {kind.name: 1000 * kind.seconds / kind.count for kind in made.kinds(by_class=True)}
    assert 60 < classes["vowels"] < 140 and 50 < classes["stops"] < 110
