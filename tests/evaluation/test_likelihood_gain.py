"""Where what is told decides, the right thing wins every time; where it is ignored, about as often as chance has it."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from telling_toys import LENGTHS, tellers_of

from wavenet.audio.splits import Span
from wavenet.evaluation import likelihood_gain
from wavenet.evaluation.intervals import interval
from wavenet.evaluation.likelihood_gain import Gain, Gains, chosen_parts, gains_of
from wavenet.evaluation.mismatched import Tellers
from wavenet.outputs import Alphabet, Codes, Condition, Floats, Window
from wavenet.outputs.categorical import Categorical
from wavenet.text import to_json

SPANS = [Span(clip, 0, length) for clip, length in enumerate(LENGTHS)]
Cost = Callable[[int, Window], float]  # of a clip's samples under what is told, in nats each


class Quiet:
    """Sound whose samples say which clip they are of."""

    lengths, tail = LENGTHS, 20

    def read(self, clip: int, first: int, last: int) -> Floats:
        return np.full(last - first, (clip - 1.5) / 4, np.float32)

    def codes(self, clip: int, first: int, last: int, alphabet: Alphabet) -> Codes:
        return alphabet.encode(self.read(clip, first, last))


def measured(cost: Cost, spans: list[Span] = SPANS, threads: int = 1, **condition: object) -> Gains:
    """Return how much things gain where a clip costs so much under a window."""
    one, alphabet = tellers_of(**condition), Categorical(16)
    tellers = Tellers(one.condition, Quiet(), one.packed, one.vocabulary, 0)  # type: ignore[arg-type]
    clips = {int(alphabet.encode(Quiet().read(clip, 0, 1))[0]): clip for clip in range(4)}

    def judges(told: Condition) -> likelihood_gain.Likelihood:
        def nats(telling: int, past: Codes, codes: Codes, first: int) -> Floats:
            assert len(past) == min(first, 25)
            window = told.window([telling], [first], len(codes))
            return np.full(len(codes), cost(clips[int(codes[0])], window), np.float32)

        return nats

    return gains_of(tellers, spans, judges, alphabet, 25, threads)


def rows(made: Gains) -> dict[tuple[str, str, str], Gain]:
    return {(one.told, one.tracks, one.against): one for one in made.rows}


def test_where_a_field_decides_its_right_value_beats_all_others_and_another_field_none() -> None:
    made = measured(lambda clip, told: float(told.fields[0, 1] != tellers_of().condition.fields[clip, 1]))
    found = rows(made)
    for way in ("measured", "predicted", "unknown"):
        label = found["label", way, "other values"]
        assert (label.clips, label.others, label.wins) == (4, 2.0, 1.0) and label.chance == pytest.approx(1 / 3)
        assert label.beats_all.right == 4 and label.bits == pytest.approx(1 / np.log(2))
        assert (label.low, label.high) == pytest.approx((label.bits, label.bits))
        speaker = found["speaker", way, "other values"]
        assert speaker.clips == 3 and speaker.wins == 0.5  # a draw; one clip says nothing of its speaker
        assert speaker.bits == speaker.beats_all.right == 0
    assert found["all", "measured", "told nothing"].wins == 1 and found["tracks", "measured", "1 frame late"].bits == 0


def test_where_tracks_decide_right_ones_beat_moved_and_exchanged_ones() -> None:
    tellers = tellers_of()

    def cost(clip: int, told: Window) -> float:
        right = tellers.condition.window([clip], [0], told.steps)
        return float(np.abs(told.tracks - right.tracks).mean())

    found = rows(measured(cost, threads=3))
    for against in ("another sound's", "1 frame late", "2 frames late", "5 frames late"):
        one = found["tracks", "measured", against]
        assert one.wins == 1 and one.bits > 0 and one.low is not None and 0 < one.low <= one.bits
    assert found["tracks", "measured", "those predicted"].wins == 1
    assert found["label", "measured", "other values"].bits == 0  # the tracks are the right ones all the same


def test_a_network_that_ignores_what_it_is_told_is_near_chance() -> None:
    draw = np.random.default_rng(5)
    spans = [Span(clip, first, first + 5) for clip in range(4) for first in range(0, 300, 5)]
    found = measured(lambda clip, told: draw.normal(), spans, acoustic=None)
    assert found.clips == likelihood_gain.CLIPS
    for row in found.rows:
        assert abs(row.beats_all.share - row.chance) < 0.2 and 0.3 < row.wins < 0.7
        assert row.wins_low is not None and row.wins_low < row.wins < row.wins_high
        assert row.low is not None and row.low - 0.2 < 0 < row.high + 0.2
    assert min(row.wins for row in found.rows) < 0.5 < max(row.wins for row in found.rows)


def test_shares_bits_and_intervals_are_those_of_plain_sums() -> None:
    def cost(clip: int, told: Window) -> float:
        speaker, label = told.fields[0].tolist()
        return 1 + ((7 * clip + 5 * speaker + 3 * label) % 11) / 10

    found, fields = rows(measured(cost)), tellers_of().condition.fields
    one = found["label", "unknown", "other values"]
    wins, saved = [], []
    for clip in range(4):
        nats = [1 + ((7 * clip + 5 * fields[clip, 0] + 3 * label) % 11) / 10 for label in range(3)]
        right, others = nats[fields[clip, 1]], [nats[label] for label in range(3) if label != fields[clip, 1]]
        wins.append([right < other for other in others])
        saved.append(LENGTHS[clip] * (np.mean(others) - right))
    assert one.wins == np.mean(wins) and one.beats_all.right == sum(map(all, wins)) and 0 < one.wins < 1
    assert one.bits == pytest.approx(sum(saved) / sum(LENGTHS) / np.log(2), rel=1e-5)
    assert (one.low, one.high) == pytest.approx(interval(np.array(saved), np.array(LENGTHS)), rel=1e-4)


def test_parts_are_spread_evenly_and_bounded() -> None:
    short = [Span(clip, 0, 3_000) for clip in range(200)]
    assert len(chosen_parts(short)) == likelihood_gain.CLIPS and chosen_parts(short[:5]) == short[:5]
    assert [part.clip for part in chosen_parts(short)][::20] == [0, 66, 133]
    long = chosen_parts([Span(0, 100, 10_000_000), Span(1, 0, 10_000_000)])
    assert 290_000 < sum(part.last - part.first for part in long) <= likelihood_gain.TARGETS and len(long) >= 30
    assert {part.clip for part in long} == {0, 1} and long[0].first == 100


def test_text_and_json_say_the_same() -> None:
    made = measured(lambda clip, told: float(told.fields[0, 1]))
    plain, lines = json.loads(to_json(made.to_json())), made.to_text()
    assert plain["clips"] == 4 and plain["targets"] == sum(LENGTHS) and len(plain["rows"]) == len(lines) - 7
    assert lines[4].startswith("4 held-out clips, 1,805 samples") and max(map(len, lines)) <= 100
    for row, line in zip(plain["rows"], lines[7:], strict=True):
        assert line.startswith(f"{row['told']}: {row['against']}") and f"{row['bits']:.3f}" in line
        assert row["beats_all"]["clips"] == row["clips"] and row["chance"] == 1 / (1 + row["others"])
    alone = measured(lambda clip, told: 1.0, SPANS[:1])
    assert alone.rows[0].low is None and not any(key[2] == "another sound's" for key in rows(alone))
