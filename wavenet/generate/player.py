"""A player of sound for notebooks: HTML that holds the sound itself, as WAV."""

from __future__ import annotations

import base64
import html

from wavenet.audio import files
from wavenet.outputs import Floats

MOST_BYTES = 8 << 20  # of sound in one cell, which the notebook keeps: 4 minutes and more at 16 kHz
MOST_PLAYERS = 16


def players(samples: Floats, sample_rate: int, title: str) -> str:
    """Return HTML with a player for each of some sounds [N, T] in [-1, 1], as 16-bit WAV.

    Long sounds are cut and many left out, so that a notebook stays small; a line says so.
    """
    shown = samples[:MOST_PLAYERS]
    most = MOST_BYTES // 2 // max(1, len(shown))
    lines = [f"<div>{html.escape(title)}</div>"]
    for wave in shown[:, :most]:
        wav = files.wav_header(sample_rate, len(wave), 16, files.SOFTWARE) + files.wav_bytes(wave, 16)
        source = f"data:audio/wav;base64,{base64.b64encode(wav).decode('ascii')}"
        lines.append(f'<audio controls src="{source}"></audio>')
    left = _left_out(samples.shape, len(shown), most, sample_rate)
    return "\n".join([*lines, f"<div>{left}</div>"] if left else lines)


def _left_out(shape: tuple[int, ...], players: int, most: int, rate: int) -> str:
    """Return what is not to be heard of sounds [N, T]; empty where all is."""
    sounds, length = shape
    told = [f"{players} of {sounds:,} sounds"] if players < sounds else []
    told += [f"the first {most / rate:,.1f} of {length / rate:,.1f} s"] if most < length else []
    return f"{', '.join(told)} can be heard here; save() writes all of it" if told else ""
