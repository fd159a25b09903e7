"""A trained voice: a network, its recipe and its provenance. What `load` returns; what speaks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from wavenet import disk, outputs
from wavenet.audio.crops import gain
from wavenet.errors import InputError
from wavenet.features import statistics
from wavenet.features.statistics import Usual
from wavenet.generate import drawn, originals, priming
from wavenet.generate.asked import Asked, Vocabulary, Wanted, ask
from wavenet.generate.best_of import BestOf, aim_of, check_numbers
from wavenet.generate.engines import Engine, Request, build_engine
from wavenet.generate.guidance import check_guidance
from wavenet.generate.packed import stored
from wavenet.generate.priming import Prime
from wavenet.generate.sampler import Sampler
from wavenet.generate.say import Manner, Speaker, check_speaker
from wavenet.generate.silence import Silence
from wavenet.generate.sound import Sound
from wavenet.generate.state import MAX_CLOCK, check_memory
from wavenet.generate.verify import Verifier
from wavenet.generate.vocode import Vocoder, check_vocoder
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.outputs import Codes, Condition, Draw, Floats, checked_draw
from wavenet.progress import log
from wavenet.recipe import find
from wavenet.recipe.paths import is_run
from wavenet.text import finite, many, one_line

if TYPE_CHECKING:
    from wavenet.model.network import WaveNet

Told: TypeAlias = Wanted | Sequence[Wanted] | None  # of all sounds, of each, or nothing


@dataclass(repr=False)
class Voice(Bundle):
    """A trained network that speaks: a bundle, with what draws from it."""

    def __post_init__(self) -> None:
        self.alphabet = outputs.of(self.recipe)

    def __repr__(self) -> str:
        shape, rate = self.recipe.shape, self.sample_rate
        milliseconds = 1000 * shape.receptive_field / rate
        return f"<Voice {self.name}: {rate:,} Hz, {many(shape.parameters(), 'parameter')}, {milliseconds:,.1f} ms>"

    @property
    def name(self) -> str:
        """The recipe's name."""
        return self.recipe.name

    @property
    def sample_rate(self) -> int:
        """Of what it speaks, in Hz."""
        return self.recipe.audio.sample_rate

    @property
    def bits(self) -> int:
        """PCM bits that keep every code apart, where there is no pre-emphasis: such sound encodes back to its codes."""
        return self.alphabet.pcm_bits

    @property
    def fields(self) -> dict[str, tuple[str, ...]]:
        """The fields that it can be asked for, such as speaker or label, each with its values."""
        return dict(self.vocabulary().values) if self.recipe.fields else {}

    def network(self, storage: str = "float32") -> WaveNet:
        """Return the network as a torch module, weights as they are after storage (imports torch)."""
        from wavenet.model import network

        return network.from_arrays(self.recipe, stored(self.arrays, storage))

    def warnings(self) -> list[str]:
        """Return what its training record says against it."""
        bits, order0 = (finite(self.training.get(name)) for name in ("valid_bits", "order0_bits"))
        if bits is None and order0 is not None and "valid_bits" in self.training:
            return [
                "this model's score on held-out sound is not a finite number, so its weights have diverged: expect "
                "noise; train again at a lower learning rate"
            ]
        if bits is None or order0 is None:
            return ["this model was never measured on held-out sound; expect noise until it has been trained"]
        if not bits < order0:
            return [
                f"this model has not beaten the histogram of its training data ({bits:.3f} against {order0:.3f} "
                "bits/sample): expect noise; train longer"
            ]
        return []

    def encode(self, sound: Prime) -> Codes:
        """Return the codes [T] of sound at this voice's level and rate, ready for `Sampler.prime`.

        Raises:
            InputError: `sound` is not what `generate` takes as a prime.
        """
        wave = priming.mono(sound, self.sample_rate)
        if not len(wave):
            return np.zeros(0, np.int64)
        rms, peak = float(np.sqrt(np.mean(wave.astype(np.float64) ** 2))), float(np.abs(wave).max())
        level = gain(self.recipe.data.level, rms, peak) if peak > 0 else 1.0
        return self.alphabet.encode(wave * level)

    def sampler(
        self,
        batch: int = 1,
        seed: int | Sequence[int] = 0,
        draw: Draw | None = None,
        backend: str = "auto",
        storage: str | None = None,
        threads: int | None = None,
        condition: Condition | None = None,
    ) -> Sampler:
        """Return a sampler at the beginning of `batch` sequences, with a seed for all or one for each.

        `condition` is what they are told, which they follow as strongly as the recipe says, as those of `generate` do;
        see there for the other arguments.

        Raises:
            InputError: there is no such backend or storage, or it cannot run this network.
        """
        strength = self.guidance(None, condition is not None)
        return Sampler(self.engine(backend, storage, threads), batch, seed, draw, condition, strength)

    def engine(self, backend: str = "auto", storage: str | None = None, threads: int | None = None) -> Engine:
        """Return what steps this voice's network; see `generate` for the arguments.

        Raises:
            InputError: there is no such backend or storage, or it cannot run this network.
        """
        return build_engine(backend, Request(self.recipe.shape, self.arrays, self.alphabet, storage, threads))

    def vocabulary(self) -> Vocabulary:
        """Return what the fields of this voice are called.

        Raises:
            BundleError: the bundle does not say it.
        """
        return Vocabulary.of(self.recipe, self.data)

    def usual(self) -> Usual | None:
        """Return what mels, or arrays where it is told no mel, are like that it learned; None where none is known."""
        widths = {} if self.recipe.condition is None else dict(self.recipe.condition.tracks_told())
        name = "mel" if "mel" in widths else "array"
        return statistics.of_bundle(self.data, name, widths[name]) if name in widths else None

    def guidance(self, given: float | None, told: bool) -> float:
        """Return how strongly sounds follow what is told: as given, or as the recipe says; 1 where nothing is told.

        Raises:
            InputError: what is given is out of range, or the network can't follow (`check_guidance`).
        """
        own = self.recipe.condition
        if given is not None:
            given = check_guidance(given, self.recipe.shape, self.alphabet)
        if own is None or not told:  # both rows would be alike
            return 1.0
        return own.guidance if given is None else given

    def combinations(self, wanted: Wanted, count: int | None = None) -> list[dict[str, str]]:
        """Return what each of some sounds is asked for; the value `all` takes every value in turn.

        Args:
            wanted: values by field; the last field is the fastest to change.
            count: sounds; None takes one for each combination.

        Raises:
            InputError: a field or value is not known.
        """
        if not wanted:
            return [{} for _ in range(1 if count is None else count)]
        self.check_told()
        return self.vocabulary().combinations(wanted, count)

    def check_told(self) -> None:
        """Raise InputError where the network is told nothing."""
        if self.recipe.condition is None:
            raise InputError(f"{self.name} is told nothing but the past of its sound; leave conditions out")

    def asked(self, engine: Engine, wanted: Sequence[Wanted], samples: int | Sequence[int] | None, seed: int) -> Asked:
        """Return what the network is told where values of fields are asked for (`ask`).

        Raises:
            InputError: a field or value is not known.
        """
        if any(wanted):
            self.check_told()
        if self.recipe.condition is None:
            return Asked(None)
        return ask(engine.packed, self.vocabulary(), wanted, samples, seed)

    def stream(
        self,
        *,
        seconds: float | None = None,
        samples: int | None = None,
        count: int = 1,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        prime: Prime | None = None,
        backend: str = "auto",
        storage: str | None = None,
        threads: int | None = None,
        until_silence: bool = False,
        condition: Told = None,
        guidance: float | None = None,
        chunk: int = 1000,
    ) -> Iterator[Floats]:
        """Return an iterator over sound as it is made, [N, n] float32 a chunk; endless by default.

        See `generate` for the arguments. All that takes time before the first sample is done when this returns. With
        `until_silence` there are zeros behind the end of a sequence, until all ended.
        """
        draw, seed = checked_draw(temperature, top_k, top_p), draw_seed(seed)
        total = None if seconds is None and samples is None else self.length(seconds, samples)
        wanted = each_wanted(condition, count)
        primed = None if prime is None else self.encode(prime)  # first: the sampler may have to be compiled
        engine = self.engine(backend, storage, threads)
        asked = self.asked(engine, wanted, total, seed)
        source = Sampler(engine, count, seed, draw, asked.condition, self.guidance(guidance, any(wanted)))
        if primed is not None:
            source.prime(primed)
        totals = asked.lengths or (MAX_CLOCK if total is None else total,) * count
        return drawn.stream(source, totals, chunk, self._silences(count, until_silence))

    def generate(
        self,
        *,
        seconds: float | None = None,
        samples: int | None = None,
        count: int = 1,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        prime: Prime | None = None,
        backend: str = "auto",
        storage: str | None = None,
        threads: int | None = None,
        verify: bool = False,
        best_of: int | None = None,
        until_silence: bool = False,
        condition: Told = None,
        guidance: float | None = None,
    ) -> Sound:
        """Return `count` sounds; Ctrl-C, SIGTERM and SIGHUP give what was made so far.

        Args:
            seconds: how long; 3 by default.
            samples: how long, in samples, instead.
            count: sequences N; the first of many is the same as one alone.
            seed: 0 .. 2^63 - 1; None draws one.
            temperature: divides the logits; 0 takes the likeliest class.
            top_k: draw from the k likeliest classes; 0 from all.
            top_p: then from the fewest classes that have this share together; 1 from all.
            prime: sound to continue from, which is not in the result: a path; or an array or a tensor at this voice's
                rate, [T] or [T, channels], floating point in [-1, 1] or int16.
            backend: auto, or the name of an engine.
            storage: how weights are kept, float32 or float16; None takes what the backend does by default.
            threads: the most that are used; None takes as many as there are cores.
            verify: compare the sampler's log-probabilities with the training graph's (imports torch).
            best_of: draw so many candidates for each sound, and keep the one about as likely as held-out real sound;
                what no real sound does for so long is drawn again.
            until_silence: end each sound after 0.3 s below -50 dBFS, once it has begun; its length is then the most.
            condition: values of fields that are asked for, such as ``{"speaker": "jackson"}``, for all sounds or for
                each. Where the voice knows how long such sounds last, that is their length unless one is given.
            guidance: 0 to 10, how strongly they follow what is asked for, at twice the work; None: as the recipe says.

        Raises:
            InputError: an argument is out of range.
        """
        total, candidates = self.length(seconds, samples), 1 if best_of is None else best_of
        batch = count * candidates
        draw, seed = checked_draw(temperature, top_k, top_p), draw_seed(seed)
        check_numbers(count, candidates, draw)
        if best_of is not None:
            aim_of(self.training, self.name)
        check_memory(self.recipe.shape, batch, total)
        wanted = each_wanted(condition, count, candidates)
        primed = None if prime is None else self.encode(prime)  # first: the sampler may have to be compiled
        engine = self.engine(backend, storage, threads)
        asked = self.asked(engine, wanted, None if seconds is None and samples is None else total, seed)
        source = Sampler(engine, batch, seed, draw, asked.condition, self.guidance(guidance, any(wanted)))
        return self._made(source, seed, asked.lengths or (total,) * batch, primed, verify, best_of, until_silence)

    def _made(
        self,
        source: Sampler,
        seed: int,
        totals: Sequence[int],
        primed: Codes | None,
        verify: bool,
        best_of: int | None,
        until_silence: bool,
    ) -> Sound:
        """Return what a sampler draws behind a prime; `generate` explains the arguments."""
        if primed is not None:
            source.prime(primed)
        judge, storage = None, source.engine.storage
        if verify:
            told = source.condition, source.guidance
            judge = Verifier(self.network(storage), self.alphabet, source.batch, primed, *told)
        if best_of is None:
            silences = self._silences(source.batch, until_silence)
            made = drawn.collect(source, totals, judge, self.sample_rate, silences)
        else:
            aim = aim_of(self.training, self.name)
            made = BestOf(source, best_of, aim, self.sample_rate, primed, judge).draw(totals, until_silence)
        lengths = tuple(map(len, made.waves))
        waves = np.zeros((len(lengths), max(lengths)), np.float32)
        for wave, own in zip(waves, made.waves, strict=True):
            wave[: len(own)] = own
        ends = None if len(set(lengths)) == 1 else lengths
        about = made.wall, made.stopped_by, ends, made.choices
        difference = None if judge is None else judge.difference
        return Sound(waves, self.sample_rate, self.bits, seed, storage, difference, *about)

    def _silences(self, count: int, until_silence: bool) -> list[Silence]:
        """Return what hears each of some sounds until it ends; nothing where they are drawn to their full length."""
        return [Silence(self.sample_rate) for _ in range(count)] if until_silence else []

    def _source(
        self,
        *,
        seed: int | None = None,
        temperature: float = 1.0,
        top_k: int = 0,
        top_p: float = 1.0,
        backend: str = "auto",
        storage: str | None = None,
        threads: int | None = None,
        guidance: float | None = None,
    ) -> tuple[Engine, int, Draw, float]:
        """Return what copies and speech are drawn with: engine, seed, draw and guidance, from the options of a draw."""
        draw, seed = checked_draw(temperature, top_k, top_p), draw_seed(seed)
        strength = self.guidance(guidance, told=True)
        return self.engine(backend, storage, threads), seed, draw, strength

    def vocoder(
        self, *, condition: Wanted | None = None, level: str = "original", verify: bool = False, **options: Any
    ) -> Vocoder:
        """Return what copies sound with this voice; see `vocode` for the arguments.

        Raises:
            InputError: an argument is out of range, or this voice is told nothing that a copy can be made of.
        """
        check_vocoder(self.recipe)
        assert self.recipe.shape.condition is not None
        nothing = Condition.nothing(self.recipe.shape.condition, 1).fields
        (wanted,) = each_wanted(condition, 1)
        fields = (self.vocabulary().ids([wanted]) if wanted else nothing)[0]
        engine, seed, draw, strength = self._source(**options)
        network = self.network(engine.storage) if verify else None
        return Vocoder(engine, fields, self.sample_rate, self.bits, seed, draw, level, network, strength)

    def vocode(self, original: Prime, *, cache: str | Path | None = None, **options: Any) -> Sound:
        """Return a copy of a sound, as long as it is: made of nothing but what this voice is told of it.

        Args:
            original: a path to a sound or to a .npy file of mels; or an array: sound at this voice's rate as `generate`
                takes a prime, or natural logarithms of mels, [frames, bands] at its hop.
            cache: the folder where decoded sound and its features are kept; None takes this user's.
            options: seed, temperature, top_k, top_p, guidance, backend, storage, threads and verify as for `generate`;
                `condition`, the values of fields that are told, others being unknown; `level`: `original`, or `voice`
                for the level that the voice was trained at.

        Raises:
            InputError: an argument is out of range, the original cannot be used, or this voice is told nothing that a
                copy can be made of.
        """
        vocoder, began = self.vocoder(**options), time.monotonic()
        folder = None if cache is None else disk.user_path(str(cache))
        known = originals.of_one(self.recipe, original, folder, self.usual())
        parts = [piece.wave for piece in vocoder.copies([known])]
        wave, wall = np.concatenate(parts)[None], time.monotonic() - began
        return Sound(wave, self.sample_rate, self.bits, vocoder.seed, vocoder.storage, vocoder.difference, wall)

    def speaker(self, *, condition: Wanted | None = None, **options: Any) -> Speaker:
        """Return what says text with this voice; see `say` for the arguments.

        Raises:
            InputError: an argument is out of range, or this voice is told no phones.
        """
        how = Manner(**{one.name: options.pop(one.name) for one in fields(Manner) if one.name in options})
        check_speaker(self.recipe, how.pitch)
        engine, seed, draw, strength = self._source(**options)
        return Speaker(engine, self.vocabulary(), condition or {}, seed, draw, how, strength)

    def say(self, text: str | None = None, *, phones: str | None = None, **options: Any) -> Sound:
        """Return a text as this voice says it.

        Args:
            text: English, of any length; a pause can be asked for as ``[pause 0.5s]``, and how a word is said as
                phones: ``I [[R EH1 D]] it``.
            phones: instead of a text, such as ``HH AH L OW1 _ W ER1 L D``.
            options: seed, temperature, top_k, top_p, guidance, backend, storage and threads as for `generate`;
                `condition`, the values of fields such as the speaker; `speed`, 0.25 to 4; `pitch`, semitones higher,
                for voices that are told F0; `sentence_silence`, seconds behind each sentence; `varied`, whether lengths
                of phones are drawn by the seed or are their means.

        Raises:
            InputError: an argument is out of range, the text has no words or characters that English has no sound for,
                or this voice is told no phones.
        """
        speaker, began = self.speaker(**options), time.monotonic()
        wave = np.concatenate([*speaker.whole(speaker.pieces(text, phones))])[None]
        about = speaker.seed, speaker.engine.storage
        return Sound(wave, self.sample_rate, self.bits, *about, wall=time.monotonic() - began)

    def stream_say(
        self, text: str | None = None, *, phones: str | None = None, chunk: int = 1000, **options: Any
    ) -> Iterator[Floats]:
        """Return an iterator over a text as it is said, [1, n] float32 a chunk; see `say` for the arguments.

        What is wrong with the text is raised before the first chunk. A text is read as it is said, sentence by
        sentence, so that a long one begins as soon as a short one.
        """
        speaker = self.speaker(**options)
        found = speaker.pieces(text, phones)
        return (part[None] for part in speaker.stream(found, chunk))

    def length(self, seconds: float | None, samples: int | None) -> int:
        """Return how many samples `seconds` or `samples` ask for; without either, 3 seconds.

        Raises:
            InputError: both are given, or the length is not 1 to 2^40 samples.
        """
        if seconds is not None and samples is not None:
            raise InputError("got both seconds and samples; give one of them")
        total = samples if samples is not None else (3.0 if seconds is None else seconds) * self.sample_rate
        if not 1 <= total < 2**40:
            raise InputError(f"the length comes to {one_line(total, 40)} samples, expected 1 to 2^40")
        return round(total)


