"""The page on voices in other languages is followed, command by command: from labels of German to spoken text."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import german_toys
import pytest
import soundfile

import wavenet
from wavenet import cli
from wavenet.speech import spelling

PAGE = (Path(__file__).parent.parent / "recipes" / "OTHER-LANGUAGES.md").read_text(encoding="utf-8")
SHORTER = {
    "train": "--device cpu --set train.steps=2 --set train.sample_seconds=0.01 --set train.validate_targets=500 "
    "--set train.batch_size=1 --set data.segment_samples=400 --set condition.acoustic.channels=8 "
    "--set condition.acoustic.sounds=1 --set model.dilations=[1,2,4] --set audio.sample_rate=4000 "
    "--set condition.hop_samples=40 --set condition.tracks.mel.high_hz=2000",
    "say": "--backend reference --speed 4 --sentence-silence 0",
}


def blocks(kind: str) -> str:
    return "\n".join(re.findall(rf"```{kind}\n(.*?)```", PAGE, flags=re.DOTALL)).replace("\\\n", "")


@pytest.mark.usefixtures("german")
def test_the_page_leads_from_labels_to_a_voice_that_says_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], said: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    german_toys.folder(tmp_path / "recordings")
    exec(compile(blocks("python"), "OTHER-LANGUAGES.md", "exec"), {})
    lines = (tmp_path / "german.dict").read_text(encoding="utf-8").splitlines()
    assert "tag\tt ˈɑː k" in lines  # noqa: RUF001  (letters of IPA)
    spoken = {spelling.phone(one)[0] for line in lines for one in line.split("\t")[1].split()}

    done = []
    for line in blocks("sh").splitlines():
        verb, *words = shlex.split(line, comments=True) or [""]
        if verb == "wavenet":
            short = SHORTER.get(words[0], "")
            assert cli.main([*words, *shlex.split(short)]) == 0, (line, capsys.readouterr().err)
            done.append((words[0], capsys.readouterr().out))
    assert [verb for verb, _ in done] == ["data", "train", "say", "say", "inspect"]
    kinds = re.search(r"phones\.kinds=(\d+)", PAGE)
    assert kinds is not None and f"kinds     {kinds[1]} phones, pauses included" in done[0][1]
    known = wavenet.load(tmp_path / "runs" / "german").vocabulary().phones
    assert {*known} == {"sil", *spoken} and len(known) == int(kinds[1])
    assert ", ".join(known)[:20] in done[-1][1]
    assert all(soundfile.info(tmp_path / name).duration > 0.2 for name in ("said.wav", "phones.wav"))
    assert not [line for line in said if "language" in line or "phone" in line]
