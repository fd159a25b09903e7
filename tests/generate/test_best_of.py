"""The best of several is what it is said to be, and only what is in trouble is drawn again."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import toys

from wavenet.errors import BundleError, InputError, Terminated
from wavenet.generate import best_of, silence
from wavenet.generate.best_of import BestOf, Candidate, aim_of
from wavenet.generate.sampler import Chunk, Sampler
from wavenet.generate.sound import Trouble
from wavenet.generate.verify import BOUND, Verifier
from wavenet.generate.voice import Voice
from wavenet.generate.watch import Gathering, Ranges, Watch
from wavenet.outputs import Categorical

RECIPE = toys.recipe()
STEP = 200  # samples of a step at 4 kHz
UNKNOWN = Gathering(Categorical(16), toys.RATE).ranges()  # nothing is trouble to them


def held_out(middle: float = 3.9, ranges: Ranges = UNKNOWN) -> dict[str, Any]:
    return {"held_out": {"clips": {"low": 1.0, "middle": middle, "high": 9.0}, "windows": ranges.to_json()}}


def made(middle: float = 3.9, scale: float = 2.0, ranges: Ranges = UNKNOWN) -> Voice:
    return Voice(RECIPE, toys.arrays(RECIPE, scale), training=held_out(middle, ranges))


def bits_of(voice: Voice, waves: np.ndarray) -> np.ndarray:
    """Return bits per sample of sounds [N, T] by the training graph, at temperature 1."""
    codes = voice.alphabet.encode(waves)
    fed = np.concatenate([voice.alphabet.starts(len(codes), 1), codes[:, :-1]], axis=1)
    told = toys.forward(RECIPE, voice.arrays, fed)
    chosen = np.take_along_axis(told, codes[..., None], axis=-1)[..., 0]
    return -chosen.mean(axis=1, dtype=np.float64) / math.log(2)


@pytest.fixture
def troubled(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[int]]:
    """Return the steps after which a watch finds trouble that began 4 steps before: {which watch was made: steps}."""
    planned: dict[int, list[int]] = {}
    watches: list[Watch] = []
    hear, init = Watch.hear, Watch.__init__

    def making(watch: Watch, *rest: Any) -> None:
        init(watch, *rest)
        watches.append(watch)

    def hearing(watch: Watch, *rest: Any) -> Trouble | None:
        assert hear(watch, *rest) is None
        plan = planned.get(watches.index(watch), [])
        if not plan or watch.meter.steps != plan[0]:
            return None
        first = plan.pop(0) - 4
        return Trouble("hum", first, first * STEP / toys.RATE)

    monkeypatch.setattr(Watch, "__init__", making)
    monkeypatch.setattr(Watch, "hear", hearing)
    return planned


# --- which is kept ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"temperature": 0.7}, {"top_k": 5}])
@pytest.mark.parametrize("middle", [0.5, 3.6, 9.0])
def test_the_one_nearest_to_the_middle_at_temperature_one_is_kept(middle: float, options: dict[str, Any]) -> None:
    voice = made(middle)
    common = {"samples": 450, "seed": 3, "backend": "cpu", "storage": "float32", **options}
    all_of_them = voice.generate(count=6, **common).samples
    bits = bits_of(voice, all_of_them)
    assert np.ptp(bits) > 0.01
    sound = voice.generate(count=2, best_of=3, **common)
    for index, choice in enumerate(sound.choices):
        first = 3 * index
        assert choice.sequence == first + np.argmin(np.abs(bits[first : first + 3] - middle))
        assert choice.candidates == pytest.approx(bits[first : first + 3], abs=1e-4)
        assert choice.bits == choice.candidates[choice.sequence - first] and choice.aim == middle
        assert np.array_equal(sound.samples[index], all_of_them[choice.sequence])


def test_many_sounds_begin_with_one_alone() -> None:
    voice = made()
    many, one = (voice.generate(samples=500, seed=1, count=count, best_of=3, threads=2) for count in (4, 1))
    assert many.samples.shape == (4, 500) and np.array_equal(many.samples[:1], one.samples)
    assert many.choices[0] == one.choices[0] and [choice.sequence // 3 for choice in many.choices] == [0, 1, 2, 3]
    alone = voice.generate(samples=500, seed=1, best_of=1)
    assert np.array_equal(alone.samples, voice.generate(samples=500, seed=1).samples)


@pytest.mark.parametrize("storage", ["float16", "float32"])
def test_it_is_verified_and_continues_a_prime(storage: str) -> None:
    voice, prime = made(scale=3.0), toys.wave(0.1, 0)
    common: dict[str, Any] = {"samples": 450, "seed": 1, "prime": prime, "storage": storage, "backend": "cpu"}
    sound = voice.generate(best_of=3, verify=True, **common)
    assert sound.difference is not None and 0 < sound.difference < BOUND and sound.storage == storage
    plain = voice.generate(count=3, **common)
    assert np.array_equal(sound.samples[0], plain.samples[sound.choices[0].sequence])


def test_the_time_it_takes_is_all_but_verification(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, hear, judge = [0.0], Watch.hear, Verifier.judge

    def hearing(watch: Watch, *rest: Any) -> Trouble | None:
        clock[0] += 1.0
        return hear(watch, *rest)

    def judging(verifier: Verifier, chunk: Chunk) -> None:
        clock[0] += 100.0
        judge(verifier, chunk)

    monkeypatch.setattr(best_of, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(Watch, "hear", hearing)
    monkeypatch.setattr(Verifier, "judge", judging)
    assert made().generate(samples=3 * STEP, seed=1, best_of=2, verify=True).wall == 6.0


def test_slices_of_the_network_s_answers_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = made().generate(samples=450, seed=2, best_of=3)
    monkeypatch.setattr(best_of, "PARAMETER_BYTES", 1)
    sliced = made().generate(samples=450, seed=2, best_of=3)
    assert np.array_equal(sliced.samples, whole.samples) and sliced.choices == whole.choices


def test_memory_is_asked_for_all_candidates(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr("wavenet.generate.voice.check_memory", lambda shape, *sizes: asked.append(sizes))
    made().generate(samples=30, count=2, best_of=3)
    assert asked == [(6, 30)]


@pytest.mark.parametrize(
    ("training", "words"),
    [
        ({}, "--resume` adds it"),
        ({"held_out": None}, "--resume` adds it"),
        ({"held_out": {"clips": [3]}}, "--resume` adds it"),
        ({"held_out": {"clips": {"middle": 3.0}}}, "--resume` adds it"),
        ({"held_out": {"clips": {"middle": "3"}, "windows": {}}}, "damaged"),
        ({"held_out": {"clips": {"middle": math.nan}, "windows": {}}}, "damaged"),
        ({"held_out": {"clips": {"middle": True}, "windows": {}}}, "damaged"),
        ({"held_out": {"clips": {"middle": 3.0}, "windows": {}}}, "damaged"),
    ],
)
def test_a_bundle_that_does_not_know_real_sound_is_a_sentence_before_anything_is_drawn(
    training: dict[str, Any], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Voice, "sampler", lambda *_: pytest.fail("began to draw"))
    with pytest.raises(InputError, match=words) as caught:
        Voice(RECIPE, toys.arrays(RECIPE), training=training).generate(samples=5, best_of=2)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    assert isinstance(caught.value, BundleError) == (words == "damaged")
    assert aim_of(held_out(3), "toy").bits == 3.0


@pytest.mark.parametrize("how", [{"temperature": 0.0}, {"top_k": 1}])
def test_candidates_that_are_all_alike_are_refused(how: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="needs sounds that differ"):
        made().generate(samples=5, best_of=2, **how)


def test_the_number_of_candidates_is_at_least_one() -> None:
    for wrong in (0, -2):
        with pytest.raises(InputError, match=f"1 and {wrong}, expected at least 1"):
            made().generate(samples=5, best_of=wrong)


# --- what is drawn again ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("backend", "noticed", "primed"),
    [("cpu", 9, False), ("cpu", 5, False), ("cpu", 9, True), ("cpu", 5, True), ("reference", 7, True)],
)
def test_trouble_is_drawn_again_from_before_it_with_the_next_uniforms(
    backend: str, noticed: int, primed: bool, troubled: dict[int, list[int]]
) -> None:
    voice, prime = made(), toys.wave(0.1, 0) if primed else None
    troubled[1] = [noticed]
    left = max(0, noticed - 4 - 2) * STEP  # it began 4 steps before it was noticed
    common: dict[str, Any] = {"samples": (noticed + 1) * STEP, "prime": prime, "seed": 4, "backend": backend}
    plain = voice.generate(count=3, **common).samples
    found = voice.generate(count=3, best_of=1, **common)
    assert np.array_equal(found.samples[[0, 2]], plain[[0, 2]])  # batch mates are not touched
    assert np.array_equal(found.samples[1, :left], plain[1, :left])
    again = voice.sampler(3, 4, backend=backend)
    known = voice.alphabet.encode(found.samples[1, :left])
    again.prime(known if prime is None else np.concatenate([voice.encode(prime), known]))
    again.positions[1] = noticed * STEP  # what the first try drew from is not used again
    (rest,) = again.generate([0, (noticed + 1) * STEP - left, 0], 11 * STEP)
    assert np.array_equal(found.samples[1, left:], voice.alphabet.decode(rest.codes[0]))
    began = (noticed - 4) * STEP / toys.RATE
    assert found.choices[1].redrawn == (Trouble("hum", noticed - 4, began),)
    assert str(found.choices[1]).endswith(f"; parts drawn again once: hum at {began:.2f} s")
    assert "drawn again" not in str(found.choices[0])


@pytest.mark.parametrize("until_silence", [False, True])
@pytest.mark.parametrize(("noticed", "primed"), [(9, False), (5, True), (9, True)])
def test_sound_with_pre_emphasis_goes_back_to_where_it_stood(
    noticed: int, primed: bool, until_silence: bool, troubled: dict[int, list[int]]
) -> None:
    plain, prime = made(), toys.wave(0.1, 0) if primed else None
    voice = toys.emphasised(plain, 0.97)  # which remembers more than the network does
    known = np.zeros(0, np.int64) if prime is None else voice.encode(prime)
    plain.encode = lambda _: known  # type: ignore[method-assign]
    troubled.update({1: [noticed], 4: [noticed]})  # of either voice
    common: dict[str, Any] = {"samples": 11 * STEP, "prime": prime, "seed": 4, "until_silence": until_silence}
    codes, found = (one.generate(count=3, best_of=1, **common) for one in (plain, voice))
    assert len(codes.choices[1].redrawn) == len(found.choices[1].redrawn) == 1
    assert [one.bits for one in found.choices] == [one.bits for one in codes.choices]
    for wave, own in zip(found.samples, plain.alphabet.encode(codes.samples), strict=True):
        assert np.array_equal(wave, voice.alphabet.decode(np.append(known, own))[len(known) :])


def test_a_network_that_sees_far_is_given_back_all_that_it_sees(troubled: dict[int, list[int]]) -> None:
    recipe = toys.recipe(model={"dilations": [[1, 350, 350]]})  # more than three steps, and fewer than are left
    voice = Voice(recipe, toys.arrays(recipe, 2.0), training=held_out())
    troubled[0], left, length = [11], 5 * STEP, 12 * STEP
    found = voice.generate(samples=length, seed=4, best_of=1, verify=True)
    again = voice.sampler(1, 4)
    again.prime(voice.alphabet.encode(found.samples[0, :left]))
    again.positions[0] = 11 * STEP
    (rest,) = again.generate(length - left, length)
    assert np.array_equal(found.samples[0, left:], voice.alphabet.decode(rest.codes[0]))
    assert found.difference is not None and found.difference < BOUND


def test_what_was_drawn_again_is_scored_and_verified_as_it_is(troubled: dict[int, list[int]]) -> None:
    voice = made(scale=3.0)
    troubled.update({0: [5, 8], 2: [6]})
    sound = voice.generate(samples=10 * STEP, seed=1, count=3, best_of=1, verify=True, storage="float32")
    assert [len(choice.redrawn) for choice in sound.choices] == [2, 0, 1]
    assert sound.difference is not None and 0 < sound.difference < BOUND
    assert [choice.bits for choice in sound.choices] == pytest.approx(bits_of(voice, sound.samples), abs=1e-4)


def test_a_place_is_drawn_again_a_few_times_and_then_left_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def always(watch: Watch, *rest: Any) -> Trouble | None:
        watch.meter.hear(*rest)
        first = watch.meter.steps - 4
        return Trouble("noise", first, first * 0.05) if first >= watch._from else None

    monkeypatch.setattr(Watch, "hear", always)
    (choice,) = made().generate(samples=4 * toys.RATE, seed=1, best_of=1).choices
    assert 3 <= len(choice.redrawn) <= best_of.MOST_PER_SECOND * 5
    for trouble in choice.redrawn:
        near = [one for one in choice.redrawn if abs(one.seconds - trouble.seconds) <= best_of.NEAR_SECONDS / 2]
        assert len(near) <= best_of.MOST_HERE
    assert choice.left[0].seconds < 1.0 and "; left as it is: noise at 0." in str(choice)
    assert len(str(choice)) < 400


def test_a_place_is_drawn_again_three_times_at_most_and_told_once_however_long_it_lasts() -> None:
    one = Candidate(10**6, Watch(UNKNOWN, toys.RATE), None)
    step, answers, passed = np.zeros(STEP, np.float32), [], []
    one.watch.pass_over = lambda: passed.append(one.watch.meter.steps)  # type: ignore[method-assign]
    for first in (60, 61, 59, 60, 64, 72, 90):
        one.watch.hear = lambda *_, at=first: Trouble("noise", at, 0.05 * at)  # type: ignore[method-assign]
        answers.append(one.hear(np.zeros(STEP, np.int64), step, step))
    assert answers == [58, 59, 57, None, None, 70, 88]
    assert [trouble.first for trouble in one.redrawn] == [60, 61, 59, 72, 90]
    assert [trouble.first for trouble in one.left] == [60] and len(passed) == 2


def test_plain_generation_draws_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Watch, "__init__", lambda *_: pytest.fail("watched"))
    monkeypatch.setattr(Sampler, "rewind", lambda *_: pytest.fail("drew again"))
    with_record, without = (
        made().generate(samples=900, seed=1),
        Voice(RECIPE, made().arrays).generate(samples=900, seed=1),
    )
    assert with_record.samples.tobytes() == without.samples.tobytes() and with_record.choices == ()


def test_a_voice_that_hums_is_drawn_again_by_what_its_real_sound_does() -> None:
    rng, gathering = np.random.default_rng(0), Gathering(Categorical(16), toys.RATE)
    for _ in range(20):
        gathering.begin()
        codes = rng.integers(0, 16, 2 * toys.RATE)
        gathering.add(codes, np.full(len(codes), 3.9 * math.log(2), np.float32))
    voice = made(ranges=gathering.ranges(), scale=1.0)  # an untrained network: about as random
    assert all(not choice.redrawn for choice in voice.generate(seconds=2.0, seed=1, count=4, best_of=1).choices)
    # at temperature 0 it repeats itself, however often it is drawn
    (choice,) = voice.generate(seconds=1.0, seed=1, best_of=1, temperature=0.0).choices
    assert choice.redrawn and {trouble.name for trouble in (*choice.redrawn, *choice.left)} <= {"hum", "silence"}
    assert choice.left


# --- lengths and interruptions ---------------------------------------------------------------------------------------


def test_candidates_end_with_silence_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    voice = made()
    monkeypatch.setattr(silence, "SECONDS", 0.02)
    monkeypatch.setattr(silence, "DBFS", -6.5)
    plain = voice.generate(samples=2_000, seed=3, count=6, until_silence=True)
    assert len(set(plain.lengths)) > 3
    for best in (1, 3):
        sound = voice.generate(samples=2_000, seed=3, count=6 // best, best_of=best, until_silence=True)
        for wave, choice in zip(sound.waves(), sound.choices, strict=True):
            assert np.array_equal(wave, plain.waves()[choice.sequence])
            assert choice.bits == pytest.approx(bits_of(voice, wave[None])[0], abs=2e-3)  # float16 weights


def test_silence_that_ends_a_sound_is_no_trouble() -> None:
    def heard(until_silence: bool) -> Candidate:
        one = Candidate(10_000, Watch(UNKNOWN, toys.RATE), silence.Silence(toys.RATE) if until_silence else None)
        one.watch.hear = lambda *_: Trouble("silence", 0, 0.0)  # type: ignore[method-assign]
        for level in (0.5, 0.0, 0.0):
            one.hear(np.zeros(STEP, np.int64), np.full(STEP, level, np.float32), np.zeros(STEP, np.float32))
        return one

    assert len(heard(until_silence=True).redrawn) == 1  # while it sounded
    assert len(heard(until_silence=False).redrawn) == 2 and len(heard(until_silence=False).left) == 1


def test_a_last_step_that_is_too_short_is_not_judged() -> None:
    for length, expected in ((STEP, 0), (STEP - 1, None)):
        one = Candidate(10_000, Watch(UNKNOWN, toys.RATE), None)
        one.watch.hear = lambda *_: Trouble("noise", 0, 0.0)  # type: ignore[method-assign]
        step = np.zeros(length, np.float32)
        assert one.hear(np.zeros(length, np.int64), step, step) == expected


@pytest.mark.parametrize("until_silence", [False, True])
@pytest.mark.parametrize("back", [0, 2, 6])
def test_going_back_is_as_if_it_had_not_gone_on(back: int, until_silence: bool) -> None:
    rng, alphabet = np.random.default_rng(0), Categorical(16)
    drawn = [rng.integers(0, 16, STEP) for _ in range(11)]
    steps = [(codes, alphabet.decode(codes), rng.random(STEP, np.float32)) for codes in drawn]
    gone, stayed = (
        Candidate(10_000, Watch(UNKNOWN, toys.RATE), silence.Silence(toys.RATE) if until_silence else None)
        for _ in range(2)
    )
    for step in steps[:8]:
        gone.hear(*step)
    gone.go_back(back, toys.RATE)
    for step in steps[:back]:
        stayed.hear(*step)
    for step in steps[8:]:
        for one in (gone, stayed):
            one.hear(*step)
        assert np.array_equal(gone.watch.meter.means(), stayed.watch.meter.means(), equal_nan=True)
        assert np.array_equal(gone.wave(), stayed.wave()) and gone.bits == stayed.bits
        assert gone.length == stayed.length == len(gone.wave())


def test_going_back_forgets_the_silence_too() -> None:
    one = Candidate(10_000, Watch(UNKNOWN, toys.RATE), silence.Silence(toys.RATE))
    sound, quiet, free = np.full(STEP, 0.5, np.float32), np.zeros(STEP, np.float32), np.zeros(STEP, np.float32)
    for wave in (sound, *[quiet] * 5):
        one.hear((wave > 0).astype(np.int64), wave, free)
    one.go_back(2, toys.RATE)
    assert one.length == 2 * STEP and one.silence is not None and one.silence.quiet == STEP and not one.done
    for _ in range(5):
        one.hear(np.zeros(STEP, np.int64), quiet, free)
    assert one.done and one.length == 7 * STEP


def test_an_interruption_keeps_the_best_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0
    draw_step = BestOf._draw_step

    def interrupted(drawing: BestOf) -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise KeyboardInterrupt
        draw_step(drawing)

    voice = made()
    monkeypatch.setattr(BestOf, "_draw_step", interrupted)
    sound = voice.generate(samples=5_000, seed=1, best_of=2)
    assert sound.stopped_by == "SIGINT" and sound.samples.shape == (1, 3 * STEP) and len(sound.choices) == 1
    with pytest.raises(KeyboardInterrupt):  # nothing was made yet
        voice.generate(samples=5_000, seed=1, best_of=2)


def test_an_interruption_keeps_what_there_is_of_others_when_one_is_back_at_its_beginning(
    troubled: dict[int, list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    troubled.update({0: [5], 2: [5]})  # which go back to the beginning
    draw_step, calls = BestOf._draw_step, iter([*range(6), *range(6)])

    def interrupted(drawing: BestOf) -> None:
        if next(calls) == 5:
            raise Terminated("SIGTERM")
        draw_step(drawing)

    monkeypatch.setattr(BestOf, "_draw_step", interrupted)
    sound = made(middle=0.0).generate(samples=5_000, seed=1, best_of=2)
    assert sound.stopped_by == "SIGTERM" and sound.lengths == (5 * STEP,) and sound.choices[0].sequence == 1
    with pytest.raises(Terminated):  # no file without a sample is written
        made().generate(samples=5_000, seed=1, best_of=1)
