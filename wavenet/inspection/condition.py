"""Conditioning: what a network is told besides the past of its sound, how far a sample depends on it, what it costs.

A frame stands at its middle (`geometry/frames.py`). All distances are the largest over the places that a sample may
have in its frame, so that they are exact for some sample and enough for every one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from wavenet import geometry
from wavenet.geometry import ConditionShape, Encoder, Hole, Layer, Parallel, Part, Shape, Whole
from wavenet.recipe.records import ASKED, PREDICTED, ConditionConfig, MelConfig
from wavenet.text import joined, lasting, many, milliseconds, number, percent, printable, some

HOLES_SHOWN = 4
DILATIONS_SHOWN = 8
VALUES_SHOWN = 100  # of a field
NAME = 16  # characters of one


@dataclass(frozen=True)
class EncoderReport:
    """What convolutions over frames see of the frames around one."""

    convolutions: Any  # as the recipe says them
    reach: int  # frames back, and as many ahead
    coverage: float  # share of these frames, and the one itself, that is reached
    holes: tuple[Hole, ...]  # those that are not, as (first, last, step), counted from the frame: -1 is the one before
    whole_input: bool  # whether a pooled branch sees the whole sound besides


@dataclass(frozen=True)
class FrameContext:
    """The frames that a drawn sample depends on, and how far their middles lie from it."""

    back: int  # frames before the sample's own
    ahead: int  # frames behind it
    back_ms: float
    ahead_ms: float
    back_through: int  # frames before it, with those that all past samples of the receptive field were told
    back_through_ms: float
    future_samples: int | None  # of a sound, behind the sample, that the mel needs; None: all, or there is no mel
    future_ms: float | None
    streams: bool  # whether sound can be made before all frames are known


@dataclass(frozen=True)
class AcousticReport:
    """The network that predicts tracks."""

    predicts: dict[str, int]  # tracks, each with its values a frame
    channels: int
    encoder: EncoderReport
    reach_ms: float  # how far it looks back, and ahead


@dataclass(frozen=True)
class DurationsReport:
    """The network that predicts how long phones are."""

    channels: int
    encoder: EncoderReport  # over phones
    macs_per_phone: int  # multiply-adds


@dataclass(frozen=True)
class Split:
    """What something costs, by what it is for."""

    samples: int  # the stacks and the head
    condition: int  # what brings all that is told to the gates
    acoustic: int  # what predicts tracks
    durations: int  # what predicts how long phones are, once a phone: nothing of it is for samples


@dataclass(frozen=True)
class ConditionReport:
    """What a network is told."""

    fields: dict[str, int]  # each with the number of its values
    values: dict[str, list[str]]  # of the fields, and phones, as a trained network knows them
    tracks: dict[str, int]  # each with its values a frame
    channels: int
    hop_samples: int | None  # from one frame to the next; None, as what follows, where there are no tracks
    hop_ms: float | None
    upsample: str | None  # repeat or linear
    encoder: EncoderReport | None
    context: FrameContext | None
    acoustic: AcousticReport | None
    durations: DurationsReport | None
    parameters: Split
    macs_per_sample: Split  # multiply-adds; those for frames are shared out over the samples of a frame
    macs_per_frame: int | None  # multiply-adds of both networks over frames
    macs_per_sound: int  # multiply-adds of what is the same for a whole sound, which those per sample leave out


def of_config(config: ConditionConfig, shape: Shape, rate: int, values: dict[str, list[str]]) -> ConditionReport:
    """Return what a recipe tells its network.

    Args:
        config: the recipe's `condition`.
        shape: of the whole network.
        rate: in Hz.
        values: of its fields, and phones, as a trained network knows them.
    """
    told, tracks = config.shape(), dict(config.tracks_told())
    rows = [row for row in told.products(_gates(shape)) if row.name.partition(".")[0] != "durations"]
    acoustic = None
    if told.acoustic is not None:
        encoder = told.acoustic.encoder
        predicted = {name: width for name, width in tracks.items() if name in PREDICTED}
        reach = 1000 * encoder.reach * told.hop / rate
        acoustic = AcousticReport(predicted, told.acoustic.channels, of_encoder(encoder), reach)
    return ConditionReport(
        fields=dict(config.fields),
        values=values,
        tracks=tracks,
        channels=config.channels,
        hop_samples=told.hop if tracks else None,
        hop_ms=milliseconds(told.hop, rate) if tracks else None,
        upsample=config.upsample if tracks else None,
        encoder=of_encoder(told.told.encoder) if tracks else None,
        context=_context(config, shape, rate) if tracks else None,
        acoustic=acoustic,
        durations=_durations(told),
        parameters=_parameters(shape),
        macs_per_sample=_macs(shape),
        macs_per_frame=sum(row.macs for row in rows if row.every is not None) if tracks else None,
        macs_per_sound=sum(row.macs for row in rows if row.every is None),
    )


def _durations(told: ConditionShape) -> DurationsReport | None:
    """Return what predicts how long phones are."""
    own = told.durations
    if own is None:
        return None
    return DurationsReport(own.channels, of_encoder(own.encoder), sum(row.macs for row in own.products(None, 0)))


# --- frames ----------------------------------------------------------------------------------------------------------


def encoder_parts(encoder: Encoder) -> tuple[Part, ...]:
    """Return an encoder as layers and branches, which `geometry.see` takes with padding `same`."""
    layers = tuple(Layer(kernel, 1, dilation) for kernel, dilation in encoder.layers)
    if not encoder.pyramid:
        return layers
    pooled: tuple[tuple[Part, ...], ...] = ((Whole(), Layer(1)),) if encoder.pooled else ()
    return (Parallel(((Layer(1),), *((layer,) for layer in layers), *pooled)),)


def of_encoder(encoder: Encoder) -> EncoderReport:
    """Return what an encoder sees."""
    seen = geometry.see(encoder_parts(encoder), padding="same")
    missed = reversed(geometry.holes(seen.lags))
    holes = tuple((seen.newest - last, seen.newest - first, step) for first, last, step in missed)
    return EncoderReport(encoder.tree(), encoder.reach, seen.coverage, holes, encoder.pooled)


def frames_back(at: int, hop: int, linear: bool) -> int:
    """Return how many frames before frame 0 the first one is that a sample lies in or, where `linear`, beside.

    >>> frames_back(0, 80, linear=False), frames_back(0, 80, linear=True), frames_back(40, 80, linear=True)
    (0, 1, 0)
    """
    return -(at // hop) + (linear and 2 * (at % hop) + 1 < hop)


def frames_ahead(at: int, hop: int, linear: bool) -> int:
    """Return how many frames behind frame 0 the last one is that a sample lies in or, where `linear`, beside.

    >>> frames_ahead(79, 80, linear=False), frames_ahead(39, 80, linear=True), frames_ahead(40, 80, linear=True)
    (0, 0, 1)
    """
    return at // hop + (linear and 2 * (at % hop) + 1 > hop)


def mel_end(mel: MelConfig, hop: int) -> int:
    """Return the last sample that a frame's mel sees, counted from the first that the frame covers.

    The window lies around the frame's middle as `features/framing.py` and `features/mel.py` have it.
    """
    begin = hop // 2 - mel.fft_samples // 2 + (mel.fft_samples - mel.window_samples) // 2
    return begin + mel.window_samples - 1


def past_steps(shape: Shape) -> int:
    """Return how many steps before its own a sample depends on what was told in: the first layer's taps add no more."""
    return shape.receptive_field - shape.layers[0].effective_kernel