def each_wanted(condition: Told, count: int, candidates: int = 1) -> Sequence[Wanted]:
    """Return what is asked of each of some sounds, once for each of its candidates.

    Raises:
        InputError: it is no mapping of fields to values, or something is asked of another number of sounds.
    """
    if condition is None or isinstance(condition, Mapping):
        return [condition or {}] * (count * candidates)
    if not isinstance(condition, list | tuple) or not all(isinstance(one, Mapping) for one in condition):
        raise InputError(
            f"the condition is {one_line(repr(condition), 60)}, expected values by field, such as "
            "{'speaker': 'jackson'}, or a list of such, one for each sound"
        )
    if len(condition) != count:
        raise InputError(
            f"got conditions for {many(len(condition), 'sound')}, expected 1 or {count}; give one for each"
        )
    return [one for one in condition for _ in range(candidates)]


def draw_seed(seed: int | None) -> int:
    """Return the seed, or a fresh one.

    Raises:
        InputError: it is negative or 2^63 and more.
    """
    if seed is None:
        return secrets.randbelow(2**31)
    if not 0 <= seed < 2**63:
        raise InputError(f"the seed is {seed}, expected 0 to 2^63 - 1")
    return seed


def load(model: str | Path) -> Voice:
    """Return the voice in a run folder or a bundle folder, or the one that ships under a name.

    Raises:
        BundleError: there is none, or it is damaged or newer than this program.
    """
    run = find.RUNS / str(model)
    if find.named_voice(str(model)) is not None and is_run(run):
        log.info("%s is the voice that comes with the package; the run is %s", model, run)
    return Voice(**vars(bundle.load(bundle.find(str(model)))))
