"""Names what was said, and by whom: a small convolutional network on log mels, trained on real sound in minutes.

It judges whether generated sound is what was asked for. Any columns can be its fields: speaker, label, and so on. It
hears sound at one level, and in training with other sound's faults: noise, mu-law steps, silence around it, holes. So
it listens to what is said, not to how clean that is. What it is worth is what it names right of held-out real sound,
which it must never have seen.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wavenet.errors import InputError
from wavenet.features.mel import filters
from wavenet.outputs import Categorical, Floats
from wavenet.progress import Progress
from wavenet.recipe.records import MelConfig
from wavenet.text import many

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Ids = NDArray[np.int64]
Weights = dict[str, NDArray[np.float32]]

VERSION = 1  # of the network and its training: another one is trained anew
WINDOW_SECONDS, HOP_SECONDS, BANDS, LOWEST_HZ = 0.025, 0.010, 48, 60.0
FLOOR = 1e-5  # power of a band that is heard as silence, against 1 for white noise as loud as the clip
QUIETEST = 1e-5  # RMS of a wave that is not made louder than this
LAYERS = ((5, 1, 1), (5, 2, 1), (5, 1, 1), (5, 1, 2), (5, 1, 2))  # kernel, stride, dilation of each; half a second
LONGEST_SECONDS = 3.0  # of a clip in training, at another place each time
AT_ONCE = 32  # clips that are named in one batch
MU_LAW = Categorical(256)  # the coarsest sound that is generated


@dataclass(frozen=True)
class Settings:
    """How a recogniser is trained."""

    steps: int = 1600
    batch: int = 64  # clips a step
    channels: int = 128
    learning_rate: float = 2e-3  # falls to nothing, as half a cosine
    weight_decay: float = 0.02
    dropout: float = 0.2  # of channels behind each convolution
    seed: int = 0


USUAL = Settings()


@dataclass(frozen=True)
class Recogniser:
    """A trained network that names the fields of a sound."""

    values: dict[str, tuple[str, ...]]  # each field with the names of its values, by their ids
    sample_rate: int  # in Hz
    weights: Weights  # float32, by name

    def names(self, waves: Sequence[Floats]) -> Ids:
        """Return the ids [clips, fields] int64 of each field's likeliest value, for waves [T] in [-1, 1]."""
        told = self.probabilities(waves)
        return np.stack([told[field].argmax(axis=1) for field in self.values], axis=1)

    def probabilities(self, waves: Sequence[Floats]) -> dict[str, Floats]:
        """Return the probability [clips, values] float32 of each value of each field.

        Args:
            waves: [T] float32 in [-1, 1] at `sample_rate`, of any lengths.

        Raises:
            InputError: a wave has no samples, or some that are not finite.
        """
        import torch

        _check(waves)
        weights = {name: torch.from_numpy(value) for name, value in self.weights.items()}
        made: dict[str, list[Floats]] = {
            field: [np.zeros((0, len(own)), np.float32)] for field, own in self.values.items()
        }
        order = sorted(range(len(waves)), key=lambda index: len(waves[index]))  # so that little is filled up
        with torch.no_grad(), _one_thread():
            for first in range(0, len(order), AT_ONCE):
                part = [_levelled(np.asarray(waves[i], np.float32)) for i in order[first : first + AT_ONCE]]
                heard, there = _log_mel(_filled(part), [len(wave) for wave in part], self.sample_rate)
                for field, logits in _listen(weights, heard, there, list(self.values)).items():
                    made[field].append(logits.softmax(dim=1).numpy())
        back = np.argsort(np.array(order, np.int64))
        return {field: np.concatenate(parts)[back] for field, parts in made.items()}


