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
from wavenet.text import many

if TYPE_CHECKING:
    from wavenet.generate.voice import Voice
    from wavenet.outputs import Floats

ROOM = "free space, or name another file with --plot"
STDOUT = ("stdout", "free space where it goes, or send it elsewhere")  # what a full disk says of it


def _print(text: object, end: str = "\n") -> None:
    """Write a result to stdout, now: a full disk is noticed while it can be told."""
    with disk.explained(*STDOUT):
        print(text, end=end, flush=True)


def _path(text: str, option: str) -> Path:
    """Return the path that an option names."""
    from wavenet import disk

    try:
        return disk.given_path(text)
    except InputError as error:
        raise InputError(f"{option}: {error}") from None


# --- verbs -----------------------------------------------------------------------------------------------------------


def _train(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import find, read

    overrides = list(arguments.set)
    if arguments.seed is not None:
        overrides.append(f"train.seed={arguments.seed}")
    recipe = read.load(find.find_recipe(arguments.recipe), overrides)
    seconds = None if arguments.max_time is None else read.parse_duration(arguments.max_time)
    recipe = find.with_data(recipe, arguments.data, overrides)
    if arguments.print_config:
        _print(read.dump(recipe), end="")
        return 0
    from wavenet.training.train import train

    train(
        recipe,
        out=find.run_folder(arguments.recipe) if arguments.out is None else _path(arguments.out, "--out"),
        max_steps=arguments.max_steps,
        max_seconds=seconds,
        resume=arguments.resume,
        force=arguments.force,
        init=arguments.init,
        device=arguments.device,
        devices=arguments.devices,
        precision=arguments.precision,
        compiled=arguments.compile,
        cache=None if arguments.cache is None else _path(arguments.cache, "--cache"),
        dry_run=arguments.dry_run,
    )
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from wavenet.generate import voice as voices
    from wavenet.generate.sound import numbered
    from wavenet.generate.state import check_memory
    from wavenet.outputs import checked_draw

    draw = {"temperature": arguments.temperature, "top_k": arguments.top_k, "top_p": arguments.top_p}
    checked_draw(**draw)  # what is wrong whatever the model is told before it is loaded
    seed = voices.draw_seed(arguments.seed)
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise InputError(f"--seconds is {arguments.seconds:g}, expected more than 0")
    voice = voices.load(arguments.model)
    for warning in voice.warnings():
        log.warning(warning)
    total = voice.length(arguments.seconds, arguments.samples)
    streaming = arguments.output == "-"
    out = Path(f"{voice.name}-s{seed}.wav") if arguments.output is None else _path(arguments.output, "-o")
    if streaming and (arguments.count != 1 or arguments.verify):
        raise InputError("-o - streams one sound, unverified; give a file name for -n and --verify")
    if streaming and sys.stdout.name == os.devnull:
        raise InputError("-o - needs an open stdout, which was closed; give a file name")
    check_memory(voice.recipe.shape, arguments.count, 0 if streaming else total)
    if not streaming:
        _check_targets(numbered(out, arguments.count), arguments.force)
    prime = None if arguments.prime is None else _prime(arguments.prime, voice.sample_rate)
    chosen = {**draw, "seconds": arguments.seconds, "samples": arguments.samples, "seed": seed, "prime": prime}
    chosen |= {"backend": arguments.backend, "storage": arguments.storage, "threads": arguments.threads}
    log.info("%s: drawing %d x %s with seed %d", voice.name, arguments.count, many(total, "sample"), seed)
    if streaming:
        return _stream(voice, chosen)
    sound = voice.generate(**chosen, count=arguments.count, verify=arguments.verify)
    wall = sound.wall
    paths = sound.save(out, force=arguments.force)
    for warning in sound.warnings():
        log.warning(warning)
    seconds = sound.samples.shape[1] / sound.sample_rate
    speed = seconds * len(paths) / wall if wall > 0 else 0.0
    names = ", ".join(str(path) for path in paths)
    _print(f"{names}: {seconds:.2f} s at {sound.sample_rate} Hz in {wall:.2f} s ({speed:.2f} x real time), seed {seed}")
    if not sound.complete:
        raise STOPS[str(sound.stopped_by)]
    if sound.difference is not None:
        _judge(sound.difference, sound.storage)
    return 0


def _prime(text: str, sample_rate: int) -> Floats:
    """Return the sound of a file, or of stdin."""
    from wavenet.generate import priming

    if text == "-":
        return priming.from_pipe(getattr(sys.stdin, "buffer", None), sample_rate)  # a shell may have closed it
    return priming.mono(text, sample_rate)


def _judge(difference: float, storage: str) -> None:
    from wavenet.generate.verify import BOUND

    verdict = f"log-probabilities of sampler and training graph differ by at most {difference:.2e} nats"
    if not difference <= BOUND:  # NaN is no agreement either
        raise VerificationError(f"{verdict}, expected at most {BOUND:g}; please report this with the model")
    log.info("verified, weights as %s: %s (bound %g)", storage, verdict, BOUND)


def _check_targets(paths: Sequence[Path], force: bool) -> None:
    for path in paths:
        if path.suffix.lower() not in (".wav", ".flac"):
            raise InputError(f"-o {path}: got the suffix {path.suffix!r}, expected .wav or .flac")
        disk.check_free(path, "-o", force)


def _stream(voice: Voice, chosen: dict[str, Any]) -> int:
    """Write WAV bytes to stdout as they are made; the closing line goes to stderr."""
    from wavenet.audio import files

    total = voice.length(chosen["seconds"], chosen["samples"])
    sound = voice.stream(**chosen, chunk=max(100, voice.sample_rate // 20))
    pipe, began = sys.stdout.buffer, time.monotonic()
    with disk.explained(*STDOUT):
        pipe.write(files.wav_header(voice.sample_rate, total, voice.bits, files.SOFTWARE))
        for part in sound:
            pipe.write(files.wav_bytes(part[0], voice.bits))
            pipe.flush()
    wall, seconds = time.monotonic() - began, total / voice.sample_rate
    speed = seconds / wall
    log.info(
        "stdout: %.2f s at %d Hz in %.2f s (%.2f x real time), seed %s",
        *(seconds, voice.sample_rate, wall, speed, chosen["seed"]),
    )
    return 0


def _inspect(arguments: argparse.Namespace) -> int:
    if arguments.span is not None:
        return _span(arguments)
    for name in ("rate", "kernel", "dims", "max_params", "max_macs"):
        if getattr(arguments, name) is not None:
            raise InputError(f"--{name.replace('_', '-')} goes with --span; give both, such as --span 250ms")
    if arguments.source is None:
        hint = "; write wavenet inspect MODEL --measure" if arguments.measure else ""
        raise InputError(f"inspect needs a recipe, a model or a list of layers before its options{hint}")
    plot = _picture(arguments, (".png", ".svg", ".pdf"))
    from wavenet.inspection import text

    report, measured = text.inspect(arguments.source, arguments.size), None
    if arguments.measure is not None:
        from wavenet.inspection.measure import measure

        measured = measure(arguments.source, arguments.measure or None)
    if arguments.json:
        told = report.to_json(arguments.lags)
        # a line for each of a million lags would take Python's encoder most of a minute
        _print_json(told if measured is None else {**told, "measured": measured.to_json()}, lines=not arguments.lags)
    else:
        _print(text.describe(report, arguments.layers, arguments.lags))
        if measured is not None:
            _print(f"\n{text.describe_measured(measured)}")
    if plot is not None:
        from wavenet import pictures

        with disk.explained(plot, ROOM):
            pictures.sheet_picture(plot, report, measured)
    return 0


def _span(arguments: argparse.Namespace) -> int:
    for name in ("layers", "size", "lags", "plot", "measure"):
        if getattr(arguments, name) not in (None, False):
            raise InputError(f"--{name} shows what there is, --span what there could be; give one of them")
    from wavenet.inspection import span

    told = span.ask(
        arguments.span,
        arguments.source,
        arguments.rate,
        arguments.kernel,
        arguments.dims or 1,
        arguments.max_params,
        arguments.max_macs,
    )
    if arguments.json:
        _print_json(told.to_json())
    else:
        _print(told.to_text())
    return 0


def _print_json(value: Any, lines: bool = True) -> None:
    from wavenet.text import to_json

    _print(to_json(value, indent=1 if lines else None))


def _scan(arguments: argparse.Namespace) -> int:
    from wavenet import disk
    from wavenet.audio.scan import scan

    survey = scan(disk.given_path(arguments.folder), arguments.recipe, arguments.set)
    if arguments.json:
        _print_json(survey.to_json())
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
    if arguments.json:
        _print_json(made.to_json())
    else:
        _print(made.to_text())
    if plot is not None:
        from wavenet import pictures

        with disk.explained(plot, ROOM):
            pictures.speed_picture(plot, made.batches, made.sizes, f"{made.name}, {made.processor}")
    return 0


def _picture(arguments: argparse.Namespace, suffixes: Sequence[str] = (".png",)) -> Path | None:
    """Return where a picture goes, or None where none was asked for."""
    if arguments.plot is None:
        return None
    path = _path(arguments.plot, "--plot")
    if path.suffix.lower() not in suffixes:
        raise InputError(f"--plot {path}: got the suffix {path.suffix!r}, expected {', '.join(suffixes)}")
    disk.check_free(path, "--plot", arguments.force)
    return path


def _recipes(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import find, safe_yaml

    if arguments.keys is not None:
        return _keys(arguments)
    if arguments.name is not None:
        _print(safe_yaml.read_text(find.find_recipe(arguments.name)), end="")
        return 0
    for name in find.recipe_names():
        first = (find.recipe_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
        _print(f"{name:<14}{first.lstrip('# ')}")
    return 0


def _keys(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import keys

    if arguments.name is not None:
        raise InputError("NAME prints a recipe and --keys explains all; give one of them, or --keys KEY")
    found = keys.chosen(arguments.keys)
    _print("\n\n".join(section.to_text() for section in found) + "\n" if arguments.keys else keys.page(), end="")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from wavenet.cli.doctor import diagnose

    for name, value in diagnose().items():
        _print(f"{name:<14}{value}")
    return 0


VERBS = {
    "train": _train,
    "generate": _generate,
    "inspect": _inspect,
    "data scan": _scan,
    "data fetch": _fetch,
    "bench": _bench,
    "recipes": _recipes,
    "doctor": _doctor,
}
