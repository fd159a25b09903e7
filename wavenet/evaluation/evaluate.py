"""Is this model any good? Bits per held-out sample, beside what is reached without a model."""

from __future__ import annotations

import contextlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio import corpus
from wavenet.audio.corpus import Corpus
from wavenet.audio.flac_size import FlacSize
from wavenet.errors import DivergenceError, InputError, SoundError, Terminated, did_you_mean
from wavenet.evaluation import held_out, likelihood, statistics_file, surprise
from wavenet.evaluation.baselines import Baselines, Statistics, order0_nats
from wavenet.evaluation.beside import Subject, Wanted, beside
from wavenet.evaluation.held_out import HeldOut
from wavenet.evaluation.intervals import interval
from wavenet.evaluation.likelihood import Likelihood, Piece
from wavenet.evaluation.linear import CONTEXT
from wavenet.evaluation.report import Evaluation, Excerpt, FileScore, GroupScore
from wavenet.generate import voice as voices
from wavenet.generate.engines import ENGINES, Request, build_engine
from wavenet.generate.guidance import check_guidance
from wavenet.generate.voice import Voice
from wavenet.model import bundle
from wavenet.outputs import Alphabet, Codes, Condition, Floats
from wavenet.progress import Progress, log
from wavenet.text import finite

BACKENDS = ("auto", "cpu", "torch")
Listener = Callable[[Piece], object]  # is given every piece, in order


def evaluate(
    model: str | Path,
    data: str | Path | None = None,
    split: str | None = None,
    *,
    limit: float | None = None,
    raw: bool = False,
    backend: str = "auto",
    threads: int | None = None,
    surprisal: str | Path | None = None,
    force: bool = False,
    excerpt: bool = False,
    sound: int | None = None,
    conditions: bool = False,
    speech: int | None = None,
    save: str | Path | None = None,
    guidance: float | None = None,
    seed: int = 0,
    cache: str | Path | None = None,
) -> Evaluation:
    """Return how well a model predicts sound that it was not trained on.

    Once that is known, Ctrl-C, SIGTERM and SIGHUP give what there is beside it by then.

    Args:
        model: a run or bundle folder, or the name of a voice.
        data: a file or folder of sound; None takes the sound of the run.
        split: test, valid or all; None takes test, but all of other sound that does not say what is for testing.
        limit: seconds of sound to score at most, spread evenly over the files; None scores all.
        raw: score a run's newest weights before they are averaged, too.
        backend: cpu (compiled, without torch), torch (on a GPU where there is one) or auto, the first that can.
        threads: that are used at most; None takes as many as there are cores.
        surprisal: a .npy file to write: the bits of every scored sample, [T] float32, file after file.
        force: overwrite files.
        excerpt: keep the sound and the bits of the most surprising file, to draw them.
        sound: draw so many clips and set them beside held-out ones; None draws none.
        conditions: whether to see if it does what it is told (`conditions.py`), in `sound` clips (None: 60).
        speech: say so many held-out sentences, to see if they are understood (`spoken.py`); None says none.
        save: a folder to write the clips of `speech` to.
        guidance: 0 to 10, how strongly clips that are drawn follow what they are told; None: as the recipe says.
        seed: of all clips that are drawn.
        cache: where decoded sound is kept; None takes this user's cache folder.

    Raises:
        InputError: there is no such model, sound, split or backend.
    """
    _check(limit, backend, split)
    target = None if surprisal is None else _target(surprisal, force)
    place, folder = (None if one is None else disk.given_path(str(one)) for one in (cache, save))
    how = Wanted(sound, conditions, speech, folder, force, seed, 1, threads, place)
    voice = _voice(model, how, guidance)
    newest = replace(voice, arrays=bundle.raw_weights(str(model), voice.recipe.shape)) if raw else None
    held = _held(voice, str(model), data, split, limit, place)
    statistics, own = _of_training(voice, model, held, place, how.draws)
    condition = held.condition_under(voice, place)
    judges, workers = judges_of(voice, backend, threads)
    parts = beside(Subject(voice, held, own, condition, judges), replace(how, workers=workers))
    made = _scored(str(model), held, voice, judges(condition), statistics, workers, target, excerpt)
    made = replace(made, raw=_bits_under(newest, str(model), held, condition, backend, threads))
    return _until_stopped(made, parts)


