"""Generated sound: files, warnings, and players for notebooks, which are HTML that holds the sound itself as WAV."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from wavenet import disk
from wavenet.audio import files
from wavenet.errors import InputError
from wavenet.outputs import Floats
from wavenet.text import many, some

SILENT_RMS = 10 ** (-60 / 20)  # below it a sound counts as silent
LOUD = 0.98  # a sample beyond this magnitude lies at full scale
LOUD_SHARE = 0.05  # with more of them than this, the sound is mostly noise
MOST_BYTES = 8 << 20  # of sound in one cell, which the notebook keeps: 4 minutes and more at 16 kHz
MOST_PLAYERS = 16
MOST_SHOWN = 8  # candidates or troubles that are told one by one


class Trouble(NamedTuple):
    """What no real sound does for so long."""

    name: str  # such as silence
    first: int  # the step of `watch.py` at which it began
    seconds: float  # the same, from the beginning of the sound

    def __str__(self) -> str:
        return f"{self.name} at {self.seconds:.2f} s"


@dataclass(frozen=True)
class Choice:
    """What was kept of the candidates for one sound."""

    sequence: int  # of the seed
    bits: float  # per sample at temperature 1
    candidates: tuple[float, ...]  # bits per sample of all, in the order of their sequences
    aim: float  # bits per sample of the middle one of real held-out clips
    redrawn: tuple[Trouble, ...]  # what was taken back and drawn again
    left: tuple[Trouble, ...]  # what came again and again, so that it was left as it is

    def __str__(self) -> str:
        told = f"sequence {self.sequence}: {self.bits:.3f} bits/sample"
        if len(self.candidates) > 1:
            told += f", of {some([f'{bits:.3f}' for bits in self.candidates], MOST_SHOWN)}"
        told += f"; real sound of this voice: about {self.aim:.3f}"
        redrawn, left = (some(list(map(str, troubles)), MOST_SHOWN) for troubles in (self.redrawn, self.left))
        times = "once" if len(self.redrawn) == 1 else f"{len(self.redrawn)} times"
        told += f"; parts drawn again {times}: {redrawn}" if redrawn else ""
        return told + (f"; left as it is: {left}" if left else "")


class Drawn(NamedTuple):
    """Some sounds, as a sampler drew them."""

    waves: list[Floats]  # [T] of each
    wall: float  # seconds that it took
    stopped_by: str | None  # the signal that cut them short
    choices: tuple[Choice, ...] = ()  # what was kept for each, where the best of several was


@dataclass(frozen=True)
class Sound:
    """Generated sound."""

    # [N, T] float32 in [-1, 1], zeros behind the end of a sound that is shorter than others; what pre-emphasis or the
    # level of an original brings beyond is clipped where it is written
    samples: Floats
    sample_rate: int  # Hz
    bits: int  # of PCM that keep every code apart, without pre-emphasis: 16, or 24 for more than 512 classes
    seed: int  # what it was drawn with
    storage: str = "float32"  # how the sampler kept its weights, float32 or float16
    # where it was verified: the largest difference of log-probabilities between sampler and training graph, in nats,
    # both with weights as they are after storage
    difference: float | None = None
    wall: float = 0.0  # seconds that drawing the samples took, verification apart
    stopped_by: str | None = None  # the signal that left it shorter than asked for: SIGINT, SIGTERM or SIGHUP
    ends: tuple[int, ...] | None = None  # samples of each sound where they are not all T
    choices: tuple[Choice, ...] = ()  # what was kept for each sound, where the best of several was

    def __repr__(self) -> str:
        left = "" if self.complete else f", stopped by {self.stopped_by}"
        lasting = seconds(self.lengths, self.sample_rate)
        return f"<Sound {len(self.samples)} x {lasting} at {self.sample_rate:,} Hz, seed {self.seed}{left}>"

    @property
    def lengths(self) -> tuple[int, ...]:
        """Samples of each sound."""
        return (self.samples.shape[1],) * len(self.samples) if self.ends is None else self.ends

    def waves(self) -> list[Floats]:
        """Return each sound, [T] float32 of its own length."""
        return [wave[:length] for wave, length in zip(self.samples, self.lengths, strict=True)]

    def _repr_html_(self) -> str:
        """Return what a notebook shows: a player for each sequence, as 16-bit WAV.

        Long sounds are cut and many left out, so that a notebook stays small; a line says so.
        """
        sounds, length = self.samples.shape
        shown = self.waves()[:MOST_PLAYERS]
        most = MOST_BYTES // 2 // max(1, len(shown))
        lines = [f"<div>{html.escape(repr(self))}</div>"]
        for whole in shown:
            wave = whole[:most]
            wav = files.wav_header(self.sample_rate, len(wave), 16, files.SOFTWARE) + files.wav_bytes(wave, 16)
            source = f"data:audio/wav;base64,{base64.b64encode(wav).decode('ascii')}"
            lines.append(f'<audio controls src="{source}"></audio>')
        cut = [f"{len(shown)} of {sounds:,} sounds"] if len(shown) < sounds else []
        if most < length:
            cut.append(f"the first {most / self.sample_rate:,.1f} of {length / self.sample_rate:,.1f} s")
        if cut:
            lines.append(f"<div>{', '.join(cut)} can be heard here; save() writes all of it</div>")
        return "\n".join(lines)

    @property
    def complete(self) -> bool:
        """Whether all samples asked for are there."""
        return self.stopped_by is None

    def save(self, path: str | Path | Sequence[str | Path], *, force: bool = False) -> list[Path]:
        """Write WAV or FLAC files, whole or not at all, and return their paths.

        One sequence is written to `path`, more to NAME-0.wav, NAME-1.wav...

        Args:
            path: of the file; ``~`` is the home folder. Or one for each sequence.
            force: overwrite what is there.

        Raises:
            InputError: a file is there already, no sound can be written under this name, or there are names for
                another number of sounds.
            WavenetError: a file cannot be written.
        """
        if isinstance(path, str | Path):
            paths = numbered(disk.given_path(str(path)), len(self.samples))
        else:
            paths = [disk.given_path(str(one)) for one in path]
        if len(paths) != len(self.samples):
            raise InputError(f"got {many(len(paths), 'name')} for {many(len(self.samples), 'sound')}; give as many")
        for target in paths:  # all of them before the first is written
            disk.check_free(target, "", force, "force=True")
        for target, wave in zip(paths, self.waves(), strict=True):
            with disk.explained(target, "free space or name another file"):
                files.write(target, wave, self.sample_rate, self.bits, files.SOFTWARE)
        return paths

    def warnings(self) -> list[str]:
        """Return what is suspicious about the sound: silence, or samples at full scale."""
        found = []
        for index, wave in enumerate(self.waves()):
            name = f"sequence {index}" if len(self.samples) > 1 else "the sound"
            if not len(wave):
                continue
            if np.sqrt(np.mean(wave.astype(np.float64) ** 2)) < SILENT_RMS:
                found.append(f"{name} is silent (below -60 dBFS); train longer, or try another seed or temperature")
            elif np.mean(np.abs(wave) > LOUD) > LOUD_SHARE:
                found.append(f"over 5 % of {name} lies at full scale; lower the temperature")
        return found


def seconds(lengths: Sequence[int], sample_rate: int) -> str:
    """Return how long some sounds are: ``"3.00 s"``, or ``"0.41 to 1.20 s"``."""
    shortest, longest = (f"{edge(lengths, default=0) / sample_rate:.2f}" for edge in (min, max))
    return f"{longest} s" if shortest == longest else f"{shortest} to {longest} s"


def numbered(path: Path, count: int) -> list[Path]:
    """Return `path` itself for one sequence, else NAME-0.wav, NAME-1.wav..."""
    return [path] if count == 1 else [path.with_name(f"{path.stem}-{i}{path.suffix}") for i in range(count)]
