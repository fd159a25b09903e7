"""Held: a frame is told the phone at its middle, its neighbours, and where in phone, word and phrase it is."""

from __future__ import annotations

import logging
import pickle

import numpy as np
import phone_toys
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phone_toys import ALIGNED, CONFIG, ENDS, NAMES, PAUSE, SENTENCE

from wavenet.errors import InputError, SoundError
from wavenet.features import phones
from wavenet.features.phones import Phones, columns, frames_of
from wavenet.recipe.records import CLOCK_SECONDS, PHONE_KNOTS, PhonesConfig
from wavenet.speech import SILENCE, Aligned, Phone

OWN = columns(SENTENCE, NAMES, CONFIG)
HATS = CONFIG.width  # the first column of what frames add


def test_a_phone_is_told_with_its_neighbours_and_none_beyond_the_sentence() -> None:
    assert OWN.shape == (10, CONFIG.width) and OWN.dtype == np.float32 and CONFIG.width == 5 * 5 + 6
    for at in range(10):
        for side in range(-2, 3):
            part = OWN[at, 5 * (side + 2) : 5 * (side + 3)]
            if 0 <= at + side < 10:
                assert np.array_equal(part, np.eye(5)[NAMES.index(SENTENCE[at + side].name)])
            else:
                assert not part.any()
    alone = columns(SENTENCE, NAMES, PhonesConfig(kinds=4, neighbours=0))
    assert np.array_equal(alone[:, :4], OWN[:, 10:14]) and np.array_equal(alone[:, 4:], OWN[:, 25:])


def test_stress_and_the_edges_of_word_and_phrase_are_told_and_a_pause_has_none() -> None:
    assert OWN[:, 25].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert OWN[:, 26].tolist() == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
    words = [(0, 0), (1, 1 / 2), (1 / 2, 1), (1, 1), (0, 0), (1, 1 / 3), (1 / 2, 1 / 2), (1 / 3, 1), (1, 1), (0, 0)]
    assert np.allclose(OWN[:, 27:29], words)
    first = [0, 1, 1 / 2, 1 / 3, 0, 1, 1 / 2, 1 / 3, 1 / 4, 0]
    last = [0, 1 / 3, 1 / 2, 1, 0, 1 / 4, 1 / 3, 1 / 2, 1, 0]
    assert np.allclose(OWN[:, 29:], np.stack([first, last], axis=1))


@given(
    samples=st.lists(st.integers(1, 300), min_size=1, max_size=12),
    hop=st.integers(1, 120),
    tail=st.integers(0, 200),
    rate=st.sampled_from([1_000, 7_919]),
)
def test_an_impulse_in_one_phone_reaches_exactly_the_frames_whose_middle_lies_in_it(
    samples: list[int], hop: int, tail: int, rate: int
) -> None:
    edges = np.cumsum(samples)
    said = Aligned(tuple(Phone("B", 0, 0) for _ in samples), tuple((edges / rate).tolist()))
    count = -(-(int(edges[-1]) + tail) // hop)
    for at in range(len(samples)):
        impulse = np.zeros((len(samples), 3), np.float32)
        impulse[at] = 1.0
        told = frames_of(said, impulse, rate, hop, 0, count)
        assert told.shape == (count, 3 + PHONE_KNOTS + 1 + 6) and told.dtype == np.float32
        begin, end = 2 * (edges[at] - samples[at]), 2 * edges[at]  # in halves of samples, as are the middles
        last = at == len(samples) - 1
        hit = [begin <= 2 * k * hop + hop and (2 * k * hop + hop < end or last) for k in range(count)]
        assert np.array_equal(told[:, :3], np.repeat(np.array(hit, np.float32)[:, None], 3, axis=1))


@pytest.mark.parametrize("hop", [1, 7, 40, 333])
def test_share_length_and_seconds_of_the_phrase_can_be_read_off_again(hop: int) -> None:
    rate, count = 1_000, 500 // hop + 2
    told = frames_of(ALIGNED, OWN, rate, hop, 0, count)
    assert told.shape == (count, CONFIG.frame_width)
    starts = (0.0, *ENDS[:-1])
    for k in range(count):
        t = (k + 0.5) * hop / rate
        at = min(sum(end <= t for end in ENDS), 9)
        assert np.array_equal(told[k, :HATS], OWN[at])
        length = ENDS[at] - starts[at]
        share = min(1.0, (t - starts[at]) / length)
        assert np.isclose(told[k, HATS : HATS + 5] @ np.linspace(0, 1, 5), share, atol=1e-5)
        assert np.isclose(told[k, HATS : HATS + 5].sum(), 1.0, atol=1e-6)
        assert np.isclose(told[k, HATS + 5], np.log(length / 0.1), atol=1e-5)
        phrase = {1: (0.03, 0.16), 5: (0.19, 0.35)}.get(1 if at in (1, 2, 3) else 5 if at in (5, 6, 7, 8) else 0)
        fading = np.zeros(6)
        if phrase is not None:
            fading = np.exp(-np.repeat([t - phrase[0], phrase[1] - t], 3) / np.tile(CLOCK_SECONDS, 2))
        assert np.allclose(told[k, HATS + 6 :], fading, atol=1e-5)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 17), (40, 41)])
def test_a_stretch_is_the_same_as_within_the_whole(first: int, last: int) -> None:
    whole = frames_of(ALIGNED, OWN, 8_000, 80, 0, 60)
    assert np.array_equal(frames_of(ALIGNED, OWN, 8_000, 80, first, last), whole[first:last])


