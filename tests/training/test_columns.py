"""Columns of what a network over frames is told go by what they are called; what is gone counts as unknown."""

from __future__ import annotations

import numpy as np
import phone_toys
import told_toys

from wavenet.training.columns import Told, lacking, moved, shared


def told(**condition: object) -> Told:
    return Told(phone_toys.recipe(**condition), {}, phone_toys.NAMES)


def test_every_input_is_called_by_its_track_and_place() -> None:
    network = told().network("acoustic")
    assert network is not None
    names = told().columns(network)
    assert len(names) == network.width and names[:9] == [("clock", place) for place in range(9)]
    assert names[9:14] == [("phones", -1, "sil"), ("phones", -1, "AA"), ("phones", -1, "B"), ("phones", -1, "IY"),
                           ("phones", 0, "sil")]  # fmt: skip
    assert names[-2:] == [("unknown", "clock"), ("unknown", "phones")]
    fewer = Told(told().recipe, {}, ("sil", "B")).columns(network)
    assert fewer[9:13] == [("phones", -1, "sil"), ("phones", -1, "B"), None, None]
    lengths = told().network("durations")
    assert lengths is not None and len(told().columns(lengths)) == lengths.width
    assert Told(told_toys.recipe("."), {}).network("durations") is None


def test_tracks_are_shared_where_their_numbers_mean_the_same() -> None:
    tracks = phone_toys.CONDITION["tracks"]
    assert shared(told(), told()) == ("clock", "phones", "mel")
    assert shared(told(), Told(told_toys.recipe("."), {})) == ("clock", "mel")
    assert shared(told(), told(hop_samples=41)) == ()
    assert shared(told(), told(tracks=tracks | {"mel": phone_toys.MEL | {"floor": 0.01}})) == ("clock", "phones")
    assert shared(told(), told(tracks=tracks | {"clock": {"knots": 4}})) == ("phones", "mel")
    assert shared(told(), told(tracks=tracks | {"phones": {"kinds": 9, "neighbours": 0}})) == ("clock", "phones", "mel")


def test_weights_are_moved_by_name_and_what_is_gone_is_unknown() -> None:
    theirs = [("clock", 0), ("phones", 0, "AA"), ("phones", 0, "B"), ("mel", 0), ("unknown", "clock"),
              ("unknown", "phones"), ("unknown", "mel")]  # fmt: skip
    ours = [("phones", 0, "B"), None, ("mel", 0), ("unknown", "phones"), ("unknown", "mel")]
    weight = np.arange(14, dtype=np.float32).reshape(2, 7) + 1
    assert moved(weight, theirs, ours, ("phones", "mel")).tolist() == [[3, 0, 4, 6, 7], [10, 0, 11, 13, 14]]
    assert moved(weight, theirs, ours, ("mel",)).tolist() == [[0, 0, 4, 0, 7], [0, 0, 11, 0, 14]]
    assert lacking(weight, theirs, ("phones", "mel")).tolist() == [5, 12]
    assert lacking(weight, theirs, ("mel",)).tolist() == [5 + 6, 12 + 13]
