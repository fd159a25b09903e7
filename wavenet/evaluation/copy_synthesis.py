"""Sound made again from the tracks of real sound: how far copies lie from it, and what is heard of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from wavenet.audio.corpus import Corpus
from wavenet.audio.splits import Span
from wavenet.evaluation.asked_for import Listener, Real
from wavenet.evaluation.distances import Copied, copied
from wavenet.evaluation.generated import draw_clips, held_out_clips, quantised
from wavenet.evaluation.heard import Heard
from wavenet.evaluation.tellings import of_parts, within
from wavenet.generate.voice import Voice
from wavenet.outputs import Condition, Floats
from wavenet.text import duration, many, plain

COPIES = 20  # at most
LONGEST = 3.0  # seconds of one
SHOWN = 3  # that a picture has: the nearest, the middle one and the farthest


@dataclass(frozen=True)
class Pair:
    """An original and its copy."""

    name: str  # of the file
    original: Floats  # [T] in [-1, 1]
    copy: Floats  # [T]
    mel: float  # dB, the distance between them


@dataclass(frozen=True)
class CopySynthesis:
    """What copies are like that are made of real sound's own tracks."""

    distances: Copied
    heard: Heard | None  # of the fields' values; None where there is no recogniser
    pairs: tuple[Pair, ...]  # the nearest, the middle one and the farthest
    seconds: float  # of all copies
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return self.distances.to_json() | {"seconds": self.seconds, "seed": self.seed, "heard": plain(self.heard)}

    def to_text(self) -> list[str]:
        """Return tables and sentences, line by line."""
        made = f"{many(len(self.distances.own), 'held-out clip')}, {duration(self.seconds)} in all"
        lines = [f"{made}, made again from their own tracks with seed {self.seed}", "", *self.distances.to_text()]
        return lines + ([] if self.heard is None else ["", *self.heard.to_text()])


def make_copies(
    voice: Voice,
    corpus: Corpus,
    spans: Sequence[Span],
    condition: Condition,
    listener: Listener | None,
    seed: int = 0,
    threads: int | None = None,
) -> CopySynthesis:
    """Return what copies of held-out clips are like.

    Args:
        voice: makes them.
        corpus: the sound.
        spans: of the held-out clips.
        condition: what all clips of the corpus are told.
        listener: names what is heard; None: nothing is.
        seed: of the draws.
        threads: that are used at most; None takes as many as there are cores.
    """
    rate, hop = voice.sample_rate, condition.shape.hop
    parts = [within(span, hop, round(LONGEST * rate)) for span in held_out_clips(spans, COPIES, rate)]
    originals = quantised(voice, corpus.sound, parts)
    lengths = [one.last - one.first for one in parts]
    copies = draw_clips(voice, lengths, seed, condition=of_parts(condition, parts), threads=threads)
    found = copied(originals, copies, rate)
    ranked = sorted(range(len(parts)), key=lambda index: found.own[index].mel)
    shown = [ranked[at * (len(ranked) - 1) // max(1, SHOWN - 1)] for at in range(min(SHOWN, len(ranked)))]
    names = [corpus.clips[one.clip].name for one in parts]
    pairs = tuple(Pair(names[i], originals[i], copies[i], found.own[i].mel) for i in shown)
    ids = condition.fields[[one.clip for one in parts]]
    heard = None if listener is None else listener.heard(copies, ids, Real(originals, ids))
    return CopySynthesis(found, heard, pairs, sum(lengths) / rate, seed)
