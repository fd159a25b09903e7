"""Toy folders in the true layouts of data sets, each with a few tiny sounds, made in the folder given."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path

import toys

from wavenet.audio import files


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metadata.csv").write_text(text, encoding=encoding)
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@functools.cache
def sound(suffix: str, seed: int) -> bytes:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place, f"sound{suffix}")
        files.write(path, toys.wave(0.1 + 0.002 * (seed % 7), seed), toys.RATE)
        return path.read_bytes()


def sounds(folder: Path, *names: str) -> Path:
    for seed, name in enumerate(names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(sound(Path(name).suffix, seed))
    return folder


def ljspeech(folder: Path) -> Path:
    root = folder / "LJSpeech-1.1"
    ids = [f"LJ00{chapter}-000{line}" for chapter in (1, 2) for line in range(1, 5)]
    write(root / "README", "The LJ Speech Dataset\n")
    lines = [f'{name}|He paid £{i}, "or so.|He paid {i} pounds, "or so.\n' for i, name in enumerate(ids)]
    table(root, "".join(lines))
    return sounds(root, *(f"wavs/{name}.wav" for name in ids))


VCTK_SENTENCES = [(who, f"{number:03}") for who in ("p225", "p226", "s5") for number in range(1, 6)]


def vctk(folder: Path) -> Path:
    """Return version 0.92: speaker s5 has no texts, and p226 one sentence without its second microphone."""
    root = folder / "VCTK-Corpus-0.92"
    write(root / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS  REGION COMMENTS\np225  23  F    English    England\n")
    write(root / "wav48_silence_trimmed/log.txt", "p225_001_mic1 0.1 0.2\n")
    for who, number in VCTK_SENTENCES:
        if who != "s5":
            write(root / f"txt/{who}/{who}_{number}.txt", f"Please call {who} {number}.\n")
        for mic in ("mic1", "mic2"):
            if (who, number, mic) != ("p226", "005", "mic2"):
                sounds(root, f"wav48_silence_trimmed/{who}/{who}_{number}_{mic}.flac")
    return root


def vctk_080(folder: Path) -> Path:
    root = folder / "VCTK-Corpus"
    write(root / "speaker-info.txt", "ID  AGE  GENDER  ACCENTS  REGION\n225  23  F    English    England\n")
    for who, number in VCTK_SENTENCES[:10]:
        write(root / f"txt/{who}/{who}_{number}.txt", f"Please call {who} {number}.\n")
        sounds(root, f"wav48/{who}/{who}_{number}.wav")
    return root


COMMANDS = [
    f"{word}/{who}_nohash_{take}.wav"
    for word in ("zero", "nine", "bed", "yes")
    for who in ("0a7c2a8d", "b83c1acf", "c1d39ce8", "004ae714")
    for take in (0, 1)
]


def speech_commands(folder: Path) -> Path:
    root = folder / "speech_commands_v0.02"
    sounds(root, *COMMANDS, "_background_noise_/pink_noise.wav", "_background_noise_/running_tap.wav")
    write(root / "_background_noise_/README.md", "Background noise\n")
    for name, who in (("validation_list.txt", "b83c1acf"), ("testing_list.txt", "c1d39ce8")):
        write(root / name, "".join(f"{line}\n" for line in COMMANDS if who in line))
    return root


def yesno(folder: Path) -> Path:
    root = folder / "waves_yesno"
    write(root / "README", "Yes and no in Hebrew\n")
    return sounds(root, *("_".join(f"{number:08b}") + ".wav" for number in range(1, 250, 25)))


def libritts(folder: Path) -> Path:
    root = folder / "LibriTTS"
    write(root / "SPEAKERS.txt", ";ID  |SEX| SUBSET           |MINUTES| NAME\n")
    for subset, who, chapter in (
        *(("train-clean-100", "103", "1240"), ("train-other-500", "20", "205")),
        *(("dev-clean", "84", "121123"), ("test-other", "1688", "142285")),
    ):
        place = f"{subset}/{who}/{chapter}"
        write(root / place / f"{who}_{chapter}.trans.tsv", "")
        for line in range(3):
            name = f"{place}/{who}_{chapter}_00000{line}_000000"
            write(root / f"{name}.original.txt", f"Mr. {who} {line}")
            write(root / f"{name}.normalized.txt", f"Mister {who} {line}\n")
            sounds(root, f"{name}.wav")
    return root


def fsdd(folder: Path) -> Path:
    names = (f"{digit}_{who}_{take}.wav" for digit in "09" for who in ("theo", "lucas") for take in (0, 5, 10))
    sounds(folder / "free-spoken-digit-dataset", *(f"recordings/{name}" for name in names))
    return folder / "free-spoken-digit-dataset"


def metadata(folder: Path) -> Path:
    root, splits = folder / "voice", ("train", "train", "valid", "test")
    rows = "".join(f"flac/a{i}_t1.flac,ann,Line {i}.,a{i},{splits[i % 4]},{60 + i % 2},mf\n" for i in range(8))
    table(root, "path,speaker,text,prompt_id,split,label,velocity_layer\n" + rows)
    return sounds(root, *(f"flac/a{i}_t1.flac" for i in range(8)))


MAKERS: dict[str, Callable[[Path], Path]] = {
    "metadata": metadata,
    "ljspeech": ljspeech,
    "fsdd": fsdd,
    "vctk": vctk,
    "speech_commands": speech_commands,
    "yesno": yesno,
    "libritts": libritts,
}
