"""What each verb does: it imports what it needs and turns arguments into one call."""

from __future__ import annotations

import argparse

from wavenet import disk
from wavenet.cli.demo import demo
from wavenet.cli.draws import generate, say, vocode
from wavenet.cli.results import check_target, path_of, picture_of, show, show_made
from wavenet.errors import STOPS, InputError
from wavenet.progress import log
from wavenet.text import to_json

PLOT_REMEDY = "free space, or name another file with --plot"


def _train(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import find, read
    from wavenet.training.fine_tuning import recipe_of

    short = {"train.seed": arguments.seed, "train.only": arguments.only}
    overrides = arguments.set + [f"{key}={value}" for key, value in short.items() if value is not None]
    seconds = None if arguments.max_time is None else read.parse_duration(arguments.max_time)
    asked = arguments.recipe, arguments.data, overrides
    if arguments.print_config:
        show(read.dump(recipe_of(*asked, arguments.init)), end="")
        return 0
    if arguments.init is None:  # a slip is told before torch is imported; the fields of a model hang on the sound
        asked = recipe_of(*asked), None, []
    from wavenet.training.train import train

    same = ("max_steps", "resume", "force", "init", "device", "devices", "precision", "dry_run")
    train(
        *asked,
        **{name: getattr(arguments, name) for name in same},
        out=path_of(arguments.out, "--out") or find.run_folder(arguments.recipe),
        max_seconds=seconds,
        compiled=arguments.compile,
        cache=path_of(arguments.cache, "--cache"),
    )
    return 0


def _evaluate(arguments: argparse.Namespace) -> int:
    from wavenet.evaluation.evaluate import evaluate
    from wavenet.evaluation.spoken import SENTENCES
    from wavenet.recipe import read

    plot, surprisal = picture_of(arguments), path_of(arguments.surprisal, "--surprisal")
    if surprisal is not None:
        check_target(surprisal, "--surprisal", (".npy",), arguments.force)
    for name in ("sentences", "save"):
        if getattr(arguments, name) is not None and not arguments.speech:
            raise InputError(f"--{name} goes with --speech; give both")
    sentences = SENTENCES if arguments.sentences is None else arguments.sentences
    same = ("raw", "backend", "threads", "sound", "conditions", "guidance", "seed", "force")
    made = evaluate(
        arguments.model,
        arguments.data,
        arguments.split,
        limit=None if arguments.limit is None else read.parse_duration(arguments.limit),
        surprisal=surprisal,
        excerpt=plot is not None,
        speech=sentences if arguments.speech else None,
        save=path_of(arguments.save, "--save"),
        cache=path_of(arguments.cache, "--cache"),
        **{name: getattr(arguments, name) for name in same},
    )
    if warning := made.warning():
        log.warning(warning)
    show_made(arguments, made)
    if plot is not None and made.excerpt is not None:
        from wavenet import pictures

        with disk.explained(plot, PLOT_REMEDY):
            one, title = made.excerpt, f"{made.model} on {made.excerpt.path}"
            pictures.surprisal_picture(plot, one.wave, one.bits, one.sample_rate, title, one.usual, made.rows)
    for written in filter(None, (plot, surprisal)):
        log.info("wrote %s", written)
    if made.stopped_by is not None:
        raise STOPS[made.stopped_by]
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
    plot = picture_of(arguments, (".png", ".svg", ".pdf"))
    from wavenet.inspection import text

    source, measured = _inspected(arguments), None
    report = text.inspect(source, arguments.size)
    if arguments.measure is not None:
        from wavenet.inspection.measure import measure

        measured = measure(source, arguments.measure or None)
    if arguments.json:
        told = report.to_json(arguments.lags) | ({} if measured is None else {"measured": measured.to_json()})
        # a line for each of a million lags would take Python's encoder most of a minute
        show(to_json(told, indent=None if arguments.lags else 1))
    else:
        show(text.describe(report, arguments.layers, arguments.lags))
        if measured is not None:
            show(f"\n{text.describe_measured(measured)}")
    if plot is not None:
        from wavenet import pictures

        with disk.explained(plot, PLOT_REMEDY):
            pictures.sheet_picture(plot, report, measured)
    return 0


def _inspected(arguments: argparse.Namespace) -> str:
    """Return what is inspected: only a voice can be measured, so that its name is not that of a recipe."""
    from wavenet.recipe import find

    voice = None if arguments.measure is None else find.named_voice(arguments.source)
    return str(voice or arguments.source)


def _span(arguments: argparse.Namespace) -> int:
    from wavenet.inspection import span

    for name in ("layers", "size", "lags", "plot", "measure"):
        if getattr(arguments, name) not in (None, False):
            raise InputError(f"--{name} describes one network, --span proposes several; give one of them")
    asked = (arguments.rate, arguments.kernel, arguments.dims or 1, arguments.max_params, arguments.max_macs)
    show_made(arguments, span.ask(arguments.span, arguments.source, *asked))
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    from wavenet.features.scan import scan

    survey = scan(disk.given_path(arguments.folder), arguments.recipe, arguments.set)
    if arguments.json:
        show(to_json(survey.to_json(), indent=1))
    else:
        show(survey.to_text(every_file=arguments.verbose or len(survey.entries) <= 20))
    return 0 if survey.usable else 2


def _align(arguments: argparse.Namespace) -> int:
    from wavenet.speech.align import align

    plot, place = picture_of(arguments), path_of(arguments.cache, "--cache")
    made = align(disk.given_path(arguments.folder), arguments.recipe, arguments.set, place, arguments.limit)
    show_made(arguments, made)
    example = None if plot is None else made.example()
    if plot is not None and example is not None:
        from wavenet import pictures

        clip, found, wave, rate = example
        title = clip.name if clip.text is None else f"{clip.name}: {clip.text}"
        with disk.explained(plot, PLOT_REMEDY):
            pictures.alignment_picture(plot, wave, rate, found, title)
        log.info("wrote %s", plot)
    return 0 if made.usable else 2


def _fetch(arguments: argparse.Namespace) -> int:
    from wavenet.datasets.fetch import fetch

    show(fetch(arguments.name, arguments.to, arguments.force))
    return 0


def _bench(arguments: argparse.Namespace) -> int:
    from wavenet.bench.cases import bench_model

    plot = picture_of(arguments)
    made = bench_model(arguments.source, arguments.data, arguments.seconds)
    if made.busy is not None:
        log.warning(made.busy)
    show_made(arguments, made)
    if plot is not None:
        from wavenet import pictures

        with disk.explained(plot, PLOT_REMEDY):
            pictures.speed_picture(plot, made.group("batch"), made.group("size"), f"{made.name}, {made.processor}")
    return 0


def _export(arguments: argparse.Namespace) -> int:
    from wavenet.sharing.export import export

    made = export(arguments.model, arguments.output, arguments.storage, arguments.name, arguments.force)
    show(made.to_text())
    return 0


def _voices(arguments: argparse.Namespace) -> int:
    from wavenet.sharing import voices

    show_made(arguments, voices.shipped() if arguments.name is None else voices.described(arguments.name))
    return 0


def _recipes(arguments: argparse.Namespace) -> int:
    from wavenet.recipe import find, keys, safe_yaml

    if arguments.keys is not None:
        if arguments.name is not None:
            raise InputError("NAME prints a recipe and --keys explains all; give one of them, or --keys KEY")
        show(keys.explain(arguments.keys), end="")
    elif arguments.name is not None:
        show(safe_yaml.read_text(find.find_recipe(arguments.name)), end="")
    else:
        for name in find.recipe_names():
            first = (find.recipe_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
            show(f"{name:<14}{first.lstrip('# ')}")
        from wavenet.sharing import voices

        show(f"\n{voices.shipped().to_text()}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from wavenet.cli.doctor import diagnose

    for name, value in diagnose().items():
        show(f"{name:<14}{value}")
    return 0


VERBS = {
    "train": _train,
    "generate": generate,
    "say": say,
    "vocode": vocode,
    "evaluate": _evaluate,
    "inspect": _inspect,
    "data scan": _scan,
    "data align": _align,
    "data fetch": _fetch,
    "export": _export,
    "voices": _voices,
    "bench": _bench,
    "demo": demo,
    "recipes": _recipes,
    "doctor": _doctor,
}
