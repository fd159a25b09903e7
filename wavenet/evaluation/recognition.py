"""Recognition rates: of generated clips, the share in which what was asked for is what a recogniser names.

Beside it stand the same of held-out real clips, more than which cannot be expected, and of chance: what would be right
if what was named had nothing to do with what was asked for.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError
from wavenet.evaluation.intervals import Share, percent
from wavenet.evaluation.recogniser import Ids, Recogniser
from wavenet.features.notes import A4_HZ, A4_NOTE
from wavenet.outputs import Floats
from wavenet.text import many, plain, printable, table

WORST = 3  # mistakes of a field that the text has
NEAR_SEMITONES = 0.5


@dataclass(frozen=True)
class Mistake:
    """One value that was heard as another."""

    asked: str
    heard: str
    clips: int  # so often
    of: int  # clips that it was asked for in


@dataclass(frozen=True)
class FieldRecognition:
    """How often one field is heard right."""

    field: str
    generated: Share
    real: Share | None  # of held-out clips
    chance: float  # the share that would be right if clips were named in another order
    mistakes: tuple[Mistake, ...]  # in generated clips, the commonest first


@dataclass(frozen=True)
class Recognition:
    """What a recogniser hears of what was asked for."""

    fields: tuple[FieldRecognition, ...]
    together: FieldRecognition | None  # all fields of a clip right; None where there is one field

    @property
    def rows(self) -> tuple[FieldRecognition, ...]:
        """Each field, and all together."""
        return (*self.fields, *([] if self.together is None else [self.together]))

    @property
    def conclusion(self) -> str:
        """One closing sentence."""
        asked = [one for one in self.fields if one.generated.clips]
        if not asked:
            return "Nothing was asked for."
        if by_chance := [one.field for one in asked if one.generated.low <= one.chance]:
            return f"Heard no more often than by chance: {', '.join(by_chance)}."
        beside = [one for one in asked if one.real is not None]
        if behind := [one.field for one in beside if one.real is not None and one.generated.high < one.real.low]:
            return f"Heard less often than in real sound: {', '.join(behind)}."
        if beside:
            return "All that was asked for is heard as often as in real sound, as far as so many clips can tell."
        return "All that was asked for is heard more often than by chance."

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {"fields": [_plain(one) for one in self.rows], "conclusion": self.conclusion}

    def to_text(self) -> list[str]:
        """Return a table, the commonest mistakes and the closing sentence, line by line."""
        rows: list[list[str | float | None]] = [
            ["heard right", "clips", "generated", "95 % interval", "real", "chance"]
        ]
        for one in self.rows:
            real = None if one.real is None else percent(one.real.share)
            ours = (one.generated.clips, percent(one.generated.share), one.generated.interval)
            rows.append([one.field, *ours, real, percent(one.chance)])
        worst = [f"{one.field}: {_in_words(one.mistakes)}" for one in self.fields if one.mistakes]
        return [*table(rows), *worst, self.conclusion]


Named = tuple[Ids, Ids]  # [clips, fields] int64 both: what clips were asked for, or are, and what they are named


def recognised(
    recogniser: Recogniser, generated: tuple[Sequence[Floats], Ids], real: tuple[Sequence[Floats], Ids] | None = None
) -> Recognition:
    """Return how often what was asked for is what a recogniser names.

    Args:
        recogniser: trained without the real clips, and not on generated ones.
        generated: waves [T] float32 in [-1, 1], of any lengths; and the ids [clips, fields] int64 of what each was
            asked for, beyond all values where nothing was.
        real: held-out clips, prepared and quantised as generated ones are, and what they are; None: there are none.

    Raises:
        InputError: the number of ids is another than that of clips, or a clip is empty or not finite.
    """
    return compared(
        recogniser.values, _named(recogniser, *generated), None if real is None else _named(recogniser, *real)
    )


def _named(recogniser: Recogniser, waves: Sequence[Floats], ids: Ids) -> Named:
    """Return the ids of some clips, and of what they are named."""
    if ids.shape != (len(waves), len(recogniser.values)) or not len(waves):
        raise InputError(
            f"ids have shape {list(ids.shape)} for {many(len(waves), 'clip')}, expected "
            f"[{len(waves)}, {len(recogniser.values)}] and at least one clip; give an id for each field of each"
        )
    return ids, recogniser.names(waves)


def compared(values: Mapping[str, Sequence[str]], generated: Named, real: Named | None = None) -> Recognition:
    """Return how often what was asked for is what was named, whoever or whatever named it.

    Args:
        values: each field with the names of its values, by their ids.
        generated: of generated clips.
        real: of real ones.
    """
    sizes = np.array([len(names) for names in values.values()])

    def row(field: str, columns: Sequence[int], names: Sequence[str] = ()) -> FieldRecognition:
        asked, named = _of_columns(generated, columns, sizes)
        theirs = None if real is None else _share(*_of_columns(real, columns, sizes))
        mistakes = _mistakes(names, asked[:, 0], named[:, 0]) if names else ()
        return FieldRecognition(field, _share(asked, named), theirs, _chance(asked, named), mistakes)

    fields = tuple(row(field, [column], names) for column, (field, names) in enumerate(values.items()))
    return Recognition(fields, row("all of it", range(len(fields))) if len(fields) > 1 else None)


def share_within(f0_hz: Sequence[Floats], asked_midi: Floats | Sequence[float]) -> Share:
    """Return in how many clips the pitch lies near the note that was asked for.

    A clip's pitch is the median of its voiced frames; a clip without any has the wrong one.

    Args:
        f0_hz: of each clip the fundamental frequency of its frames, [F] in Hz, or of the whole; 0 or NaN: no pitch.
        asked_midi: of each clip the note that was asked for, as a MIDI number: 69 is 440 Hz.
    """
    asked = np.asarray(asked_midi, np.float64)
    if len(asked) != len(f0_hz):
        raise InputError(
            f"there are {many(len(asked), 'note')} for {many(len(f0_hz), 'clip')}; give each clip the note asked for"
        )
    off = [semitones_off(one, float(note)) for one, note in zip(f0_hz, asked, strict=True)]
    return Share(sum(abs(one) <= NEAR_SEMITONES for one in off), len(off))


def semitones_off(f0_hz: Floats, asked_midi: float) -> float:
    """Return how far the median of some frames' pitches lies above a MIDI note, in semitones; NaN without a pitch."""
    frames = np.atleast_1d(np.asarray(f0_hz, np.float64))
    voiced = frames[np.isfinite(frames) & (frames > 0)]
    if not len(voiced):
        return float("nan")
    return float(A4_NOTE + 12 * np.log2(np.median(voiced) / A4_HZ) - asked_midi)


