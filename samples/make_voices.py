"""Makes samples/voices: what the voices that ship say with seed 0, one known fault, and real sound beside generated.

Takes the folder of their held-out recordings, of which the pictures alone are kept: it holds `digits`, `kathleen` and
`piano`, each with a `metadata.csv`, which has the column `split`::

    python samples/make_voices.py RECORDINGS
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from wavenet import cli, pictures
from wavenet.audio import crops, files, folders
from wavenet.audio.layouts import Clip
from wavenet.generate import voice as voices
from wavenet.generate.demo import PIECES
from wavenet.generate.sound import Sound
from wavenet.generate.voice import Voice
from wavenet.recipe import find

HERE = Path(__file__).parent / "voices"
SEED = 0  # the first, whatever it sounds like
LONGEST = 3.0  # seconds of a sound in a picture
FAULT = "wavenet say kathleen 'I like to read books.'"  # without -o and --seed
WHY = "a known fault: words that are written alike are said in one way, such as *read*, here as if it were *red*"


def spoken(voice: Voice, clip: Clip) -> Sound | None:
    """Return the sentence of a recording, as a voice says it from text alone."""
    return None if clip.text is None else voice.say(clip.text, seed=SEED)


def asked(voice: Voice, clip: Clip) -> Sound | None:
    """Return a sound that is asked for as a recording is called; None where the voice does not know that."""
    told = {"speaker": clip.speaker, "label": clip.label, "pitch": clip.label, **dict(clip.columns)}
    told["velocity"] = told.get("velocity_layer")
    wanted = {name: str(told.get(name)) for name in voice.fields}
    if any(wanted[name] not in known for name, known in voice.fields.items()):
        return None
    return voice.generate(condition=wanted, seed=SEED)


BESIDE: dict[str, Callable[[Voice, Clip], Sound | None]] = {"kathleen": spoken, "digits": asked, "piano": asked}


def beside(name: str, recordings: Path) -> tuple[str, list[tuple[str, np.ndarray]], int]:
    """Return which recording it is, it and what a voice makes of the same request, [T] each, and their rate.

    The recording is the first held-out one that the voice knows how to be asked for.
    """
    voice = voices.load(find.voice_folder() / name)
    for clip in folders.open_folder(recordings / name, asked=("velocity_layer",)).clips:
        made = BESIDE[name](voice, clip) if clip.split == "test" else None
        if made is not None:
            real = files.read(clip.path, voice.sample_rate)
            level = crops.gain(voice.recipe.data.level, float(np.sqrt(np.mean(real**2))), float(np.abs(real).max()))
            most = round(LONGEST * voice.sample_rate)
            rows = [("recorded, held out", real[:most] * np.float32(level)), ("generated", made.samples[0][:most])]
            return clip.name, rows, voice.sample_rate
    raise SystemExit(f"{recordings / name} has no held-out recording that {name} can be asked for")


def written(words: list[str], into: Path) -> None:
    """Run a command of the program, whose sounds are then kept as FLAC."""
    with tempfile.TemporaryDirectory() as folder:
        place = folder if words[0] == "demo" else f"{folder}/fault.wav"
        if cli.main([*words, "-o", place, "--seed", str(SEED), "-q"]) != 0:
            raise SystemExit(f"wavenet {shlex.join(words)} failed")
        for path in sorted(Path(folder).glob("*.wav")):
            with files.Reader(path) as reader:
                rate = reader.sample_rate
            files.write(into / f"{path.stem}.flac", files.read(path, rate), rate, 16, files.SOFTWARE)


def rows_of(into: Path, shown: dict[str, str]) -> Iterator[str]:
    """Yield the lines of a table of what is there."""
    yield "| file | made by | voice | licence |"
    yield "|---|---|---|---|"
    commands = {one.voice: (f"wavenet demo --seed {SEED}", one.voice) for one in PIECES}
    commands["fault"] = (f"{FAULT} --seed {SEED}", shlex.split(FAULT)[2])
    for path in sorted(into.glob("*.flac")):
        command, name = commands[path.stem]
        folder = find.voice_folder() / name
        licence = voices.load(folder).data["licence"]
        digest = json.loads((folder / "config.json").read_text(encoding="utf-8"))["sha256"][:12]
        yield f"| `{path.name}` | `{command}` | `{name}`, weights {digest} | {licence} |"
    for name, clip in shown.items():
        yield f"| `{name}.png` | `make_voices.py`: `{clip}`, held out, beside what `{name}` makes of its request | | |"


def main(recordings: Path, into: Path = HERE) -> None:
    """Write all files."""
    names, shown = find.voice_names(), {}
    written(["demo"], into)
    written(shlex.split(FAULT)[1:], into)
    for name in (one.voice for one in PIECES if one.voice in names):
        shown[name], rows, rate = beside(name, recordings)
        pictures.beside_picture(into / f"{name}.png", [rows], rate)
    told = "\n".join(rows_of(into, shown))
    text = f"""# What the voices that ship sound like

Generated with seed {SEED} and default settings, not picked, by `python samples/make_voices.py RECORDINGS`, which makes
all of it again. The voices are trained on recordings of these licences (`wavenet voices NAME`); the pictures show
recordings that they were not trained on, which are not here. `fault.flac` shows
{WHY}.

{told}
"""
    (into / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recordings", type=Path)
    main(parser.parse_args().recordings)