@dataclass(frozen=True)
class Labelled:
    """Clips to train on, and what each of them is.

    Attributes:
        waves: [T] float32 in [-1, 1] each, of any lengths and levels; read when they are needed, many times.
        ids: [clips, fields] int64, which value each clip has in each field; beyond the last: not known.
        values: each field with the names of its values, in the order of the columns of `ids`.
        sample_rate: of the waves, in Hz.
    """

    waves: Sequence[Floats]
    ids: Ids
    values: Mapping[str, Sequence[str]]
    sample_rate: int

    def check(self) -> None:
        """Raise InputError unless each clip has an id in each field."""
        clips, fields, ids = len(self.waves), len(self.values), self.ids
        if not clips or not fields or ids.shape != (clips, fields):
            raise InputError(
                f"ids have shape {list(ids.shape)} for {many(clips, 'clip')} and {many(fields, 'field')}, expected "
                f"[{clips}, {fields}] and at least one of each; give each clip an id in each field"
            )
        if (ids < 0).any():
            raise InputError(
                f"an id is {int(ids.min())}, expected 0 or more; what is not known has an id beyond all values"
            )


# --- training --------------------------------------------------------------------------------------------------------


def train(clips: Labelled, settings: Settings = USUAL) -> Recogniser:
    """Return a recogniser trained on some clips, the same for the same clips, settings and build of torch.

    It takes one thread, so that it is the same however many cores there are.

    Raises:
        InputError: waves, ids and values do not fit each other, or a wave is empty or not finite.
    """
    import torch

    waves, sample_rate = clips.waves, clips.sample_rate
    _check(waves)
    clips.check()
    draw = torch.Generator().manual_seed(settings.seed)
    own = {field: tuple(names) for field, names in clips.values.items()}
    weights = begin(own, settings.channels, draw)
    tuned = torch.optim.AdamW(weights.values(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    lengths = np.array([len(wave) for wave in waves])
    with _one_thread(), Progress("training a recogniser", settings.steps, "steps") as progress:
        for step, chosen in zip(range(settings.steps), _batches(lengths, settings, draw), strict=False):
            tuned.param_groups[0]["lr"] = settings.learning_rate * (1 + math.cos(math.pi * step / settings.steps)) / 2
            spoilt = [_spoilt(_levelled(waves[index]), sample_rate, draw) for index in chosen]
            heard, there = _log_mel(_filled(spoilt), [len(wave) for wave in spoilt], sample_rate)
            told = _listen(weights, _holed(heard, draw), there, list(own), settings.dropout, draw)
            loss = _loss(told, torch.from_numpy(clips.ids[chosen]))
            tuned.zero_grad()
            loss.backward()
            tuned.step()
            progress.advance(1, f"loss {float(loss.detach()):.3f}")
    return Recogniser(own, sample_rate, {name: value.detach().numpy() for name, value in weights.items()})


def begin(values: Mapping[str, Sequence[str]], channels: int, draw: torch.Generator) -> dict[str, Tensor]:
    """Return weights to begin with (He et al. 2015, arXiv:1502.01852)."""
    import torch

    made: dict[str, Tensor] = {}
    for layer, (kernel, _, _) in enumerate(LAYERS):
        inputs = channels if layer else BANDS
        made[f"layers.{layer}.weight"] = (
            torch.randn(channels, inputs, kernel, generator=draw) * (2 / (inputs * kernel)) ** 0.5
        )
        made[f"layers.{layer}.bias"] = torch.zeros(channels)
        made[f"layers.{layer}.scale"] = torch.ones(channels)
    for field, names in values.items():
        made[f"fields.{field}.where"] = torch.zeros(1, channels)
        made[f"fields.{field}.weight"] = torch.randn(len(names), channels, generator=draw) * channels**-0.5
        made[f"fields.{field}.bias"] = torch.zeros(len(names))
    return {name: value.requires_grad_() for name, value in made.items()}


def _batches(lengths: NDArray[np.integer], settings: Settings, draw: torch.Generator) -> Iterator[Ids]:
    """Yield which clips each step hears: all but a batch's rest, again and again, those about as long together."""
    import torch

    size = min(settings.batch, len(lengths))
    while True:
        chosen = torch.randperm(len(lengths), generator=draw)[: len(lengths) // size * size].numpy()
        blur = torch.randn(len(chosen), generator=draw).numpy()
        order = chosen[np.argsort(np.log(lengths[chosen]) + 0.3 * blur, kind="stable")].reshape(-1, size)
        yield from order[torch.randperm(len(order), generator=draw).numpy()]


def _loss(told: Mapping[str, Tensor], ids: Tensor) -> Tensor:
    """Return the sum over fields of the mean cross entropy, in nats; a little is left for all other values."""
    import torch
    from torch.nn.functional import cross_entropy

    losses = 0.0 * torch.stack([logits.sum() for logits in told.values()]).sum()  # where nothing at all is known
    for column, logits in enumerate(told.values()):
        known = ids[:, column] < logits.shape[1]
        if bool(known.any()):
            losses = losses + cross_entropy(logits[known], ids[known, column], label_smoothing=0.05)
    return losses


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Let torch take one thread, so that sums are made in one order."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


# --- the network -----------------------------------------------------------------------------------------------------


def _listen(
    weights: Mapping[str, Tensor],
    heard: Tensor,
    there: Tensor,
    fields: Sequence[str],
    dropout: float = 0.0,
    draw: torch.Generator | None = None,
) -> dict[str, Tensor]:
    """Return the logits [B, values] of each field.

    Convolutions over frames, each normalised over the channels of its frame, so that a clip is heard alike alone and in
    a batch; then for each field a mean over frames, weighted by where that field is to be heard.

    Args:
        weights: of the network.
        heard: [B, BANDS, F] log mels.
        there: [B, F] bool, whether a frame belongs to its clip; all that lie before its last do.
        fields: their names.
        dropout: the share of channels that is left out of each clip.
        draw: decides which.
    """
    import torch
    from torch.nn.functional import conv1d, gelu, layer_norm, linear

    held = heard * there[:, None]
    for layer, (kernel, stride, dilation) in enumerate(LAYERS):
        made = conv1d(held, weights[f"layers.{layer}.weight"], None, stride, kernel // 2 * dilation, dilation)
        there = there[:, ::stride]
        scale, bias = weights[f"layers.{layer}.scale"], weights[f"layers.{layer}.bias"]
        made = gelu(layer_norm(made.mT, [made.shape[1]], scale, bias)).mT
        if dropout:
            kept = torch.rand(made.shape[0], made.shape[1], 1, generator=draw) >= dropout
            made = made * kept / (1 - dropout)
        held = (held + made if layer > 1 else made) * there[:, None]
    told = {}
    for field in fields:
        where = linear(held.mT, weights[f"fields.{field}.where"]).masked_fill(~there[:, :, None], -math.inf)
        told[field] = linear(
            (held @ where.softmax(dim=1))[:, :, 0], weights[f"fields.{field}.weight"], weights[f"fields.{field}.bias"]
        )
    return told


# --- what it hears ---------------------------------------------------------------------------------------------------


def _log_mel(waves: Tensor, lengths: Sequence[int], rate: int) -> tuple[Tensor, Tensor]:
    """Return log mels [B, BANDS, F] of about -3 to 3, and which frames [B, F] belong to their clips.

    Frames of WINDOW_SECONDS, one each HOP_SECONDS, the first around the first sample. Beyond a clip is silence.
    """
    import torch

    hop, window = max(1, round(HOP_SECONDS * rate)), max(2, round(WINDOW_SECONDS * rate))
    size = 2 << (window - 1).bit_length()  # filled up with zeros
    shape = torch.hann_window(window)
    spectra = torch.stft(waves, size, hop, window, shape, pad_mode="constant", return_complex=True)
    power = (spectra.real**2 + spectra.imag**2) / float((shape**2).sum())
    bands = torch.from_numpy(mel_bands(rate, size)) @ power
    ends = torch.tensor([1 + length // hop for length in lengths])
    return (torch.log(bands + FLOOR) + 4) / 3, torch.arange(bands.shape[2])[None] < ends[:, None]


def mel_bands(rate: int, size: int) -> Floats:
    """Return what the power of each band is a mean of, [BANDS, size // 2 + 1] float32: mel filters of sum 1.

    Args:
        rate: in Hz.
        size: samples of the Fourier transform; of 50 ms or more, so that no band falls between two bins.
    """
    ends = {"low_hz": min(LOWEST_HZ, rate / 8), "high_hz": rate / 2}
    bank = filters(MelConfig(BANDS, size, size, **ends, power=2, scale="htk", norm="none", floor=FLOOR), rate).T
    return np.asarray(bank / bank.sum(axis=1, keepdims=True), np.float32)


def _levelled(wave: Floats) -> Floats:
    """Return the wave at an RMS of 1."""
    rms = float(np.sqrt(np.mean(wave.astype(np.float64) ** 2)))
    return np.asarray(wave / max(rms, QUIETEST), np.float32)


def _filled(waves: Sequence[Floats]) -> Tensor:
    """Return waves [B, T] float32, silence behind those that are shorter."""
    import torch

    made = torch.zeros(len(waves), max(map(len, waves)))
    for row, wave in zip(made, waves, strict=True):
        row[: len(wave)] = torch.from_numpy(wave)
    return made


# --- faults that sound may have --------------------------------------------------------------------------------------


def _spoilt(wave: Floats, rate: int, draw: torch.Generator) -> Floats:
    """Return a wave as it might come: a part of it, in silence, quantised, with noise, at another level."""
    import torch

    chance = torch.rand(9, generator=draw, dtype=torch.float64).tolist()
    longest = round(LONGEST_SECONDS * rate)
    first = int(chance[0] * max(1, len(wave) - longest + 1))
    part = wave[first : first + longest]
    if chance[1] < 0.5:
        rms = 0.03 * 6 ** chance[2]  # of full scale
        part = MU_LAW.decode(MU_LAW.encode(part * rms)) / np.float32(rms)
    before, behind = (round(0.4 * share**2 * rate) for share in chance[3:5])
    part = np.pad(part, (before, behind))
    noise = torch.randn(len(part) + 1, generator=draw).numpy()
    noise = noise[1:] + (1.6 * chance[5] - 0.8) * noise[:-1]  # from dark to bright
    loud = 10 ** (-(12 + 48 * chance[6]) / 20)
    made = part + (loud * noise / float(noise.std()) if chance[7] < 0.8 else 0.0)
    return np.asarray(10 ** ((chance[8] - 0.5) * 16 / 20) * made, np.float32)


def _holed(heard: Tensor, draw: torch.Generator) -> Tensor:
    """Return log mels without some frames and bands (Park et al. 2019, arXiv:1904.08779), tilted a little."""
    import torch

    clips, bands, frames = heard.shape
    made = heard + 0.3 * torch.randn(clips, 1, 1, generator=draw) * torch.linspace(-1, 1, bands)[:, None]
    for axis, count, most in ((1, bands, 6), (2, frames, min(8, frames // 8))):
        width = torch.randint(most + 1, (clips, 1), generator=draw)
        first = (torch.rand(clips, 1, generator=draw) * count).long()
        place = torch.arange(count)[None]
        hole = (place >= first) & (place < first + width)
        made = made.masked_fill(hole.unsqueeze(3 - axis), 0.0)
    return made


# --- checks ----------------------------------------------------------------------------------------------------------


def _check(waves: Sequence[Floats]) -> None:
    for index, wave in enumerate(waves):
        if not len(wave):
            raise InputError(f"clip {index} has no samples, expected at least one; leave it out")
        if not np.isfinite(wave).all():
            raise InputError(f"clip {index} has samples that are not finite, expected -1 to 1; leave it out")