def _held(
    voice: Voice, model: str, data: str | Path | None, split: str | None, limit: float | None, cache: Path | None
) -> HeldOut:
    """Return the sound to judge a voice on, as far as it was not trained on it."""
    held = held_out.find_sound(model, data, split, cache)
    log.info("%s", corpus.rates_in_words(held.corpus.sound.entries, voice.sample_rate))
    return held_out.without_trained(held, voice.data.get("trained_files"), data is not None, limit)


def _until_stopped(made: Evaluation, parts: Iterator[dict[str, Any]]) -> Evaluation:
    """Return an evaluation with parts that come one after the other, all of them or those before a signal."""
    try:
        for part in parts:
            made = replace(made, **part)
    except (KeyboardInterrupt, Terminated) as signal:
        made = replace(made, stopped_by=signal.signal if isinstance(signal, Terminated) else "SIGINT")
    return made


def _voice(model: str | Path, how: Wanted, guidance: float | None) -> Voice:
    """Return a voice that can do what is wanted, as if its recipe had the guidance given."""
    voice = voices.load(model)
    how.check(voice)
    if guidance is None:
        return voice
    check_guidance(guidance, voice.recipe.shape, voice.alphabet)
    if not how.draws:
        raise InputError(
            f"the guidance is {guidance:g}, but it is of clips that are drawn, and none are; ask for sound, conditions "
            "or speech too, or leave it out"
        )
    recipe, told = voice.recipe, voice.recipe.condition
    return voice if told is None else replace(voice, recipe=replace(recipe, condition=replace(told, guidance=guidance)))


def _bits_under(
    voice: Voice | None, model: str, held: HeldOut, condition: Condition | None, backend: str, threads: int | None
) -> float | None:
    """Return the bits per sample under a voice, without anything beside them; None where there is no voice."""
    if voice is None:
        return None
    judges, workers = judges_of(voice, backend, threads)
    return score(model, held, judges(condition), voice.alphabet, None, (), workers).total.bits


def _scored(
    model: str,
    held: HeldOut,
    voice: Voice,
    judge: Likelihood,
    known: Statistics | Codes | None,
    workers: int,
    target: Path | None,
    excerpt: bool,
) -> Evaluation:
    """Return the scores of a voice, with its extremes and what is to be drawn; write the bits of every sample."""
    kept = surprise.Means(voice.sample_rate, held.targets, whole=excerpt)
    only = [lambda piece: kept.add(piece.bits)] if len(held.spans) == 1 else []
    with _written(target, held) as writers:
        made = score(model, held, judge, voice.alphabet, known, [*writers, *only], workers)
    made = replace(made, extremes=kept.extremes())
    if not excerpt:
        return made
    return replace(made, excerpt=_excerpt(made, held, judge, voice, workers, kept.values()))


def score(
    model: str,
    held: HeldOut,
    judge: Likelihood,
    alphabet: Alphabet,
    statistics: Statistics | Codes | None,
    listeners: Sequence[Listener] = (),
    threads: int = 1,
) -> Evaluation:
    """Return the scores of a likelihood on held-out sound.

    Args:
        model: what it is called.
        held: the sound.
        judge: the likelihood.
        alphabet: of the samples.
        statistics: of the training sound, which baselines predict from; of its codes alone [Q], which order-0 does.
        listeners: are given every piece; what they raise ends it.
        threads: pieces that are scored at once.

    Raises:
        DivergenceError: a sample has no finite likelihood.
    """
    spans, context = held.spans, max(held.recipe.shape.receptive_field, CONTEXT)
    nats = np.zeros(len(spans))
    others = _Others(alphabet, statistics)
    pieces = likelihood.teacher_forced(judge, held.corpus.sound, spans, alphabet, context, threads)
    with Progress("scoring", held.targets, "samples") as progress:
        for piece in pieces:
            nats[piece.span] += piece.nats.sum(dtype=np.float64)
            others.add(piece)
            for listener in listeners:
                listener(piece)
            progress.advance(len(piece.codes))
    if not np.isfinite(nats).all():
        raise DivergenceError(
            f"{model} gives samples of {held.file(int(np.argmin(np.isfinite(nats))))} no finite likelihood: its "
            "training diverged; train again at a lower learning rate, or go back to an earlier checkpoint"
        )
    return _evaluation(model, held, nats, others.bits())