def _context(config: ConditionConfig, shape: Shape, rate: int) -> FrameContext:
    """Return the frames that a drawn sample depends on."""
    told = config.shape()
    hop, linear, reach = told.hop, told.linear, told.told.encoder.reach
    names = {name for name, _ in config.tracks_told()}
    whole = "f0" in names or (told.told.encoder.pooled and not names <= {*ASKED})  # which are known before
    places, past, mel = range(hop), past_steps(shape), config.tracks.mel
    ahead = [reach + frames_ahead(at, hop, linear) for at in places]
    back = [reach + frames_back(at, hop, linear) for at in places]
    through = [reach + frames_back(at - past, hop, linear) for at in places]
    future = None
    if mel is not None and not whole:
        future = max(0, *(frames * hop + mel_end(mel, hop) - at for at, frames in zip(places, ahead, strict=True)))
    return FrameContext(
        back=max(back),
        ahead=max(ahead),
        back_ms=_farthest(back, hop, rate),
        ahead_ms=_farthest(ahead[::-1], hop, rate),
        back_through=max(through),
        back_through_ms=_farthest(through, hop, rate),
        future_samples=future,
        future_ms=None if future is None else milliseconds(future, rate),
        streams=not whole,
    )


def _farthest(frames: list[int], hop: int, rate: int) -> float:
    """Return the longest way in ms from the middle of a sample to that of a frame, so many before its own."""
    return 1000 * max(at + 0.5 + (count - 0.5) * hop for at, count in enumerate(frames)) / rate


