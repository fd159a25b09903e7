"""Which frame a sample has, what it has of those beside it, and what an encoder sees, against plain counting."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wavenet.geometry import ConditionShape, Encoder, FrameShape, ProductShape, frame_count, frames_between, mixing

PYRAMID = Encoder(((3, 1), (3, 4)), pyramid=True, pooled=True)
PLAIN = Encoder(((3, 1), (5, 2)))


@given(st.integers(0, 400), st.integers(1, 60))
def test_a_sound_has_as_many_frames_as_have_a_sample_in_it(samples: int, hop: int) -> None:
    assert frame_count(samples, hop) == len({t // hop for t in range(samples)})


@given(st.integers(-200, 200), st.integers(1, 90), st.integers(1, 40), st.booleans())
def test_samples_depend_on_their_frames_and_between_frames_on_those_beside_them(
    first: int, count: int, hop: int, linear: bool
) -> None:
    begin, end = frames_between(first, first + count, hop, linear)
    own = {t // hop for t in range(first, first + count)}
    needed = own | {k + side for k in own for side in (-1, 1)} if linear else own
    assert set(range(begin, end)) == needed


@pytest.mark.parametrize("hop", [1, 2, 3, 8, 81])
def test_between_the_middles_of_two_frames_a_sample_has_of_each_by_its_distance(hop: int) -> None:
    assert mixing(hop, linear=False) == [(0.0, 1.0, 0.0)] * hop
    for sample, shares in enumerate(mixing(hop, linear=True)):
        middles = [k * hop + hop / 2 for k in (-1, 0, 1)]
        assert shares == pytest.approx([max(0.0, 1 - abs(sample + 0.5 - middle) / hop) for middle in middles])
        assert sum(shares) == pytest.approx(1) and 0.0 in shares


@pytest.mark.parametrize(("encoder", "reach"), [(Encoder(), 0), (PLAIN, 1 + 4), (PYRAMID, 4), (Encoder(((1, 9),)), 0)])
def test_an_encoder_reaches_as_far_as_its_convolutions_together_or_the_widest_of_a_pyramid(
    encoder: Encoder, reach: int
) -> None:
    assert encoder.reach == reach


def test_an_encoder_says_itself_as_a_recipe_does() -> None:
    assert PYRAMID.tree() == {"pyramid": [1, 4], "pooled": True}
    assert PLAIN.tree() == [{"kernel": 3, "dilation": 1}, {"kernel": 5, "dilation": 2}]


def shape(encoder: Encoder, tracks: bool = True, outputs: int | None = None, name: str = "condition") -> FrameShape:
    told = (("clock", 9), ("mel", 20)) if tracks else ()
    return FrameShape(name, (("speaker", 6), ("label", 10)), told, 8, encoder, outputs)


def rows(made: FrameShape) -> dict[str, ProductShape]:
    return {row.name.partition(".")[2]: row for row in made.products(80, 120)}


def test_a_field_has_a_row_for_unknown_and_a_track_a_column_for_it() -> None:
    found = rows(shape(PLAIN))
    assert found["fields.speaker"].weight == (7, 8) and found["fields.label"].weight == (11, 8)
    assert found["entry"].inputs == shape(PLAIN).width == 9 + 20 + 2
    assert found["encoder.1"].weight == (8, 5 * 8) and found["output"].weight == (120, 8)
    assert list(found) == ["fields.speaker", "fields.label", "entry", "encoder.0", "encoder.1", "before", "output"]


def test_a_pyramid_has_its_branches_side_by_side() -> None:
    found = rows(shape(PYRAMID))
    assert found["project"].inputs == (1 + 2 + 1) * 8 and found["pooled"].inputs == 31 and found["alone"].inputs == 8
    assert "pooled" not in rows(shape(Encoder(((3, 1),), pyramid=True)))


def test_fields_alone_need_no_encoder_and_what_predicts_tracks_ends_in_them() -> None:
    assert list(rows(shape(PLAIN, tracks=False))) == ["fields.speaker", "fields.label", "output"]
    found = rows(shape(PLAIN, outputs=20, name="acoustic"))
    assert found["output"] == ProductShape("acoustic.output", 8, 20, True, every=80) and "before" not in found


def test_the_frames_that_an_acoustic_network_needs_come_on_top() -> None:
    predicts = shape(PYRAMID, outputs=20, name="acoustic")
    alone, both = (ConditionShape(shape(PLAIN), 80, True, acoustic) for acoustic in (None, predicts))
    assert (alone.reach, both.reach) == (5, 9)
    names = [row.name for row in both.products(120)]
    assert names == [row.name for made in (both.told, predicts) for row in made.products(80, 120)]


def test_a_network_over_phones_is_used_by_no_sample_and_widens_no_context() -> None:
    lasts = FrameShape("durations", (("speaker", 3),), (("phones", 18),), 8, PYRAMID, 2)
    alone, both = (ConditionShape(shape(PLAIN), 80, True, None, one) for one in (None, lasts))
    assert both.reach == alone.reach and both.pooled == alone.pooled
    added = [*both.products(60)][len([*alone.products(60)]) :]
    assert added == [*lasts.products(None, 60)] and all(row.name.startswith("durations.") for row in added)
    assert all(row.every is None and row.macs_per_sample == 0 for row in added if not row.looked_up)
    assert added[-1] == ProductShape("durations.output", 8, 2, True, every=None)
    assert repr(alone) == repr(both)  # and so what identifies a network without one stays what it was
