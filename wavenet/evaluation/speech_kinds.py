"""Clips of several kinds that say the same sentences, from real speech to noise: what judges of speech compare."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from wavenet.evaluation.generated import draw_clips, quantised
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.held_out_sentences import Sentence
from wavenet.evaluation.mismatched import Telling, condition_of, following
from wavenet.evaluation.understood import Clips
from wavenet.generate.asked import Wanted
from wavenet.generate.packed import Packed
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition, Floats
from wavenet.progress import Progress

REAL, QUANTISED, COPIES, LENGTHS = "real", "quantised", "copies of mels", "real lengths"
TEXT, ANOTHER, NOISE = "text alone", "the next text", "noise"
KINDS = (REAL, QUANTISED, COPIES, LENGTHS, TEXT, ANOTHER, NOISE)
ENVELOPE_SECONDS = 0.02  # over which the loudness of noise follows that of speech


@dataclass(frozen=True)
class Kinds:
    """Clips of each kind, sentence by sentence, and how fast text was said."""

    waves: dict[str, list[Floats]]  # [T] each, in the order of KINDS
    seconds: float  # of sound that text alone was said in
    wall: float  # seconds that it took

    def clips(self) -> dict[str, Clips]:
        """Return the clips of each kind, with the sentence that each should say."""
        return {kind: Clips(waves, range(len(waves))) for kind, waves in self.waves.items()}


def kinds_of(
    voice: Voice,
    held: HeldOut,
    condition: Condition,
    own: Sequence[Sentence],
    seed: int = 0,
    threads: int | None = None,
) -> Kinds:
    """Return clips of each kind; clip i of what is drawn has the seed `seed + i`.

    Args:
        voice: which speaks.
        held: the recordings of the sentences.
        condition: what all clips of that sound are told.
        own: the sentences.
        seed: of the first clip.
        threads: that are used at most; None takes as many as there are cores.

    Raises:
        InputError: the seed is out of range, or the voice predicts no lengths of phones.
    """
    sound, parts, clips = held.corpus.sound, [one.span for one in own], [one.span.clip for one in own]
    real = [sound.read(part.clip, part.first, part.last) for part in parts]
    waves = {REAL: real, QUANTISED: quantised(voice, sound, parts)}
    lengths = [sound.lengths[clip] + sound.tail for clip in clips]
    if "mel" in (name for name, _ in condition.shape.told.tracks):
        waves[COPIES] = draw_clips(voice, lengths, seed, condition.of(clips), threads)
    told = of_real_lengths(voice.engine(threads=threads).packed, condition, clips)
    waves[LENGTHS] = draw_clips(voice, lengths, seed, told, threads)
    wanted = [voice.vocabulary().wanted(condition.fields[clip]) for clip in clips]
    waves[TEXT], wall = said(voice, [one.text for one in own], wanted, seed, threads)
    waves[ANOTHER] = [*waves[TEXT][1:], waves[TEXT][0]]
    waves[NOISE] = [noise_like(wave, voice.sample_rate, seed + at) for at, wave in enumerate(real)]
    return Kinds(waves, sum(map(len, waves[TEXT])) / voice.sample_rate, wall)


def of_real_lengths(packed: Packed, condition: Condition, clips: Sequence[int]) -> Condition:
    """Return what clips are told of which phones, lengths and F0 are those of the recordings, and the mel is predicted.

    Args:
        packed: the network, which predicts.
        condition: what all clips are told.
        clips: which of them.
    """
    tracks = condition.tracks
    assert tracks is not None
    hidden = np.zeros(len(condition.shape.told.tracks), bool)
    told = [Telling(condition.fields[one], hidden, tracks, one, frames=tracks.frames(one)) for one in clips]
    return condition_of(condition.shape, [following(packed, one, measured=("f0",)) for one in told])


def said(
    voice: Voice, texts: Sequence[str], wanted: Sequence[Wanted], seed: int, threads: int | None = None
) -> tuple[list[Floats], float]:
    """Return each text as `wavenet say --seed SEED+i` says it, [T] float32, and how many seconds that took.

    Args:
        voice: which speaks.
        texts: what it says.
        wanted: the values of fields of each.
        seed: of the first text.
        threads: that are used at most.
    """
    waves, groups, wall = [list[Floats]() for _ in texts], dict[tuple[tuple[str, object], ...], list[int]](), 0.0
    for at, one in enumerate(wanted):
        groups.setdefault(tuple(one.items()), []).append(at)
    with Progress("saying sentences", len(texts), "sentences") as progress:
        for fields, alike in groups.items():
            speaker = voice.speaker(seed=seed, condition=dict(fields), threads=threads)
            began = time.monotonic()
            found = [(at, piece) for at in alike for piece in speaker.pieces(texts[at])]
            pieces = [replace(piece, number=at + piece.number) for at, piece in found]
            for (at, _), wave in zip(found, speaker.whole(pieces), strict=True):
                progress.advance(int(not waves[at]))
                waves[at].append(wave)
            wall += time.monotonic() - began
    return [np.concatenate(parts) for parts in waves], wall


def noise_like(wave: Floats, rate: int, seed: int) -> Floats:
    """Return noise [T] that is as loud as a wave [T] at all times, but says nothing.

    Args:
        wave: what it is like.
        rate: of it, in Hz.
        seed: of the noise.
    """
    window = max(1, min(len(wave), round(ENVELOPE_SECONDS * rate)))
    power = np.convolve(np.square(wave, dtype=np.float64), np.full(window, 1 / window), "same")
    noise = np.random.default_rng(seed).standard_normal(len(wave))
    return np.asarray(np.sqrt(power) * noise, np.float32)