def test_behind_a_sentence_its_last_phone_has_passed() -> None:
    told = frames_of(ALIGNED, OWN, 1_000, 10, 41, 60)
    assert np.array_equal(told[:, :HATS], np.tile(OWN[9], (19, 1)))
    assert np.array_equal(told[:, HATS : HATS + 5], np.tile([0, 0, 0, 0, 1], (19, 1)))


def track() -> Phones:
    said = (ALIGNED, None, phone_toys.aligned(1, 1_640))
    return Phones(said, NAMES, CONFIG, 4_000, 40)


def test_the_track_reads_sentences_also_in_other_processes() -> None:
    held = track()
    assert np.array_equal(held.read(0, 2, 44), frames_of(ALIGNED, OWN, 4_000, 40, 2, 44))
    there = pickle.loads(pickle.dumps(held))
    assert np.array_equal(there.read(2, 0, 30), held.read(2, 0, 30))


def test_lengths_are_logarithms_and_pauses_at_the_ends_are_not_learned() -> None:
    lengths, learned = track().log_lengths(0)
    assert np.allclose(np.exp(lengths) * 0.1, np.diff((0.0, *ENDS)), atol=1e-6)
    assert learned.tolist() == [False, *[True] * 8, False]
    tight = Phones((Aligned(SENTENCE[1:4], (0.1, 0.2, 0.3)),), NAMES, CONFIG, 4_000, 40)
    assert tight.log_lengths(0)[1].all()


def test_how_long_phones_last_leaves_out_one_in_a_thousand_and_the_ends() -> None:
    lengths = np.linspace(0.05, 0.1, 2_001)
    lengths[7], lengths[8] = 3.0, 0.001  # as alignments go wrong
    phones = (PAUSE, *(Phone("B", 0, at) for at in range(2_001)), Phone("AA", 0, 2_001), PAUSE)
    said = Aligned(phones, tuple(np.cumsum([2.0, *lengths, 0.25, 2.0]).tolist()))
    found = Phones((said, ALIGNED), NAMES, CONFIG, 4_000, 40).lasting((0,))
    assert found == {"AA": (0.25, 0.25), "B": pytest.approx((0.05, 0.1), abs=1e-3)}
    assert track().lasting((0,))[SILENCE] == pytest.approx((0.03, 0.03))  # the one within


def test_a_digest_is_of_phones_times_and_names() -> None:
    other = Aligned(SENTENCE, (*ENDS[:3], 0.161, *ENDS[4:]))
    stressed = Aligned((PAUSE, Phone("B", 1, 0), *SENTENCE[2:]), ENDS)
    made = {
        Phones((one,), names, CONFIG, 4_000, 40).digest()
        for one in (ALIGNED, other, stressed, None)
        for names in (NAMES, NAMES[:3])
    }
    assert len(made) == 8 and track().digest() == track().digest()


@pytest.mark.parametrize(
    ("kinds", "names"),
    [(6, ("sil", "IY", "ZH", "AA", "B")), (4, ("sil", "IY", "ZH", "AA")), (2, ("sil", "IY")), (1, ("sil", "IY"))],
)
def test_known_phones_stand_behind_those_of_the_sound_as_far_as_there_is_room(
    kinds: int, names: tuple[str, ...]
) -> None:
    config = PhonesConfig(kinds, 1, known=("sil", "ZH", "AA", "IY", "B"))
    assert phones.with_known(("sil", "IY"), config) == names
    assert phones.with_known(("sil", "IY"), PhonesConfig(kinds, 1)) == ("sil", "IY")


def test_names_are_those_of_all_sentences_pauses_first() -> None:
    assert phones.names_of([ALIGNED]) == NAMES
    assert phones.names_of([Aligned((Phone("a"),), (1.0,))]) == (SILENCE, "a")


def test_more_phones_than_there_is_room_for_are_refused_and_fewer_told(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SoundError, match=r"has room for 3 kinds of phones, but the sound has 4, pauses included; "):
        phones.check_room(NAMES, PhonesConfig(3, 1))
    caplog.set_level(logging.INFO)
    phones.check_room(NAMES, PhonesConfig(4, 1))
    assert not caplog.messages
    phones.check_room(NAMES, CONFIG)
    assert caplog.messages == ["condition.tracks.phones.kinds is 5, but the sound has 4: the rest stay untrained"]


def test_a_phone_that_a_voice_does_not_know_is_refused_with_a_guess() -> None:
    phones.check_known(SENTENCE, NAMES)
    with pytest.raises(InputError, match=r"knows no phone 'silk' \(did you mean 'sil'\?\); it knows sil, AA, B, IY"):
        phones.check_known([*SENTENCE, Phone("silk")], NAMES)


def test_a_phone_that_no_training_sound_has_is_none_and_told(caplog: pytest.LogCaptureFixture) -> None:
    phones.tell_unknown([ALIGNED], NAMES)
    assert not caplog.messages
    phones.tell_unknown([ALIGNED], NAMES[:3])
    assert caplog.messages == ["1 phone (IY) is unknown to the network: no sound that it learns from has it"]
    known = columns(SENTENCE, NAMES[:3], CONFIG)
    assert not known[3, 10:15].any() and np.array_equal(np.delete(known, [1, 2, 3, 4, 5, 6, 7, 8, 9], 0), OWN[:1])
