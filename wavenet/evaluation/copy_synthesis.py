"""Sound made again from the tracks of real sound: how far copies lie from it, and what is heard of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from wavenet.audio.corpus import Corpus
from wavenet.audio.splits import Span
from wavenet.evaluation.conditional_samples import Listener, Real
from wavenet.evaluation.distances import Copied, copied
from wavenet.evaluation.generated import draw_clips, held_out_clips, quantised
from wavenet.evaluation.mismatched import of_parts, within
from wavenet.evaluation.recognition import Recognition
from wavenet.generate.voice import Voice
from wavenet.outputs import Codes, Condition, Floats
from wavenet.text import duration, many, plain

COPIES = 20  # at most
LONGEST = 3.0  # seconds of one
SHOWN = 3  # that a picture has: the nearest, the middle one and the farthest

Row = Sequence[tuple[str, Floats]]  # sounds [T] that a picture has side by side, with their titles


@dataclass(frozen=True)
class Pair:
    """An original and its copy."""

    name: str  # of the file
    original: Floats  # [T] in [-1, 1]
    copy: Floats  # [T]
    mel: float  # dB, the distance between them

    @property
    def row(self) -> Row:
        """Both, with their titles."""
        return (f"{self.name}, the original", self.original), (f"its copy, {self.mel:.1f} dB of mel away", self.copy)


@dataclass(frozen=True)
class CopySynthesis:
    """What copies are like that are made of real sound's own tracks."""

    distances: Copied
    each: tuple[Pair, ...]
    fields: Codes  # [copies, n]
    seconds: float  # of all copies
    seed: int
    guidance: float  # how strongly they follow what they are told
    heard: Recognition | None = None  # of the fields' values; None where no recogniser listened

    @property
    def pairs(self) -> tuple[Pair, ...]:
        """The nearest, the middle one and the farthest."""
        ranked = sorted(self.each, key=lambda one: one.mel)
        return tuple(ranked[at * (len(ranked) - 1) // max(1, SHOWN - 1)] for at in range(min(SHOWN, len(ranked))))

    def heard_by(self, listener: Listener) -> CopySynthesis:
        """Return the same once a recogniser has listened."""
        real = Real([one.original for one in self.each], self.fields)
        return replace(self, heard=listener.heard([one.copy for one in self.each], self.fields, real))

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        about = {"seconds": self.seconds, "seed": self.seed, "guidance": self.guidance}
        return self.distances.to_json() | about | {"heard": plain(self.heard)}

    def to_text(self) -> list[str]:
        """Return tables and sentences, line by line."""
        made = f"{many(len(self.distances.own), 'held-out clip')}, {duration(self.seconds)} in all"
        how = f"seed {self.seed} and guidance {self.guidance:g}"
        lines = [f"{made}, made again from their own tracks with {how}", "", *self.distances.to_text()]
        return lines + ([] if self.heard is None else ["", *self.heard.to_text()])


def make_copies(
    voice: Voice,
    corpus: Corpus,
    spans: Sequence[Span],
    condition: Condition,
    seed: int = 0,
    threads: int | None = None,
) -> CopySynthesis:
    """Return what copies of held-out clips are like.

    Args:
        voice: makes them.
        corpus: the sound.
        spans: of the held-out clips.
        condition: what all clips of the corpus are told.
        seed: of the draws.
        threads: that are used at most; None takes as many as there are cores.
    """
    rate, hop = voice.sample_rate, condition.shape.hop
    parts = [within(span, hop, round(LONGEST * rate)) for span in held_out_clips(spans, COPIES, rate)]
    originals = quantised(voice, corpus.sound, parts)
    lengths = [one.last - one.first for one in parts]
    copies = draw_clips(voice, lengths, seed, condition=of_parts(condition, parts), threads=threads)
    found = copied(originals, copies, rate)
    clips = [one.clip for one in parts]
    names, mels = [corpus.clips[clip].name for clip in clips], [one.mel for one in found.own]
    each = tuple(Pair(*one) for one in zip(names, originals, copies, mels, strict=True))
    guidance = voice.guidance(None, told=True)
    return CopySynthesis(found, each, condition.fields[clips], sum(lengths) / rate, seed, guidance)
