"""`wavenet demo`: the voices that ship are heard at once."""

from __future__ import annotations

import argparse
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from wavenet import disk
from wavenet.cli.draws import speed_of
from wavenet.cli.results import check_target, path_of, show
from wavenet.errors import STOPS, InputError
from wavenet.progress import log

if TYPE_CHECKING:
    from wavenet.generate.voice import Voice
    from wavenet.outputs import Floats

PLAYERS = ("afplay", "aplay", "paplay")  # of macOS, of ALSA and of PulseAudio, as far as one is there
EXTRA = "pip install 'wavenet-audio[speech]'"  # reads text
NEXT = 3  # commands to try, at most


def demo(arguments: argparse.Namespace) -> int:
    """Write what each voice that ships is heard by, with its spectrogram, and say what to try next."""
    from wavenet.generate import voice as voices
    from wavenet.generate.demo import PIECES
    from wavenet.recipe import find

    folder, there = path_of(arguments.output, "-o") or Path("demo"), find.voice_names()
    seed = voices.draw_seed(arguments.seed)
    pieces = [one for one in PIECES if one.voice in there]
    if not pieces:
        raise InputError("this installation has none of the voices that ship; install wavenet-audio again")
    for one in pieces:
        for suffix in (".wav", ".png"):
            check_target(folder / f"{one.voice}{suffix}", "-o", (suffix,), arguments.force)
    for name in (one.voice for one in PIECES if one.voice not in there):
        log.warning("%s is left out: this installation has no voice of that name", name)
    spoken = {}
    for one in pieces:
        voice = spoken[one.voice] = voices.load(find.voice_folder() / one.voice)
        for warning in voice.warnings():
            log.warning("%s: %s", one.voice, warning)
        told, sound = one.made(voice, seed)
        if not sound.complete:
            raise STOPS[str(sound.stopped_by)]
        path = folder / f"{one.voice}.wav"
        sound.save(path, force=arguments.force)
        show(f"{path}: {told}; {speed_of(sound.lengths, sound.sample_rate, sound.wall)}")
        for warning in sound.warnings():
            log.warning("%s: %s", path, warning)
        _draw(path.with_suffix(".png"), sound.samples[0], sound.sample_rate, f"{one.voice}, seed {seed}")
    _close(folder, spoken)
    return 0


def _draw(path: Path, wave: Floats, sample_rate: int, title: str) -> None:
    from wavenet import pictures

    with disk.explained(path, "free space or name another folder"):
        pictures.spectrogram(path, wave, sample_rate, title)
    show(f"{path}: its spectrogram")


def _close(folder: Path, spoken: dict[str, Voice]) -> None:
    """Say whose sounds these are, how they can be heard, and what to try next."""
    for name, voice in spoken.items():
        show(f"voice {name}: {voice.data.get('licence', 'licence not stated')}; `wavenet voices {name}` tells more")
    player = next(filter(shutil.which, PLAYERS), None)
    if player is not None:
        show(f"to hear one: {player} {shlex.quote(str(folder / f'{next(iter(spoken))}.wav'))}")
    show("to try next:")
    for line in next_commands(spoken):
        show(f"  {line}")


def next_commands(spoken: dict[str, Voice]) -> Sequence[str]:
    """Return commands that these voices can be asked by, and some for whoever has fewer of them."""
    known = {
        name: {field: values[len(values) // 2] for field, values in voice.fields.items()}
        for name, voice in spoken.items()
    }
    asked = {
        "kathleen": f'wavenet say kathleen "Your own words." -o words.wav    # needs {EXTRA}',
        "digits": "wavenet generate digits --speaker {speaker} --label {label} -o digit.wav",
        "piano": "wavenet generate piano --condition pitch={pitch} -o note.wav",
    }
    told = [line.format(**known[name]) for name, line in asked.items() if name in known]
    return [*told, "wavenet train quickstart", "wavenet inspect quickstart"][:NEXT]