class _Others:
    """What the same samples cost without a network."""

    def __init__(self, alphabet: Alphabet, statistics: Statistics | Codes | None) -> None:
        self._baselines = Baselines(statistics, alphabet) if isinstance(statistics, Statistics) else None
        self._order0 = order0_nats(statistics, alphabet) if isinstance(statistics, np.ndarray) else None
        self._uniform, self._flac = math.log2(alphabet.size), FlacSize(alphabet)
        self._nats, self._targets = defaultdict[str, float](float), 0

    def add(self, piece: Piece) -> None:
        self._targets += len(piece.codes)
        self._flac.add(piece.codes)
        if self._baselines is not None:
            for name, nats in self._baselines.nats(piece.past, piece.codes).items():
                self._nats[name] += float(nats.sum())
        if self._order0 is not None:
            self._nats["order0"] += float(self._order0[piece.codes].sum())

    def bits(self) -> dict[str, float]:
        """Return the bits per sample of each, by its name."""
        flac = self._flac.bits_per_sample()
        known = {name: nats / self._targets / math.log(2) for name, nats in self._nats.items()}
        return {"uniform": self._uniform, **known, **({} if flac is None else {"flac": flac})}


def _evaluation(model: str, held: HeldOut, nats: NDArray[np.float64], baselines: dict[str, float]) -> Evaluation:
    """Return the scores of spans that cost so many nats each."""
    rate, clips = held.recipe.audio.sample_rate, held.corpus.clips
    counts, bits = np.array([span.last - span.first for span in held.spans]), nats / math.log(2)
    files, speakers, labels = [], defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for index, span in enumerate(held.spans):
        clip, targets = clips[span.clip], int(counts[index])
        files.append(
            FileScore(clip.name, clip.speaker, clip.label, targets / rate, targets, float(bits[index]) / targets)
        )
        for name, chosen in ((clip.speaker, speakers), (clip.label, labels)):
            if name is not None:
                chosen[name].append(index)

    def group(name: str, chosen: list[int]) -> GroupScore:
        targets = int(counts[chosen].sum())
        low, high = interval(nats[chosen], counts[chosen]) or (None, None)
        return GroupScore(name, len(chosen), targets, float(bits[chosen].sum() / targets), low, high)

    def groups(of: dict[str, list[int]]) -> tuple[GroupScore, ...]:
        return tuple(group(name, of[name]) for name in sorted(of)) if len(of) > 1 else ()

    total = group(held.split, list(range(len(bits))))
    about = model, held.name, held.split, total, held.seconds, baselines, tuple(files)
    return Evaluation(*about, groups(speakers), groups(labels), preemphasis=held.recipe.output.preemphasis)


def _check(limit: float | None, backend: str, split: str | None) -> None:
    if limit is not None and not (isinstance(limit, int | float) and limit > 0):
        raise InputError(f"the limit is {limit!r}, expected a number of seconds above 0")
    if backend not in BACKENDS:
        raise InputError(
            f"no backend {backend!r}{did_you_mean(str(backend), BACKENDS)}; expected {', '.join(BACKENDS)}"
        )
    splits = ("test", "valid", held_out.ALL)
    if split is not None and split not in splits:
        raise InputError(f"no split {split!r}{did_you_mean(str(split), splits)}; expected one of {', '.join(splits)}")


