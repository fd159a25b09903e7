"""What each verb does: it imports what it needs and turns arguments into one call."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavenet import disk
from wavenet.errors import STOPS, InputError, VerificationError
from wavenet.progress import log
from wavenet.text import many, to_json

if TYPE_CHECKING:
    from wavenet.generate.voice import Voice
    from wavenet.outputs import Floats

PLOT_REMEDY = "free space, or name another file with --plot"
STDOUT_REMEDY = "free space where it goes, or send it elsewhere"


def _print(text: object, end: str = "\n") -> None:
    """Write a result to stdout at once, so that a full disk is noticed here."""
    with disk.explained("stdout", STDOUT_REMEDY):
        print(text, end=end, flush=True)


def _result(arguments: argparse.Namespace, made: Any) -> None:
    """Print what a verb returned, as JSON or text."""
    _print(to_json(made.to_json(), indent=1) if arguments.json else made.to_text())


def _path(text: str | None, option: str) -> Path | None:
    """Return the path that an option names; None where it was not given."""
    try:
        return None if text is None else disk.given_path(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


def _picture(arguments: argparse.Namespace, suffixes: Sequence[str] = (".png",)) -> Path | None:
    """Return where a picture goes; None where none was asked for."""
    path = _path(arguments.plot, "--plot")
    if path is not None:
        _check_target(path, "--plot", suffixes, arguments.force)
    return path


def _check_target(path: Path, option: str, suffixes: Sequence[str], force: bool) -> None:
    """Raise InputError where a file cannot be written, before the work for it is done."""
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{option} {path}: got the suffix {path.suffix!r}, expected {' or '.join(suffixes)}")
    disk.check_free(path, option, force)


def _train(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import find, read

    overrides = arguments.set + ([] if arguments.seed is None else [f"train.seed={arguments.seed}"])
    recipe = read.load(find.find_recipe(arguments.recipe), overrides)
    seconds = None if arguments.max_time is None else read.parse_duration(arguments.max_time)
    recipe = find.with_data(recipe, arguments.data, overrides)
    if arguments.print_config:
        _print(read.dump(recipe), end="")
        return 0
    from wavenet.training.train import train

    same = ("max_steps", "resume", "force", "init", "device", "devices", "precision", "dry_run")
    train(
        recipe,
        **{name: getattr(arguments, name) for name in same},
        out=_path(arguments.out, "--out") or find.run_folder(arguments.recipe),
        max_seconds=seconds,
        compiled=arguments.compile,
        cache=_path(arguments.cache, "--cache"),
    )
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from wavenet.generate import voice as voices
    from wavenet.generate.best_of import aim_of
    from wavenet.generate.sound import numbered
    from wavenet.generate.state import check_memory
    from wavenet.outputs import checked_draw

    checked_draw(arguments.temperature, arguments.top_k, arguments.top_p)  # before the model is loaded
    seed = voices.draw_seed(arguments.seed)
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise InputError(f"--seconds is {arguments.seconds:g}, expected more than 0")
    voice = voices.load(arguments.model)
    for warning in voice.warnings():
        log.warning(warning)
    if arguments.best_of is not None:
        aim_of(voice.training, voice.name)
    total = voice.length(arguments.seconds, arguments.samples)
    streaming = arguments.output == "-"
    if streaming:
        _check_stream(arguments)
    each = "" if arguments.best_of is None else f", each the best of {arguments.best_of},"
    check_memory(voice.recipe.shape, arguments.count * (arguments.best_of or 1), 0 if streaming else total)
    out = _path(arguments.output, "-o") or Path(f"{voice.name}-s{seed}.wav")
    if not streaming:
        for target in numbered(out, arguments.count):
            _check_target(target, "-o", (".wav", ".flac"), arguments.force)
    prime = None if arguments.prime is None else _prime(arguments.prime, voice.sample_rate)
    same = ("seconds", "samples", "temperature", "top_k", "top_p", "backend", "storage", "threads", "until_silence")
    chosen = {**{name: getattr(arguments, name) for name in same}, "seed": seed, "prime": prime}
    log.info("%s: drawing %d x %s%s with seed %d", voice.name, arguments.count, many(total, "sample"), each, seed)
    if streaming:
        made, wall = _stream(voice, chosen, None if arguments.until_silence else total)
        log.info("stdout: %s, seed %d", _speed([made], voice.sample_rate, wall), seed)
        return 0
    sound = voice.generate(**chosen, count=arguments.count, verify=arguments.verify, best_of=arguments.best_of)
    paths = sound.save(out, force=arguments.force)
    for path, choice in zip(paths, sound.choices, strict=False):  # no choices without --best-of
        log.info("%s: kept %s", path, choice)
    for warning in sound.warnings():
        log.warning(warning)
    speed = _speed(sound.lengths, sound.sample_rate, sound.wall)
    _print(f"{', '.join(map(str, paths))}: {speed}, seed {seed}")
    if not sound.complete:
        raise STOPS[str(sound.stopped_by)]
    if sound.difference is not None:
        _judge(sound.difference, sound.storage)
    return 0


def _check_stream(arguments: argparse.Namespace) -> None:
    """Raise InputError where what is asked for cannot be streamed to stdout."""
    if arguments.count != 1 or arguments.verify:
        raise InputError("-o - streams one sound and cannot verify it; give a file name for -n and --verify")
    if arguments.best_of is not None:
        raise InputError("-o - streams a sound as it is made, --best-of keeps one of several made; give a file name")
    if sys.stdout.name == os.devnull:
        raise InputError("-o - needs an open stdout, which was closed; give a file name")


def _prime(text: str, sample_rate: int) -> Floats:
    """Return the sound of a file, or of stdin."""
    from wavenet.generate import priming

    if text == "-":
        return priming.from_pipe(getattr(sys.stdin, "buffer", None), sample_rate)  # a shell may have closed it
    return priming.mono(text, sample_rate)


def _stream(voice: Voice, chosen: dict[str, Any], total: int | None) -> tuple[int, float]:
    """Write WAV bytes to stdout as they are made, the header saying `total`; return samples and the seconds it took."""
    from wavenet.audio import files

    sound = voice.stream(**chosen, chunk=max(100, voice.sample_rate // 20))
    pipe, began, made = sys.stdout.buffer, time.monotonic(), 0
    with disk.explained("stdout", STDOUT_REMEDY):
        pipe.write(files.wav_header(voice.sample_rate, total, voice.bits, files.SOFTWARE))
        for part in sound:
            pipe.write(files.wav_bytes(part[0], voice.bits))
            pipe.flush()
            made += part.shape[1]
    return made, time.monotonic() - began


def _speed(lengths: Sequence[int], sample_rate: int, wall: float) -> str:
    """Return how long some sounds are, each in samples, and how long they took to make, in words."""
    from wavenet.generate.sound import seconds

    times = sum(lengths) / sample_rate / wall if wall > 0 else 0.0
    return f"{seconds(lengths, sample_rate)} at {sample_rate} Hz in {wall:.2f} s ({times:.2f} x real time)"


def _judge(difference: float, storage: str) -> None:
    from wavenet.generate.verify import BOUND

    verdict = f"log-probabilities of sampler and training graph differ by at most {difference:.2e} nats"
    if not difference <= BOUND:  # NaN is not agreement either
        raise VerificationError(f"{verdict}, expected at most {BOUND:g}; please report this with the model")
    log.info("verified, weights as %s: %s (bound %g)", storage, verdict, BOUND)


def _evaluate(arguments: argparse.Namespace) -> int:
    from wavenet.evaluation.evaluate import evaluate
    from wavenet.recipe import read

    plot, surprisal = _picture(arguments), _path(arguments.surprisal, "--surprisal")
    if surprisal is not None:
        _check_target(surprisal, "--surprisal", (".npy",), arguments.force)
    same = ("raw", "backend", "threads", "sound", "conditions", "seed", "force")
    made = evaluate(
        arguments.model,
        arguments.data,
        arguments.split,
        limit=None if arguments.limit is None else read.parse_duration(arguments.limit),
        surprisal=surprisal,
        excerpt=plot is not None,
        cache=_path(arguments.cache, "--cache"),
        **{name: getattr(arguments, name) for name in same},
    )
    if warning := made.warning():
        log.warning(warning)
    _result(arguments, made)
    if plot is not None and made.excerpt is not None:
        from wavenet import pictures

        with disk.explained(plot, PLOT_REMEDY):
            one, title = made.excerpt, f"{made.model} on {made.excerpt.path}"
            pictures.surprisal_picture(plot, one.wave, one.bits, one.sample_rate, title, one.usual, made.pairs)
    for written in filter(None, (plot, surprisal)):
        log.info("wrote %s", written)
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    if arguments.span is not None:
        return _span(arguments)
    for name in ("rate", "kernel", "dims", "max_params", "max_macs"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} goes with --span; give both, such as --span 250ms")
    if arguments.source is None:
        hint = "; write wavenet inspect MODEL --measure" if arguments.measure else ""
        raise InputError(f"inspect needs a recipe, a model or a list of layers{hint}")
    plot = _picture(arguments, (".png", ".svg", ".pdf"))
    from wavenet.inspection import text

    report, measured = text.inspect(arguments.source, arguments.size), None
    if arguments.measure is not None:
        from wavenet.inspection.measure import measure

        measured = measure(arguments.source, arguments.measure or None)
    if arguments.json:
        told = report.to_json(arguments.lags) | ({} if measured is None else {"measured": measured.to_json()})
        # a line for each of a million lags would take Python's encoder most of a minute
        _print(to_json(told, indent=None if arguments.lags else 1))
    else:
        _print(text.describe(report, arguments.layers, arguments.lags))
        if measured is not None:
            _print(f"\n{text.describe_measured(measured)}")
    if plot is not None:
        from wavenet import pictures

        with disk.explained(plot, PLOT_REMEDY):
            pictures.sheet_picture(plot, report, measured)
    return 0


def _span(arguments: argparse.Namespace) -> int:
    from wavenet.inspection import span

    for name in ("layers", "size", "lags", "plot", "measure"):
        if getattr(arguments, name) not in (None, False):
            raise InputError(f"--{name} describes one network, --span proposes several; give one of them")
    asked = (arguments.rate, arguments.kernel, arguments.dims or 1, arguments.max_params, arguments.max_macs)
    _result(arguments, span.ask(arguments.span, arguments.source, *asked))
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    from wavenet.audio.scan import scan

    survey = scan(disk.given_path(arguments.folder), arguments.recipe, arguments.set)
    if arguments.json:
        _print(to_json(survey.to_json(), indent=1))
    else:
        _print(survey.to_text(every_file=arguments.verbose or len(survey.entries) <= 20))
    return 0 if survey.usable else 2


def _fetch(arguments: argparse.Namespace) -> int:
    from wavenet.datasets.fetch import fetch

    _print(fetch(arguments.name, arguments.to, arguments.force))
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from wavenet.bench.cases import bench_model

    plot = _picture(arguments)
    made = bench_model(arguments.source, arguments.data, arguments.seconds)
    if made.busy is not None:
        log.warning(made.busy)
    _result(arguments, made)
    if plot is not None:
        from wavenet import pictures

        with disk.explained(plot, PLOT_REMEDY):
            pictures.speed_picture(plot, made.group("batch"), made.group("size"), f"{made.name}, {made.processor}")
    return 0


def _recipes(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import find, keys, safe_yaml

    if arguments.keys is not None:
        if arguments.name is not None:
            raise InputError("NAME prints a recipe and --keys explains all; give one of them, or --keys KEY")
        _print(keys.explain(arguments.keys), end="")
    elif arguments.name is not None:
        _print(safe_yaml.read_text(find.find_recipe(arguments.name)), end="")
    else:
        for name in find.recipe_names():
            first = (find.recipe_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
            _print(f"{name:<14}{first.lstrip('# ')}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from wavenet.cli.doctor import diagnose

    for name, value in diagnose().items():
        _print(f"{name:<14}{value}")
    return 0


VERBS = {
    "train": _train,
    "generate": _generate,
    "evaluate": _evaluate,
    "inspect": _inspect,
    "data scan": _scan,
    "data fetch": _fetch,
    "bench": _bench,
    "recipes": _recipes,
    "doctor": _doctor,
}