# --- one field -------------------------------------------------------------------------------------------------------


def _of_columns(clips: Named, columns: Sequence[int], sizes: NDArray[np.int64]) -> Named:
    """Return some fields of the clips in which any of them was asked for; what was not is taken to be heard."""
    asked, named = (ids[:, columns] for ids in clips)
    nothing = asked >= sizes[columns]
    some = ~nothing.all(axis=1)
    return asked[some], np.where(nothing, asked, named)[some]


def _share(asked: Ids, named: Ids) -> Share:
    return Share(int((asked == named).all(axis=1).sum()), len(asked))


def _chance(asked: Ids, named: Ids) -> float:
    """Return the mean share that is right when what was named is dealt to the clips anew (Cohen 1960)."""
    if not len(asked):
        return 0.0
    right = sum(float((asked == row).all(axis=1).mean()) for row in named)
    return right / len(named)


def _mistakes(names: Sequence[str], asked: NDArray[np.int64], named: NDArray[np.int64]) -> tuple[Mistake, ...]:
    of = Counter(asked.tolist())
    found = Counter(pair for pair in zip(asked.tolist(), named.tolist(), strict=True) if pair[0] != pair[1])
    ranked = sorted(found.items(), key=lambda one: (-one[1], one[0]))
    return tuple(Mistake(names[one], names[other], count, of[one]) for (one, other), count in ranked)


def _plain(one: FieldRecognition) -> dict[str, Any]:
    about = {"chance": one.chance, "real": plain(one.real), "mistakes": plain(one.mistakes)}
    return {"field": one.field, **one.generated.to_json(), **about}


def _in_words(mistakes: Sequence[Mistake]) -> str:
    words = [
        f"{printable(one.asked)} is heard as {printable(one.heard)} in {one.clips} of {one.of}"
        for one in mistakes[:WORST]
    ]
    return ", ".join(words)
