"""What is said in a folder of recordings, phone by phone, and of which of them that is not known and why."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from wavenet import disk
from wavenet.audio import cache, folders
from wavenet.audio.cache import Cache
from wavenet.audio.folders import Source
from wavenet.audio.layouts import Clip
from wavenet.errors import InputError
from wavenet.outputs import Floats
from wavenet.recipe import find, read
from wavenet.recipe.records import Recipe
from wavenet.speech import english
from wavenet.speech.aligned_corpus import aligned
from wavenet.speech.dictionary import VOWELS
from wavenet.speech.phones import SILENCE, Aligned
from wavenet.speech.silences import BEFORE, BEHIND, beyond
from wavenet.text import duration, many, some, table

CLASSES = {  # of the phones of American English; those of another set are not told apart
    "vowels": VOWELS,
    "stops": ("B", "D", "G", "K", "P", "T"),
    "fricatives": ("CH", "DH", "F", "HH", "JH", "S", "SH", "TH", "V", "Z", "ZH"),
    "sonorants": ("L", "M", "N", "NG", "R", "W", "Y"),
}
SHOWN = 3  # recordings that are named for a reason that several share
CLASS_OF = {name: called for called, names in CLASSES.items() for name in names} | {SILENCE: "pauses"}


@dataclass(frozen=True)
class Kind:
    """How often phones of one kind are said, and for how long."""

    name: str
    count: int
    seconds: float


@dataclass(frozen=True)
class Alignment:
    """The phones of a folder's recordings, and why those of others are not known."""

    source: Source
    decoded: Cache
    clips: tuple[Clip, ...]  # all that could be decoded
    found: tuple[Aligned | str, ...]  # of each its phones, or why they are not known

    def __str__(self) -> str:
        """Return what `wavenet data align` prints."""
        return self.to_text()

    @property
    def usable(self) -> bool:
        """Whether the phones of any recording are known."""
        return any(isinstance(one, Aligned) for one in self.found)

    @property
    def left_out(self) -> dict[str, str]:
        """Why the phones of recordings are not known, by their names: of those that cannot be read, too."""
        lost = {entry.name: entry.why for entry in self.decoded.entries if entry.reason is not None}
        return lost | {clip.name: one for clip, one in zip(self.clips, self.found, strict=True) if isinstance(one, str)}

    def kinds(self, by_class: bool = False) -> list[Kind]:
        """Return how often each phone is said, or each class of them, the most frequent first."""
        counts, seconds = Counter[str](), defaultdict[str, float](float)
        for one in self.found:
            if isinstance(one, Aligned):
                for phone, lasts in zip(one.phones, one.seconds(), strict=True):
                    name = CLASS_OF.get(phone.name, "other phones") if by_class else phone.name
                    counts[name] += 1
                    seconds[name] += lasts
        return [Kind(name, count, seconds[name]) for name, count in counts.most_common()]

    def example(self) -> tuple[Clip, Aligned, Floats, int] | None:
        """Return the aligned recording of middle length: phones, samples [T] at their level, their rate in Hz."""
        at = sorted((one.ends[-1], at) for at, one in enumerate(self.found) if isinstance(one, Aligned))
        if not at:
            return None
        index = at[len(at) // 2][1]
        one, entry = self.found[index], [entry for entry in self.decoded.entries if entry.reason is None][index]
        assert isinstance(one, Aligned)
        stored = self.decoded.pcm()[entry.first : entry.first + entry.length]
        return self.clips[index], one, stored.astype(np.float32) * (entry.scale / 32_768), self.decoded.sample_rate

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        done = [one for one in self.found if isinstance(one, Aligned)]
        return {
            "folder": str(self.source.folder),
            "layout": self.source.layout,
            "files": len(self.decoded.entries),
            "aligned": len(done),
            "minutes_aligned": round(sum(one.ends[-1] for one in done) / 60, 4),
            "silent_ends_seconds": round(sum(map(beyond, done)), 3),
            "left_out": [{"path": name, "reason": reason} for name, reason in sorted(self.left_out.items())],
            "phones": {one.name: {"count": one.count, "seconds": round(one.seconds, 3)} for one in self.kinds()},
            "classes": {one.name: {"count": one.count, "seconds": round(one.seconds, 3)} for one in self.kinds(True)},
        }

    def to_text(self) -> str:
        """Return how many are aligned, what is said, and which are left out and why."""
        done, left = [one for one in self.found if isinstance(one, Aligned)], self.left_out
        lines = [
            f"{self.source.folder}: {many(len(self.decoded.entries), 'file')}, layout {self.source.layout}",
            f"aligned   {many(len(done), 'file')}, {duration(sum(one.ends[-1] for one in done))}",
            f"left out  {many(len(left), 'file')}",
            f"silence   {duration(sum(map(beyond, done)))} at the ends, beyond "
            f"{1000 * BEFORE:.0f} ms before the first phone and {1000 * BEHIND:.0f} ms behind the last",
        ]
        if done:
            kinds = many(len({phone.name for one in done for phone in one.phones} | {SILENCE}), "phone")
            lines += [f"kinds     {kinds}, pauses included, for which condition.tracks.phones.kinds makes room"]
            lines += ["", *table([("", "count", "seconds", "ms each"), *map(_row, self.kinds(by_class=True))])]
            lines += ["", *table([("phone", "count", "seconds", "ms each"), *map(_row, self.kinds())])]
        lines += [""] if left else []
        return "\n".join([*lines, *(f"  left out {some(names, SHOWN)}: {why}" for why, names in _by_reason(left))])


def _by_reason(left: dict[str, str]) -> list[tuple[str, list[str]]]:
    """Return reasons, the most frequent first, with the names of those for which they hold."""
    names = defaultdict[str, list[str]](list)
    for name, why in sorted(left.items()):
        names[why].append(name)
    return sorted(names.items(), key=lambda one: -len(one[1]))


def _row(kind: Kind) -> tuple[str, int, float, int]:
    return kind.name, kind.count, kind.seconds, round(1000 * kind.seconds / kind.count)


def align(
    folder: str | Path,
    recipe: str | Path | Recipe | None = None,
    overrides: Sequence[str] = (),
    cache_folder: Path | None = None,
    limit: int | None = None,
) -> Alignment:
    """Return the phones of a folder's recordings; they are kept beside its decoded sound.

    Args:
        folder: the folder of recordings, with their texts or labels.
        recipe: decode them as training by it will: a path, a name in `recipes/`, or the record itself. None decodes
            them at 16 kHz, untrimmed.
        overrides: ``KEY=VALUE`` at dotted keys of the recipe.
        cache_folder: where decoded sound and phones are kept; None takes the default.
        limit: align so many recordings at most, spread evenly over the folder.

    Raises:
        InputError: there is no such folder, sound or recipe, or a package of the extra `speech` is missing.
        WavenetError: the cache cannot be written.
    """
    if recipe is None:
        if overrides:
            raise InputError("--set changes a recipe; name one with --recipe NAME, such as folder")
        source, rate, trim = folders.open_folder(disk.given_path(str(folder))), english.RATE, None
    else:
        made = recipe if isinstance(recipe, Recipe) else read.load(find.find_recipe(str(recipe)), overrides)
        made = find.with_data(made, folder, overrides)
        source, rate, trim = folders.find(made.data, made.columns), made.audio.sample_rate, made.data.trim
    if limit is not None:
        every = math.ceil(len(source.clips) / limit)
        source = replace(source, clips=source.clips[::every])
    decoded = cache.prepare(source.clips, rate, trim, cache_folder)
    clips = [clip for clip, entry in zip(source.clips, decoded.entries, strict=True) if entry.reason is None]
    return Alignment(source, decoded, tuple(clips), tuple(aligned(clips, decoded)))
