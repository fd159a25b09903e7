"""How fast a voice says text: a sentence from its text on, on one core, and the first sound of a fresh process."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from wavenet.audio import files
from wavenet.bench.case import Case
from wavenet.bench.speeds import Speed
from wavenet.errors import InputError
from wavenet.generate.say import Speaker, check_speaker
from wavenet.generate.voice import Voice
from wavenet.model import bundle
from wavenet.model.bundle import Arrays, Bundle
from wavenet.progress import log
from wavenet.recipe.records import Recipe
from wavenet.speech import SILENCE
from wavenet.speech.dictionary import PHONES

RECIPE = "kathleen-say"  # is measured untrained where no model or recipe is given
SENTENCE = "It is easy to tell the depth of a well."
PROCESSES = 3  # fresh ones; the first may wait for the disk
PHONE_SECONDS = 0.09  # of each phone that an untrained network says; 0.09 is usual in kathleen


@dataclass
class Saying(Case):
    """A voice that says a sentence, again and again."""

    speaker: Speaker | None = None
    first_sound: float | None = None  # seconds

    def round(self, seconds: float, kept: bool = True) -> None:
        """Say the sentence once, and again until about so much time has passed."""
        assert self.speaker is not None
        began, made = time.perf_counter(), 0
        while not made or time.perf_counter() - began < seconds:
            made += sum(len(wave) for wave in self.speaker.whole(self.speaker.pieces(SENTENCE)))
        if kept:
            self.rounds.append(made / (time.perf_counter() - began))

    def speed(self, operations: float | None, bytes_read: float | None, bits: float | None = None) -> Speed:
        """Return what was measured, with the time to the first sound; see `Case.speed`."""
        return replace(super().speed(operations, bytes_read, bits), first_sound=self.first_sound)


def untrained_voice(recipe: Recipe, arrays: Arrays) -> Voice:
    """Return a voice with random weights that knows as many phones of English as it has room for."""
    told = recipe.condition
    kinds = 0 if told is None or told.tracks.phones is None else told.tracks.phones.kinds
    names = [SILENCE, *PHONES][:kinds]
    lasting = dict.fromkeys(names, (PHONE_SECONDS, PHONE_SECONDS))
    known = {"fields": {name: [] for name in recipe.fields}, "durations": [], "phones": names, "phone_seconds": lasting}
    return Voice(recipe, arrays, {"told": known}, {})


def case(voice: Voice, trained: bool) -> Saying | None:
    """Return a voice that is ready to say a sentence on one core; None where it cannot, which is told.

    Args:
        voice: says it.
        trained: whether it predicts how long phones are; else each is as long as `untrained_voice` says.
    """
    try:
        check_speaker(voice.recipe)
        speaker = voice.speaker(seed=0, threads=1, varied=not trained)
        made = Saying("say", speaker.engine, 1, voice.sample_rate, 1, "phones", speaker.guidance, speaker=speaker)
        made.round(0.0, kept=False)
        made.first_sound = first_sound_of(voice, trained)
    except InputError as error:
        log.info("saying text is not measured: %s", error)
        return None
    return made


def first_sound_of(voice: Voice, trained: bool) -> float | None:
    """Return `first_sound` of a voice that says the sentence, the median of several; None where one cannot say it."""
    with tempfile.TemporaryDirectory(prefix="wavenet-") as folder:
        bundle.save(Path(folder), Bundle(voice.recipe, voice.arrays, voice.data, voice.training))
        words = (SENTENCE,) if trained else (SENTENCE, "--varied")
        found = [first_sound(Path(folder), voice, *words) for _ in range(PROCESSES)]
    seconds = [one for one in found if one is not None]
    return statistics.median(seconds) if seconds else None


def first_sound(folder: Path, voice: Voice, *words: str) -> float | None:
    """Return the seconds from the start of a fresh `wavenet say` to its first sample; None where it fails.

    Args:
        folder: the bundle of the voice.
        voice: what is in it.
        words: the text, and options.
    """
    command = [sys.executable, "-m", "wavenet", "say", str(folder), *words, "-o", "-", "--threads", "1", "-q"]
    place = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(place)}
    header = len(files.wav_header(voice.sample_rate, None, voice.bits, files.SOFTWARE))
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        got = len(process.stdout.read(header + voice.bits // 8))
        took = time.perf_counter() - began
        process.kill()
    return took if got == header + voice.bits // 8 else None
