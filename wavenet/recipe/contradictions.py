"""What two keys of a condition say against each other, in sentences, before anything is computed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from wavenet.recipe.records import ASKED, PREDICTED, ConditionConfig, MelConfig, Recipe
from wavenet.recipe.schema import readable
from wavenet.text import many


def of_condition(told: ConditionConfig, recipe: Recipe) -> Iterator[str]:
    """Yield a sentence for each value of a condition that the range of its own key cannot refuse."""
    tracks = dict(told.tracks_told())
    if not told.fields and not tracks:
        yield "condition names neither fields nor tracks; name what the network is told, or leave condition out"
    for name, count in Counter(name for name, _ in told.fields).items():
        if count > 1:
            yield f"condition.fields names {name} {many(count, 'time')}; keep one"
    for name in dict(told.columns).keys() - dict(told.fields).keys():
        yield f"condition.columns names {name}, which is none of condition.fields; add it there, or remove it here"
    if tracks and told.hop_samples is None:
        yield "condition.hop_samples is missing, the distance of two frames of condition.tracks; add it"
    if not tracks and told.hop_samples is not None:
        yield f"condition.hop_samples is {told.hop_samples}, but condition.tracks names none; add tracks, or remove it"
    if not tracks and told.encoder.layers:
        yield "condition.encoder works on frames, but condition.tracks names none; add tracks, or remove it"
    if told.tracks.array and recipe.data.trim is not None:
        yield "condition.tracks.array belongs to whole files, but data.trim cuts their ends; keep one of them"
    yield from _of_sine(told, tracks)
    yield from _of_frequencies(told, recipe.audio.sample_rate)
    yield from _of_acoustic(told, tracks)
    if told.durations is not None and "phones" not in tracks:
        yield "condition.durations are those of phones; add condition.tracks.phones, or remove condition.durations"


def _of_sine(told: ConditionConfig, tracks: dict[str, int]) -> Iterator[str]:
    sine = told.tracks.sine
    if sine is None:
        return
    if sine.field not in dict(told.fields):
        yield (
            f"condition.tracks.sine.field is {sine.field!r:.60}, which is none of condition.fields; name the one whose "
            "values are MIDI notes"
        )
    if told.hop_samples is not None and told.hop_samples != 1:
        yield f"condition.hop_samples is {told.hop_samples}, but condition.tracks.sine needs each sample: set it to 1"
    if "phones" in tracks or told.acoustic is not None:
        yield (
            "condition.tracks.sine is for notes, and goes with neither phones nor condition.acoustic; keep the one or "
            "the others"
        )
    if told.encoder.pooled:
        yield (
            "condition.encoder averages over the whole sound (pooled), but a note of condition.tracks.sine may have no "
            "end; set pooled to false"
        )


def _of_frequencies(told: ConditionConfig, rate: int) -> Iterator[str]:
    for name, track in (("mel", told.tracks.mel), ("f0", told.tracks.f0)):
        if track is None:
            continue
        at, high = f"condition.tracks.{name}.high_hz", readable(track.high_hz)
        if track.high_hz <= track.low_hz:
            yield f"{at} is {high}, expected more than low_hz, which is {readable(track.low_hz)}"
        elif track.high_hz > rate / 2:
            yield f"{at} is {high}, expected at most half of audio.sample_rate, {readable(rate / 2)}"
        elif isinstance(track, MelConfig):
            yield from _of_mel(track, rate)


def _of_mel(mel: MelConfig, rate: int) -> Iterator[str]:
    if mel.window_samples > mel.fft_samples:
        yield (
            f"condition.tracks.mel.window_samples is {mel.window_samples:,}, expected at most fft_samples, "
            f"{mel.fft_samples:,}"
        )
        return
    empty = empty_filter(mel, rate)
    if empty is not None:
        yield (
            f"filter {empty[0]} of the {mel.bands} of condition.tracks.mel.bands ({empty[1]:.1f} to {empty[2]:.1f} Hz) "
            f"holds no frequency of fft_samples {mel.fft_samples:,}, which lie {rate / mel.fft_samples:.1f} Hz apart; "
            "take fewer bands or a longer fft"
        )


def _of_acoustic(told: ConditionConfig, tracks: dict[str, int]) -> Iterator[str]:
    if told.acoustic is None:
        return
    if not any(name in tracks for name in PREDICTED):
        aims = " and ".join(PREDICTED)
        yield f"condition.acoustic predicts {aims}; add one of them to condition.tracks, or remove condition.acoustic"
    if not any(name in tracks for name in ASKED):
        yield "condition.acoustic goes by the clock or phones; add condition.tracks.clock, or remove condition.acoustic"
    if told.encoder.pooled:
        yield (
            "condition.encoder averages over the whole sound (pooled), which condition.acoustic predicts piece by "
            "piece; set pooled to false, or remove condition.acoustic"
        )


def empty_filter(mel: MelConfig, rate: int) -> tuple[int, float, float] | None:
    """Return the first mel filter, counted from 1, that no frequency of the transform lies in, and its edges in Hz.

    A filter is a triangle over three neighbours of `bands + 2` points, even on the scale of `mel.scale`.
    """
    low, high = (_mels(hz, mel.scale) for hz in (mel.low_hz, mel.high_hz))
    points = [_hertz(low + (high - low) * i / (mel.bands + 1), mel.scale) for i in range(mel.bands + 2)]
    apart = rate / 2 / (mel.fft_samples // 2)
    for band in range(mel.bands):
        begin, end = points[band], points[band + 2]
        if (math.floor(begin / apart) + 1) * apart >= end:
            return band + 1, begin, end
    return None


LINEAR = 200 / 3  # Hz of a mel of Slaney's scale, which is linear up to KNEE and logarithmic above
KNEE = 1_000.0
STEP = math.log(6.4) / 27


def _mels(hertz: float, scale: str) -> float:
    if scale == "htk":
        return 2_595 * math.log10(1 + hertz / 700)
    return hertz / LINEAR if hertz < KNEE else KNEE / LINEAR + math.log(hertz / KNEE) / STEP


def _hertz(mels: float, scale: str) -> float:
    if scale == "htk":
        return float(700 * (10 ** (mels / 2_595) - 1))
    return mels * LINEAR if mels < KNEE / LINEAR else KNEE * math.exp(STEP * (mels - KNEE / LINEAR))
