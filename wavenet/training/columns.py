"""What a network over frames is told, column by column: weights go from one to another by what columns are called."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from wavenet.geometry import FrameShape
from wavenet.outputs import Floats
from wavenet.recipe.records import PREDICTED, PhonesConfig, Recipe

Column = tuple[Any, ...] | None  # what a column is called; None: nothing that another network could know

UNKNOWN = "unknown"  # the column of a track that says whether it is not known


@dataclass(frozen=True)
class Told:
    """What a network is told, and what it calls it."""

    recipe: Recipe
    values: Mapping[str, Sequence[str]]  # of its fields, in their order
    phones: Sequence[str] = ()  # in their order

    def network(self, room: str) -> FrameShape | None:
        """Return the network over frames of a name: condition, acoustic or durations."""
        shape = self.recipe.shape.condition
        return (
            None if shape is None else {"condition": shape.told, "acoustic": shape.acoustic}.get(room, shape.durations)
        )

    def meaning(self, track: str) -> Any:
        """Return what decides on what the numbers of a track mean; equal for two networks where they mean the same."""
        told, rate = self.recipe.condition, self.recipe.audio.sample_rate
        if told is None or told.hop_samples is None or track not in dict(told.tracks_told()):
            return None
        config = getattr(told.tracks, track)
        own = asdict(config) | {"sample_rate": rate} if track in PREDICTED else config
        return told.hop_samples / rate, None if track == "phones" else own

    def columns(self, network: FrameShape) -> list[Column]:
        """Return what the inputs of a network over frames are called: tracks one after the other, then which lack."""
        found: list[Column] = []
        for track, width in network.tracks:
            named: list[Column] = self._phones() if track == "phones" else []
            found += named + [(track, number) for number in range(width - len(named))]
        return found + [(UNKNOWN, track) for track, _ in network.tracks]

    def _phones(self) -> list[Column]:
        """Return what the columns are called that say which phones stand at a frame and beside it."""
        config = None if self.recipe.condition is None else self.recipe.condition.tracks.phones
        assert isinstance(config, PhonesConfig)
        spare = [None] * (config.kinds - len(self.phones))
        beside = range(-config.neighbours, config.neighbours + 1)
        return [None if name is None else ("phones", at, name) for at in beside for name in [*self.phones, *spare]]


def shared(ours: Told, theirs: Told) -> tuple[str, ...]:
    """Return the tracks that two networks are told alike."""
    told = () if ours.recipe.condition is None else ours.recipe.condition.tracks_told()
    found = [(name, ours.meaning(name)) for name, _ in told]
    return tuple(name for name, meaning in found if meaning == theirs.meaning(name))


def moved(weight: Floats, theirs: Sequence[Column], ours: Sequence[Column], tracks: Iterable[str]) -> Floats:
    """Return a weight [outputs, columns] for other columns: zero, without effect, where they are new.

    Args:
        weight: of columns called `theirs`.
        theirs: what they are called.
        ours: what those of the result are called.
        tracks: whose columns mean the same.
    """
    alike = {*tracks}
    places = {name: place for place, name in enumerate(theirs) if _track(name) in alike}
    found = np.zeros((len(weight), len(ours)), weight.dtype)
    for place, name in enumerate(ours):
        if name in places:
            found[:, place] = weight[:, places[name]]
    return found


def lacking(weight: Floats, theirs: Sequence[Column], tracks: Iterable[str]) -> Floats:
    """Return what a weight [outputs, columns] answers where all tracks but these are not known, [outputs]."""
    alike = {*tracks}
    gone = [place for place, name in enumerate(theirs) if name and name[0] == UNKNOWN and name[1] not in alike]
    return np.asarray(weight[:, gone].sum(axis=1), weight.dtype)


def _track(column: Column) -> str | None:
    """Return the track that a column is of."""
    return None if column is None else str(column[1] if column[0] == UNKNOWN else column[0])