def _target(path: str | Path, force: bool) -> Path:
    target = disk.given_path(str(path))
    if target.suffix != ".npy":
        raise InputError(f"the surprisal of samples goes to a .npy file, got {path}; give it that suffix")
    disk.check_free(target, "", force, "force=True")
    return target


def judges_of(
    voice: Voice, backend: str = "auto", threads: int | None = None
) -> tuple[Callable[[Condition | None], Likelihood], int]:
    """Return what gives the likelihood under a voice that is told something, and how many pieces to score at once."""
    request = Request(voice.recipe.shape, voice.arrays, voice.alphabet, "float32", threads)
    if backend == "cpu" or (backend == "auto" and ENGINES["cpu"].unsupported(request) is None):
        engine = build_engine("cpu", request)
        return (lambda condition: likelihood.of_engine(engine, condition)), engine.threads
    import torch

    network = voice.network().to("cuda" if torch.cuda.is_available() else "cpu")
    return (lambda condition: likelihood.of_network(network, voice.alphabet, condition)), 1


def _of_training(
    voice: Voice, model: str | Path, held: HeldOut, cache: Path | None, heard: bool
) -> tuple[Statistics | Codes | None, Corpus | None]:
    """Return what is known of the training sound, and itself where it is to be heard or the bundle has no statistics.

    Where neither is here, the bundle still says how often each code comes [Q].
    """
    statistics = statistics_file.read(bundle.find(str(model)), voice.alphabet.size)
    own = _own_corpus(model, held, cache) if statistics is None or heard else None
    if statistics is None and own is not None:
        statistics = Statistics.gather(own.sound, own.spans, voice.alphabet)
    return (statistics if statistics is not None else _counts(voice)), own


def _counts(voice: Voice) -> Codes | None:
    counts = voice.data.get("training_code_counts")
    if not isinstance(counts, list) or len(counts) != voice.alphabet.size:
        return None
    whole = all(isinstance(count, int) and 0 <= count < 2**40 for count in counts)
    return np.array(counts, np.int64) if whole else None


def _own_corpus(model: str | Path, held: HeldOut, cache: Path | None) -> Corpus | None:
    """Return the sound that a model was trained on; None, with a warning, where it is not on this machine."""
    recipe = held_out.own_recipe(model)
    if "train" in held.corpus.spans and held.recipe.data.path == recipe.data.path:
        return held.corpus
    try:
        return corpus.gather(recipe, cache)
    except SoundError as error:
        what = "order-1, linear prediction and the search for copies"
        log.warning("%s need the training sound, which is not here (%s): they are left out", what, error)
        return None


def _excerpt(made: Evaluation, held: HeldOut, judge: Likelihood, voice: Voice, threads: int, bits: Floats) -> Excerpt:
    """Return the sound and the bits of the most surprising file; they are known where it is the only one."""
    index = max(range(len(made.files)), key=lambda at: made.files[at].bits)
    span, context = held.spans[index], voice.recipe.shape.receptive_field
    if not len(bits):
        found = likelihood.teacher_forced(judge, held.corpus.sound, [span], voice.alphabet, context, threads)
        bits = np.concatenate([piece.bits for piece in found])
    wave = held.corpus.sound.read(span.clip, span.first, span.last)
    told = voice.training.get("held_out")
    usual = finite(told.get("bits")) if isinstance(told, dict) else None
    return Excerpt(made.files[index].path, wave, bits, voice.sample_rate, usual)


@contextlib.contextmanager
def _written(target: Path | None, held: HeldOut) -> Iterator[tuple[Listener, ...]]:
    """Yield what writes the bits of every sample to a .npy file, whole or not at all; nothing without a target."""
    if target is None:
        yield ()
        return
    with (
        disk.explained(target, "free space, or name another file"),
        disk.replacing(target) as temporary,
        temporary.open("wb") as file,  # a memory map would end the process where the disk is full
    ):
        header = {"descr": "<f4", "fortran_order": False, "shape": (held.targets,)}
        np.lib.format.write_array_header_1_0(file, header)
        yield (lambda piece: file.write(piece.bits.astype("<f4").tobytes()),)