# --- costs -----------------------------------------------------------------------------------------------------------


def _gates(shape: Shape) -> int:
    """Return how many numbers all layers add what is told to."""
    return len(shape.layers) * 2 * shape.gate


def _parameters(shape: Shape) -> Split:
    return _split({row.name: (row.inputs + row.bias) * row.outputs for row in shape.products})


def _macs(shape: Shape) -> Split:
    """Return what adds up to `Shape.macs_per_sample`."""
    return _split({row.name: row.macs_per_sample for row in shape.products})


def _split(costs: dict[str, int]) -> Split:
    rooms = {"condition": 0, "acoustic": 0, "durations": 0, "samples": 0}
    for name, cost in costs.items():
        room = name.partition(".")[0]
        rooms[room if room in rooms else "samples"] += cost
    return Split(**rooms)


# --- text ------------------------------------------------------------------------------------------------------------


def facts(told: ConditionReport, rate: int) -> Iterator[tuple[str, str]]:
    """Yield what a network is told as (label, words)."""
    fields = [f"{name} ({many(size, 'value') if size else 'none known'})" for name, size in told.fields.items()]
    tracks = [f"{name} ({width:,} a frame)" for name, width in told.tracks.items()]
    yield "told", ", ".join([*fields, *tracks]) or "nothing"
    for name, values in ((name, values) for name, values in told.values.items() if values):
        yield printable(f"{name:.{NAME}}"), some(list(map(printable, values)), VALUES_SHOWN)
    context, encoder, hop = told.context, told.encoder, told.hop_samples
    if context is not None and encoder is not None and hop is not None:
        between = "each held over its samples" if told.upsample == "repeat" else "interpolated between their middles"
        yield "frames", f"every {lasting(hop, rate)}, {between}; {many(told.channels, 'channel')}"
        yield "encoder", _encoder_words(encoder)
        through = f"its past samples depend on {context.back_through:,} back, {_ms(context.back_through_ms)}"
        yield "frame context", f"{_both_ways(context)} of a sample; {through}"
        yield from _future(told, context, rate)
    if told.acoustic is not None:
        yield "acoustic", _acoustic_words(told, told.acoustic)
    if told.durations is not None:
        given = joined([*told.fields, "phones"])
        channels, costs = many(told.durations.channels, "channel"), number(told.durations.macs_per_phone, 10**10)
        what = (
            f"predicts how long phones are from {given}; {channels}; {_encoder_words(told.durations.encoder, 'phone')}"
        )
        yield "durations", f"{what}; {costs} multiply-adds a phone"


def parameters_words(told: ConditionReport) -> str:
    """Return whose the parameters are: ``: 69,712 for samples, 5,120 for what is told``."""
    acoustic = f", {told.parameters.acoustic:,} of the acoustic network" if told.acoustic else ""
    durations = f", {told.parameters.durations:,} of that of durations" if told.durations else ""
    own = f": {told.parameters.samples:,} for samples, {told.parameters.condition:,} for what is told"
    return own + acoustic + durations


def macs_words(told: ConditionReport) -> str:
    """Return how many of the multiply-adds per sample are for frames, or what is told costs besides."""
    own = told.macs_per_sample.condition + told.macs_per_sample.acoustic
    if told.macs_per_frame is None or told.hop_samples is None:
        return f"; {told.macs_per_sound:,} more for what is told, once a sound"
    share = f", shared by its {many(told.hop_samples, 'sample')}"
    return f"; {own:,} of these are for frames: {number(told.macs_per_frame, 10**10)} a frame{share}"


def stream_words(told: ConditionReport) -> str | None:
    """Return why sound cannot be made while what it is told still comes; None where it can."""
    if told.context is None or told.context.streams:
        return None
    pooled = told.encoder is not None and told.encoder.whole_input
    return f"cannot be streamed: {'the pooled branch sees' if pooled else 'f0 is found by looking at'} the whole sound"


