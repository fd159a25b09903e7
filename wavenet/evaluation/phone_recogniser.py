"""Names the phone in each frame of speech, and thereby which sentence is said: a small network of one voice's own.

It is trained in minutes on real recordings and where their phones lie, with the faults that sound may have. It knows no
words and no grammar, so it judges whether the phones that were asked for are there. What it is worth is what it names
right of held-out real speech, which it must never have heard.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from wavenet.errors import InputError
from wavenet.evaluation import convolutions, forced_alignment
from wavenet.evaluation.convolutions import STRIDE, convolved, one_thread
from wavenet.evaluation.faults import Spoilt, holed, spoilt
from wavenet.evaluation.log_mels import HOP_SECONDS, check, filled, levelled, log_mel
from wavenet.evaluation.recogniser import Ids, Settings, Weights, batches
from wavenet.outputs import Floats
from wavenet.progress import Progress
from wavenet.speech import SILENCE, Aligned, Phone
from wavenet.text import many

if TYPE_CHECKING:
    import torch
    from torch import Tensor

VERSION = 1  # of the network and its training: another one is trained anew
USUAL = Settings(steps=300, batch=12, channels=96)  # half a minute of one core (LOG.md)
MOST_PASSES = 40  # over all clips: fewer steps for few
OFF_SECONDS = 0.1  # that phones may end before or behind their recording


@dataclass(frozen=True)
class PhoneRecogniser:
    """A trained network that names the phone in each frame."""

    phones: tuple[str, ...]  # their names, by their ids
    sample_rate: int  # in Hz
    weights: Weights  # float32, by name

    def scores(self, wave: Floats) -> Floats:
        """Return the log likelihood [F, phones] float32 of each phone in each frame, up to a constant of the frame.

        It is the log of the network's probability over that of the phone in training (Bourlard and Morgan 1994). Frame
        k lies around sample k * `frame_samples`.

        Args:
            wave: [T] float32 in [-1, 1] at `sample_rate`, of any length and level.

        Raises:
            InputError: it has no samples, or some that are not finite.
        """
        import torch

        check([wave])
        weights = {name: torch.from_numpy(value) for name, value in self.weights.items()}
        with torch.no_grad(), one_thread():
            heard, there = log_mel(filled([levelled(np.asarray(wave, np.float32))]), [len(wave)], self.sample_rate)
            logits = _listen(weights, heard, there)[0]
            return np.asarray((logits.log_softmax(dim=2) - weights["prior"])[0].numpy(), np.float32)

    def names(self, wave: Floats) -> Ids:
        """Return the id [F] int64 of the likeliest phone in each frame, as often as it was in training."""
        return np.asarray((self.scores(wave) + self.weights["prior"]).argmax(axis=1), np.int64)

    def said(self, waves: Sequence[Floats], sentences: Sequence[Sequence[Phone]]) -> list[int | None]:
        """Return which sentence each wave is taken for, by its number from 0; None where it is too short for all.

        Args:
            waves: as for `scores`.
            sentences: the phones of each; pauses may be anywhere between words.

        Raises:
            InputError: as from `scores`, or a sentence has no phones, or some that were not in training.
        """
        check(waves)
        through, made = forced_alignment.paths(sentences, self.phones), list[int | None]()
        with Progress("listening for phones", len(waves), "clips") as progress:
            for wave in waves:
                found = forced_alignment.fits(self.scores(wave), through)
                made.append(int(found.argmax()) if np.isfinite(found.max()) else None)
                progress.advance(1)
        return made

    @property
    def frame_samples(self) -> int:
        """Samples from one frame to the next."""
        return frame_samples(self.sample_rate)


def frame_samples(rate: int) -> int:
    """Return the samples from one frame that is named to the next."""
    return STRIDE * max(1, round(HOP_SECONDS * rate))


@dataclass(frozen=True)
class Spoken:
    """Recordings to train on, and where their phones lie.

    Attributes:
        waves: [T] float32 in [-1, 1] each, of any lengths and levels; read when they are needed, many times.
        aligned: the phones of each.
        sample_rate: of the waves, in Hz.
    """

    waves: Sequence[Floats]
    aligned: Sequence[Aligned]
    sample_rate: int

    @property
    def phones(self) -> tuple[str, ...]:
        """The names of all phones, sorted; a pause is one."""
        return tuple(sorted({SILENCE, *(phone.name for one in self.aligned for phone in one.phones)}))

    def check(self) -> None:
        """Raise InputError unless each recording has its phones, and lasts as long as they."""
        if len(self.waves) != len(self.aligned) or not len(self.waves):
            raise InputError(
                f"there are phones of {many(len(self.aligned), 'recording')} for {many(len(self.waves), 'recording')}, "
                "expected as many, and at least one; align each with its text"
            )
        for number, (wave, own) in enumerate(zip(self.waves, self.aligned, strict=True)):
            lasts, ends = len(wave) / self.sample_rate, own.ends[-1]
            if abs(lasts - ends) > OFF_SECONDS:
                raise InputError(f"recording {number} lasts {lasts:.2f} s, its phones {ends:.2f} s; align it anew")


def labels(own: Aligned, names: Sequence[str], seconds: Floats) -> Ids:
    """Return which phone is said at some times, by the names of all; a pause before the first and behind the last.

    Args:
        own: where the phones lie.
        names: by their ids, with all phones of `own`.
        seconds: [F], from the beginning.
    """
    ids = {name: number for number, name in enumerate(names)}
    told = np.array([*(ids[phone.name] for phone in own.phones), ids[SILENCE]], np.int64)
    made = told[np.searchsorted(np.array(own.ends), seconds, side="right")]
    return np.where(seconds < 0, ids[SILENCE], made)


# --- training --------------------------------------------------------------------------------------------------------


def usual(clips: int) -> Settings:
    """Return how a recogniser of so many clips is trained."""
    return replace(USUAL, steps=min(USUAL.steps, -(-MOST_PASSES * clips // min(clips, USUAL.batch))))


def train(spoken: Spoken, settings: Settings = USUAL) -> PhoneRecogniser:
    """Return a recogniser of the phones of some recordings, the same for the same ones, settings and build of torch.

    Raises:
        InputError: recordings and phones do not fit each other, or a recording is empty or not finite.
    """
    import torch

    check(spoken.waves)
    spoken.check()
    names, draw = spoken.phones, torch.Generator().manual_seed(settings.seed)
    weights = begin(len(names), settings.channels, draw)
    tuned = torch.optim.AdamW(
        [value.requires_grad_() for name, value in weights.items() if name != "prior"],
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
    )
    seen = torch.ones(len(names))
    drawn = batches(np.array([len(wave) for wave in spoken.waves]), settings, draw)
    with one_thread(), Progress("training a recogniser of phones", settings.steps, "steps") as progress:
        for step, chosen in zip(range(settings.steps), drawn, strict=False):
            tuned.param_groups[0]["lr"] = settings.learning_rate * (1 + math.cos(math.pi * step / settings.steps)) / 2
            loss, said = _loss(weights, spoken, chosen, settings, draw)
            seen += torch.bincount(said, minlength=len(names))
            tuned.zero_grad()
            loss.backward()
            tuned.step()
            progress.advance(1, f"loss {float(loss.detach()):.3f}")
    weights["prior"] = torch.log(seen / seen.sum())
    return PhoneRecogniser(names, spoken.sample_rate, {name: value.detach().numpy() for name, value in weights.items()})


def begin(phones: int, channels: int, draw: torch.Generator) -> dict[str, Tensor]:
    """Return weights to begin with."""
    import torch

    head = {
        "phones.weight": torch.randn(phones, channels, generator=draw) * channels**-0.5,
        "phones.bias": torch.zeros(phones),
        "prior": torch.full((phones,), -math.log(phones)),  # log of the share of frames of each phone
    }
    return convolutions.begin(channels, draw) | head


def _loss(
    weights: Mapping[str, Tensor], spoken: Spoken, chosen: Ids, settings: Settings, draw: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Return the mean cross entropy of some recordings' frames in nats, and which phones they are [frames]."""
    import torch
    from torch.nn.functional import cross_entropy

    rate, names = spoken.sample_rate, spoken.phones
    parts = [spoilt(levelled(spoken.waves[index]), rate, draw) for index in chosen]
    heard, there = log_mel(filled([part.wave for part in parts]), [len(part.wave) for part in parts], rate)
    told, left = _listen(weights, holed(heard, draw), there, settings.dropout, draw)
    own = [spoken.aligned[index] for index in chosen]
    said = np.stack([_labels_of(one, part, names, rate, left.shape[1]) for one, part in zip(own, parts, strict=True)])
    right = torch.from_numpy(said)[left]
    return cross_entropy(told[left], right), right


def _labels_of(own: Aligned, part: Spoilt, names: Sequence[str], rate: int, frames: int) -> Ids:
    """Return which phone each frame [F] of a spoilt part has: the silence around it is a pause."""
    at = np.arange(frames) * frame_samples(rate) - part.before
    made = labels(own, names, np.asarray((at + part.first) / rate))
    return np.where((at < 0) | (at >= part.samples), names.index(SILENCE), made)


def _listen(
    weights: Mapping[str, Tensor],
    heard: Tensor,
    there: Tensor,
    dropout: float = 0.0,
    draw: torch.Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Return the logits [B, F', phones], and which frames [B, F'] belong to their clips; arguments as `convolved`."""
    from torch.nn.functional import linear

    held, left = convolved(weights, heard, there, dropout, draw)
    return linear(held.mT, weights["phones.weight"], weights["phones.bias"]), left
