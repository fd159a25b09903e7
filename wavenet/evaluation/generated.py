"""What a model's own sound is like: clips are drawn, set beside held-out ones, and looked for in the training sound."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from wavenet.audio.corpus import Corpus
from wavenet.audio.crops import Sound, pieces
from wavenet.audio.splits import Span
from wavenet.errors import InputError
from wavenet.evaluation.copies import Copies, copies
from wavenet.evaluation.health import Health, health
from wavenet.evaluation.mismatched import of_parts, within
from wavenet.generate.asked import follows
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition, Floats
from wavenet.progress import Progress, log
from wavenet.text import duration, joined, many, plain

LONGEST = 10.0  # seconds of a clip; longer files are cut
SHORTEST = 1.0  # seconds that they may be cut to, where there are few
FEW = 8  # clips: with fewer, held-out files are cut shorter
FEWEST_CODES = 32  # with fewer, what is recited differs from the recording by more than fresh takes do
AT_ONCE = 32  # clips drawn in one batch


@dataclass(frozen=True)
class Generated:
    """What clips that a model drew are like."""

    health: Health
    copies: Copies | None  # None where the training sound is not here
    seconds: float  # of all generated clips
    seed: int
    guidance: float  # how strongly the clips follow what they are told
    told: str | None  # what that is, in a sentence; None where the network is told nothing

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        parts = {"health": plain(self.health), "copies": plain(self.copies)}
        about = {"seconds": self.seconds, "seed": self.seed, "guidance": self.guidance, "told": self.told}
        return {"clips": self.health.generated, **about, **parts}

    def to_text(self) -> list[str]:
        """Return the tables and sentences, line by line."""
        drawn = f"{many(self.health.generated, 'clip')}, {duration(self.seconds)} in all, drawn with seed {self.seed}"
        title = f"{drawn}, beside {many(self.health.real, 'held-out clip')}"
        copied = [] if self.copies is None else ["", *self.copies.to_text()]
        told = [] if self.told is None else [self.told]
        return [title, *told, "", *self.health.to_text(), *copied]


def examine(
    voice: Voice,
    sound: Sound,
    held_out: Sequence[Span],
    trained: Corpus | None,
    clips: int = 20,
    seed: int = 0,
    condition: Condition | None = None,
) -> Generated:
    """Return what clips of a voice are like, as long as held-out ones, which are quantised as its own are.

    Args:
        voice: draws the clips.
        sound: at the voice's level and rate.
        held_out: the spans of the split that real clips come from; up to twice as many as are drawn, so that two lots
            of them are as many each.
        trained: the sound that it was trained on; None where that is not here: no copies are looked for.
        clips: how many to draw.
        seed: of the draws and of the yardstick.
        condition: what all clips of `sound` are told, of which generated ones are asked for the fields, or told all
            (`_told`).

    Raises:
        InputError: the number of clips or the seed is out of range, or there is no held-out sound.
    """
    if clips < 1:
        raise InputError(f"the number of clips to draw is {clips}, expected at least 1")
    rate = voice.sample_rate
    chosen = held_out_clips(held_out, 2 * clips, rate)
    if not chosen:
        raise InputError("there is no held-out sound to set generated clips beside; name another split or folder")
    hop = 1 if condition is None else condition.shape.hop
    models = [within(chosen[at * len(chosen) // clips], hop) for at in range(clips)]
    lengths = [part.last - part.first for part in models]
    told, words = (None, None) if condition is None else _told(voice, sound, condition, models)
    ours, theirs = draw_clips(voice, lengths, seed, told), quantised(voice, sound, chosen)
    fresh = theirs[:: max(1, len(theirs) // clips)][:clips]
    if voice.alphabet.size < FEWEST_CODES:
        log.info("copies are not looked for: %d classes are too coarse to tell them", voice.alphabet.size)
        trained = None
    found = None if trained is None else copies(ours, fresh, trained.sound, trained.spans["train"], rate)
    guidance = voice.guidance(None, told is not None)
    return Generated(health(ours, theirs, rate, seed), found, sum(lengths) / rate, seed, guidance, words)


def _told(voice: Voice, sound: Sound, condition: Condition, parts: Sequence[Span]) -> tuple[Condition | None, str]:
    """Return what clips like some parts of real sound are told, and that in a sentence.

    A voice that speaks when it is asked is judged on what `generate` makes: asked for the fields of a part, and as long
    as it with its tail. One that is told tracks which do not follow from that is judged on copies, told all of a part.
    """
    told = condition.shape.told
    fields, tracks = ([name for name, _ in known] for known in (told.fields, told.tracks))
    how = f"with guidance {voice.guidance(None, told=True):g}"
    if measured := [name for name in tracks if name not in follows(condition.shape)]:
        why = f"as nothing predicts {joined(measured)}"
        words = f"Each is a copy of a held-out clip: told its {joined([*fields, *tracks])} ({why}), {how}."
        return of_parts(condition, parts), words
    wanted = [voice.vocabulary().wanted(condition.fields[part.clip]) for part in parts]
    if not any(wanted):
        return None, "Each was made as `wavenet generate` makes it where nothing is asked for."
    whole = [part.last - part.first for part in sound.with_tails(parts)]
    names = joined([name for name in fields if any(name in one for one in wanted)])
    words = f"as `wavenet generate` makes it: asked for the {names} of a held-out clip, and as long as it"
    return voice.asked(voice.engine(), wanted, whole, 0).condition, f"Each was made {words}, {how}."


def draw_clips(
    voice: Voice,
    lengths: Sequence[int],
    seed: int = 0,
    condition: Condition | None = None,
    threads: int | None = None,
) -> list[Floats]:
    """Return a clip [T] float32 of each length; clip i is what `wavenet generate --seed SEED+i` makes of that length.

    Args:
        voice: draws them, at most AT_ONCE at a time.
        lengths: samples T of each.
        seed: of the first.
        condition: what the clips are told.
        threads: that are used at most; None takes as many as there are cores.

    Raises:
        InputError: the seed of a clip is out of range.
    """
    clips: list[Floats] = []
    with Progress("drawing clips", sum(lengths), "samples") as progress:
        for first in range(0, len(lengths), AT_ONCE):
            own = lengths[first : first + AT_ONCE]
            waves: list[list[Floats]] = [[np.zeros(0, np.float32)] for _ in own]
            told = None if condition is None else condition.of(range(first, first + len(own)))
            seeds = [seed + first + i for i in range(len(own))]
            sampler = voice.sampler(len(own), seeds, threads=threads, condition=told)
            for chunk in sampler.generate(own):
                for sequence, wave in zip(chunk.sequences.tolist(), chunk.wave, strict=True):
                    waves[sequence].append(wave)
                progress.advance(chunk.codes.size)
            clips += [np.concatenate(parts) for parts in waves]
    return clips


def quantised(voice: Voice, sound: Sound, parts: Sequence[Span]) -> list[Floats]:
    """Return some parts of real sound [T] as the voice would make them: of its codes."""
    alphabet = voice.alphabet
    return [alphabet.decode(alphabet.encode(sound.read(part.clip, part.first, part.last))) for part in parts]


def held_out_clips(spans: Sequence[Span], most: int, rate: int) -> list[Span]:
    """Return parts of some spans, spread evenly over them: whole, but where they are long, or few and long."""
    longest = LONGEST
    if len([*pieces(spans, round(longest * rate))]) < FEW:
        longest = min(LONGEST, max(SHORTEST, sum(span.last - span.first for span in spans) / rate / most))
    parts = [Span(clip, first, first + count) for clip, first, count in pieces(spans, round(longest * rate))]
    return [parts[at * len(parts) // most] for at in range(most)] if len(parts) > most else parts