def context_words(told: ConditionReport) -> str | None:
    """Return the frames that a sample depends on, and how much of the future that is; None where it is told none."""
    if told.context is None:
        return None
    future, ms = told.context.future_samples, told.context.future_ms
    words = f"{_both_ways(told.context)} of a sample"
    if future is not None and ms is not None:
        words += f", which is sound up to {many(future, 'sample')} ahead ({_ms(ms)})"
    return f"{words}; {stream_words(told)}" if stream_words(told) else words


def _future(told: ConditionReport, context: FrameContext, rate: int) -> Iterator[tuple[str, str]]:
    """Yield what must be known of a sound, beyond the sample that is drawn."""
    reason = stream_words(told)
    if reason is not None:
        yield "future", reason
    elif context.future_samples is not None:
        half = " and a half" if told.upsample == "repeat" else ""
        parts = f"{many(context.ahead, 'frame')}{half}, and half the window of the mel"
        yield "future", f"sound up to {lasting(context.future_samples, rate)}, ahead of a sample: {parts}"
    if "clock" in told.tracks:
        yield "clock", "has to know beforehand how long the sound lasts"
    if "sine" in told.tracks:
        count = many(told.tracks["sine"] // 2, "multiple")
        yield "sine", f"{count} of the pitch of a note, unknown where none is asked for"
    if "phones" in told.tracks:
        yield "lengths", "of all phones have to be known beforehand"


def _encoder_words(encoder: EncoderReport, unit: str = "frame") -> str:
    """Return an encoder in words, with the frames around one that it misses."""
    if not encoder.convolutions:
        return f"none: each {unit} by itself"
    seen = f"sees {many(2 * encoder.reach + 1, unit)}, {encoder.reach:,} back and as many ahead"
    if isinstance(encoder.convolutions, dict):
        made = f"a pyramid of dilations {_listed(encoder.convolutions['pyramid'])}"
    else:
        kernels, dilations = ([one[key] for one in encoder.convolutions] for key in ("kernel", "dilation"))
        made = f"kernel {kernels[0]}" if len(set(kernels)) == 1 else f"kernels {_listed(kernels)}"
        made += f", {'dilations' if len(dilations) > 1 else 'dilation'} {_listed(dilations)}"
    whole = "sound" if unit == "frame" else "sentence"
    pooled = f"; and the whole {whole} in a pooled branch" if encoder.whole_input else ""
    return f"{made}; {seen}{_missed(encoder)}{pooled}"


def _listed(numbers: Sequence[int]) -> str:
    """Return the first numbers of some, and the last."""
    words = list(map(str, numbers))
    return " ".join(words if len(words) <= DILATIONS_SHOWN else [*words[: DILATIONS_SHOWN - 2], "...", words[-1]])


def _missed(encoder: EncoderReport) -> str:
    """Return the frames that are not reached, those on one side only: the other has the same."""
    if not encoder.holes:
        return ""
    behind = [hole for hole in encoder.holes if hole[0] > 0]
    return f", but only {percent(encoder.coverage)} of these: missed either way {holes_words(behind, HOLES_SHOWN)}"


def holes_words(holes: Sequence[Hole], most: int) -> str:
    """Return the first holes in words: ``4, 9-12, 15-31 by 2 and 3 more holes``."""
    shown = [
        str(first) if first == last else f"{first}-{last}" + (f" by {step}" if step > 1 else "")
        for first, last, step in holes[:most]
    ]
    left = len(holes) - len(shown)
    return ", ".join(shown) + (f" and {many(left, 'more hole')}" if left else "")


def _acoustic_words(told: ConditionReport, acoustic: AcousticReport) -> str:
    """Return what an acoustic network predicts, from what, and what it sees."""
    given = [*told.fields, *(name for name in ASKED if name in told.tracks)]
    predicts = " and ".join(f"{name} ({width:,} a frame)" for name, width in acoustic.predicts.items())
    reach = f", {_ms(acoustic.reach_ms)} either way" if acoustic.encoder.reach else ""
    channels = many(acoustic.channels, "channel")
    return f"predicts {predicts} from {', '.join(given)}; {channels}; {_encoder_words(acoustic.encoder)}{reach}"


def _both_ways(context: FrameContext) -> str:
    """Return the frames back and ahead."""
    back, ahead = f"{many(context.back, 'frame')} back", f"{context.ahead:,} ahead"
    return f"{back} and {ahead}, {_ms(context.ahead_ms)} either way"


def _ms(ms: float) -> str:
    return f"{ms:,.1f} ms"
