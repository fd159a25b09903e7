"""TextGrids of every form are read; a wrong tier and what is none are named in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from wavenet.errors import InputError, SoundError
from wavenet.speech.textgrid import tiers

pytest.importorskip("praatio")

TIERS = {"words": [(0.1, 0.5, "une")], "phones": [(0.0, 0.1, ""), (0.1, 0.3, "y"), (0.3, 0.5, "n")]}


def text_of(made: dict[str, list[tuple[float, float, str]]], last: float = 0.6) -> str:
    """Return a TextGrid in Praat's long form."""
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = {last}\ntiers? <exists>\n'
    lines = [f"{head}size = {len(made)}\nitem []:"]
    for at, (name, rows) in enumerate(made.items(), 1):
        lines.append(f'    item [{at}]:\n        class = "IntervalTier"\n        name = "{name}"')
        lines.append(f"        xmin = 0\n        xmax = {last}\n        intervals: size = {len(rows)}")
        for number, (start, end, text) in enumerate(rows, 1):
            lines.append(f"        intervals [{number}]:\n            xmin = {start}\n            xmax = {end}")
            lines.append(f'            text = "{text}"')
    return "\n".join(lines) + "\n"


def short_of(made: dict[str, list[tuple[float, float, str]]], last: float = 0.6) -> str:
    """Return a TextGrid in Praat's short form."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "0", str(last), "<exists>", str(len(made))]
    for name, rows in made.items():
        lines += ['"IntervalTier"', f'"{name}"', "0", str(last), str(len(rows))]
        for start, end, text in rows:
            lines += [str(start), str(end), f'"{text}"']
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("form", [text_of, short_of])
def test_both_forms_and_encodings_are_read(tmp_path: Path, form: object, encoding: str) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(form({**TIERS, "phones": [*TIERS["phones"], (0.5, 0.6, "ʒ")]}), encoding=encoding)  # type: ignore[operator]
    phones, words = tiers(path)
    assert phones == [(0.0, 0.1, ""), (0.1, 0.3, "y"), (0.3, 0.5, "n"), (0.5, 0.6, "ʒ")]
    assert words == [(0.1, 0.5, "une")]


def test_a_speaker_may_stand_before_the_name_of_a_tier_and_words_may_be_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.TextGrid"
    path.write_text(text_of({"ann - Phones": TIERS["phones"]}))
    assert tiers(path) == (TIERS["phones"], [])


@pytest.mark.parametrize(
    "text, said",
    [
        (text_of({"segments": TIERS["phones"]}), "has no tier 'phones' of intervals, only 'segments'"),
        (text_of({"ann - phones": TIERS["phones"], "bob - phones": TIERS["phones"]}), "only 'ann - phones' and 'bob"),
        (text_of(TIERS).replace("IntervalTier", "TextTier"), "has no tier 'phones' of intervals"),
        (text_of({"phones": [(0.0, 0.3, "a"), (0.2, 0.5, "b")]}), "cannot be read as a TextGrid (Two intervals"),
        ("this is none", "cannot be read as a TextGrid"),
        ("", "cannot be read as a TextGrid"),
    ],
)
def test_what_cannot_be_used_is_said(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "a.TextGrid").write_text(text)
    with pytest.raises(SoundError) as caught:
        tiers(tmp_path / "a.TextGrid")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_without_praatio_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "praatio", None)
    with pytest.raises(InputError, match="pip install 'wavenet-audio\\[speech\\]'"):
        tiers(tmp_path / "a.TextGrid")
