"""The command line. Each verb imports what it needs and turns arguments into one call; errors become exit codes.

``wavenet --help`` and ``wavenet inspect`` import neither torch nor NumPy. Results go to stdout, words and progress to
stderr. Exit codes: 0 done, 1 failed while running, 2 wrong usage, recipe, path or input, 130 Ctrl-C, 143 SIGTERM,
141 the reader of stdout hung up.
"""

from __future__ import annotations

import argparse
import io
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from wavenet import __version__
from wavenet.errors import InputError, Terminated, VerificationError, WavenetError, did_you_mean
from wavenet.progress import log

if TYPE_CHECKING:
    from wavenet.generate.voice import Voice

HUNG_UP = 141


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with the nearest known word."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        hint = ""
        if "invalid choice: '" in message:
            word = message.split("invalid choice: '")[1].split("'", maxsplit=1)[0]
            known = message.partition("(choose from")[2].replace("'", " ").replace(",", " ").replace(")", " ").split()
            hint = did_you_mean(word, known)
        if "unrecognized arguments: " in message:
            word = message.split("unrecognized arguments: ")[1].split(maxsplit=1)[0].split("=", maxsplit=1)[0]
            hint = did_you_mean(word, self._option_string_actions)
        self.exit(2, f"{self.prog}: error: {message}{hint}; see `{self.prog} --help`\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # before NumPy and torch are imported: NumPy's products here are too small for threads; and torch's waiting threads
    # sleep instead of spinning, which on a shared machine is several times faster (LOG.md)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):  # a file name may hold what no encoding can print
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser, verbs = _parser()
    arguments, rest = parser.parse_known_args(argv)
    if rest:
        verbs[arguments.verb].error(f"unrecognized arguments: {' '.join(rest)}")
    _words(arguments.quiet)
    before = signal.getsignal(signal.SIGTERM)
    try:
        signal.signal(signal.SIGTERM, _terminate)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that Python's own flush stays silent
        return HUNG_UP
    except KeyboardInterrupt:
        log.error("interrupted")
        return 130
    except Terminated:
        log.error("terminated")
        return Terminated.exit_code
    except WavenetError as error:
        _show(error, arguments.verbose)
        return error.exit_code
    except Exception as error:  # noqa: BLE001  (the last place that can turn a traceback into a line)
        _show(error, arguments.verbose)
        return 1
    finally:
        signal.signal(signal.SIGTERM, before)


def _terminate(number: int, frame: FrameType | None) -> None:
    raise Terminated


def _show(error: BaseException, verbose: bool) -> None:
    if verbose:
        traceback.print_exc()
    text = " ".join(str(error).split())
    if not isinstance(error, WavenetError | OSError):
        text = f"{type(error).__name__}: {text} (unexpected; -v shows where)"
    log.error("error: %s", text)


def _words(quiet: bool) -> None:
    """Send the program's words to stderr: all of them, or only warnings and errors."""
    logging.raiseExceptions = False  # a full disk under train.log is told once, by what it breaks
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter())
    log.handlers[:] = [handler]
    log.setLevel(logging.WARNING if quiet else logging.INFO)
    log.propagate = False


class _Formatter(logging.Formatter):
    """Marks warnings; plain words stay plain."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        text = record.getMessage()
        return f"warning: {text}" if record.levelno == logging.WARNING else text


# --- verbs -----------------------------------------------------------------------------------------------------------


def _train(arguments: argparse.Namespace) -> int:
    from wavenet import config

    overrides = list(arguments.set)
    if arguments.seed is not None:
        overrides.append(f"train.seed={arguments.seed}")
    recipe = config.load(config.find_recipe(arguments.recipe), overrides)
    seconds = None if arguments.max_time is None else config.parse_duration(arguments.max_time)
    recipe = config.with_data(recipe, arguments.data)
    if arguments.print_config:
        print(config.dump(recipe), end="")
        return 0
    from wavenet.training.fit import train

    train(
        recipe,
        out=arguments.out or config.run_folder(arguments.recipe),
        max_steps=arguments.max_steps,
        max_seconds=seconds,
        resume=arguments.resume,
        force=arguments.force,
        init=arguments.init,
        device=arguments.device,
        precision=arguments.precision,
        compiled=arguments.compile,
        cache=arguments.cache,
        dry_run=arguments.dry_run,
    )
    return 0


def _generate(arguments: argparse.Namespace) -> int:
    from wavenet.generate import voice as voices

    voice = voices.load(arguments.model)
    for warning in voice.warnings():
        log.warning(warning)
    seed = voices.draw_seed(arguments.seed)
    streaming = arguments.output == "-"
    out = Path(f"{voice.name}-s{seed}.wav" if arguments.output is None else arguments.output)
    if streaming and (arguments.count != 1 or arguments.verify):
        raise InputError("-o - streams one sound, unverified; give a file name for -n and --verify")
    if not streaming:
        _check_targets(voices.numbered(out, arguments.count), arguments.force)
    prime = None
    if arguments.prime is not None:
        from wavenet.audio import files

        prime = files.read(Path(arguments.prime), voice.sample_rate)
    draw = {"temperature": arguments.temperature, "top_k": arguments.top_k, "top_p": arguments.top_p}
    chosen = {**draw, "seconds": arguments.seconds, "samples": arguments.samples, "seed": seed, "prime": prime}
    chosen |= {"backend": arguments.backend, "storage": arguments.storage, "threads": arguments.threads}
    total = voice.length(arguments.seconds, arguments.samples)
    log.info("%s: drawing %d x %s samples with seed %d", voice.name, arguments.count, f"{total:,}", seed)
    if streaming:
        return _stream(voice, chosen)
    sound = voice.generate(**chosen, count=arguments.count, verify=arguments.verify)
    wall = sound.wall
    paths = sound.save(out)
    for warning in sound.warnings():
        log.warning(warning)
    seconds = sound.samples.shape[1] / sound.sample_rate
    speed = seconds * len(paths) / wall if wall > 0 else 0.0
    names = ", ".join(str(path) for path in paths)
    print(f"{names}: {seconds:.2f} s at {sound.sample_rate} Hz in {wall:.2f} s ({speed:.2f} x real time), seed {seed}")
    if not sound.complete:
        raise KeyboardInterrupt if sound.stopped_by == "SIGINT" else Terminated
    if sound.difference is not None:
        _judge(sound.difference)
    return 0


def _judge(difference: float) -> None:
    from wavenet.generate.verify import BOUND

    verdict = f"log-probabilities of sampler and training graph differ by at most {difference:.2e} nats"
    if not difference <= BOUND:  # NaN is no agreement either
        raise VerificationError(f"{verdict}, expected at most {BOUND:g}; please report this with the model")
    log.info("verified: %s (bound %g)", verdict, BOUND)


def _check_targets(paths: Sequence[Path], force: bool) -> None:
    for path in paths:
        if path.suffix.lower() not in (".wav", ".flac"):
            raise InputError(f"-o {path}: got the suffix {path.suffix!r}, expected .wav or .flac")
        if path.is_dir():
            raise InputError(f"-o {path} is a folder; name a file in it")
        if path.exists() and not force:
            raise InputError(f"{path} exists; name another file with -o or overwrite it with --force")
        nearest = next(folder for folder in path.absolute().parents if folder.exists())
        if not nearest.is_dir() or not os.access(nearest, os.W_OK):
            raise InputError(f"-o {path}: {nearest} cannot be written to; name another folder")


def _stream(voice: Voice, chosen: dict[str, Any]) -> int:
    """Write WAV bytes to stdout as they are made; the closing line goes to stderr."""
    from wavenet.audio import files

    total = voice.length(chosen["seconds"], chosen["samples"])
    pipe, began = sys.stdout.buffer, time.monotonic()
    pipe.write(files.wav_header(voice.sample_rate, total, voice.bits))
    for part in voice.stream(**chosen, chunk=max(100, voice.sample_rate // 20)):
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
    from wavenet.report import inspect

    report = inspect(arguments.source)
    if arguments.json:
        import json

        print(json.dumps(report.to_json(), indent=1))
    else:
        print(report.to_text(layers=arguments.layers))
    return 0


def _scan(arguments: argparse.Namespace) -> int:
    from wavenet.audio.survey import scan

    survey = scan(arguments.folder)
    if arguments.json:
        import json

        print(json.dumps(survey.to_json(), indent=1))
    else:
        print(survey.to_text(every_file=arguments.verbose or len(survey.entries) <= 20))
    return 0 if survey.kept else 2


def _recipes(arguments: argparse.Namespace) -> int:
    from wavenet import config

    if arguments.name is not None:
        print(config.find_recipe(arguments.name).read_text(encoding="utf-8"), end="")
        return 0
    for name in config.recipe_names():
        first = (config.recipe_folder() / f"{name}.yaml").read_text(encoding="utf-8").partition("\n")[0]
        print(f"{name:<14}{first.lstrip('# ')}")
    return 0


def _doctor(arguments: argparse.Namespace) -> int:
    from wavenet.training.doctor import diagnose

    for name, value in diagnose().items():
        print(f"{name:<14}{value}")
    return 0


# --- arguments -------------------------------------------------------------------------------------------------------


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser, and the one of each verb."""
    shared = _Parser(add_help=False)
    shared.add_argument("-q", "--quiet", action="store_true", help="only warnings, errors and results")
    shared.add_argument("-v", "--verbose", action="store_true", help="more detail; a traceback with an error")
    parser = _Parser(prog="wavenet", description="An autoregressive WaveNet for raw audio.")
    parser.add_argument("--version", action="version", version=f"wavenet {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True, parser_class=_Parser)
    known: dict[str, argparse.ArgumentParser] = {}

    def verb(name: str, run: object, text: str, examples: str, common: bool = True) -> argparse.ArgumentParser:
        made = verbs.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=f"examples:\n{examples}",
            parents=[shared] if common else [],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=run)
        known[name] = made
        return made

    _train_arguments(verb("train", _train, "train a recipe on a folder of sound", _TRAIN_EXAMPLES))
    _generate_arguments(verb("generate", _generate, "generate sound with a trained model", _GENERATE_EXAMPLES))
    looked = verb("inspect", _inspect, "show what a dilation stack sees and costs", _INSPECT_EXAMPLES)
    looked.add_argument("source", metavar="RECIPE|MODEL|LAYERS.yaml", help="a recipe, run, bundle or list of layers")
    looked.add_argument("--json", action="store_true", help="print JSON")
    looked.add_argument("--layers", action="store_true", help="add a table of all layers")
    data = verb("data", None, "look at sound before training on it", "  wavenet data scan recordings/", False)
    known["data"] = _data_arguments(data, shared)
    listed = verb("recipes", _recipes, "list the recipes, or print one", "  wavenet recipes\n  wavenet recipes digits")
    listed.add_argument("name", metavar="NAME", nargs="?", help="print this recipe")
    verb("doctor", _doctor, "show the versions and devices this program sees", "  wavenet doctor")
    return parser, known


_TRAIN_EXAMPLES = """  wavenet train quickstart
  wavenet train folder --data recordings/ --out runs/mine --max-time 30m
  wavenet train folder --data recordings/ --out runs/mine --resume
  wavenet train digits --set train.steps=2000 --set model.residual_channels=32"""

_GENERATE_EXAMPLES = """  wavenet generate runs/quickstart --seconds 3 --seed 1 -o out.wav
  wavenet generate runs/quickstart -n 8 --temperature 0.9 -o out.wav
  wavenet generate runs/quickstart --prime beginning.wav -o - | aplay"""

_INSPECT_EXAMPLES = """  wavenet inspect quickstart
  wavenet inspect wavenet-2016 --layers
  wavenet inspect runs/quickstart --json
  wavenet inspect LAYERS.yaml      # layers: [{kernel: 3, dilation: 1}, {kernel: 3, dilation: 2}]"""


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="a path, or a name that `wavenet recipes` lists")
    add("--data", metavar="DIR", help="a folder of sound, in place of the recipe's own")
    add("--out", metavar="RUN", type=Path, help="the run folder (default: runs/NAME)")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="override a key of the recipe; repeatable")
    add("--max-steps", metavar="N", type=_positive, help="stop when N steps are done in all")
    add("--max-time", metavar="TIME", help="stop after 90s, 30m, 2h, 1h30m")
    add("--seed", metavar="N", type=int, help="the same as --set train.seed=N")
    add("--resume", action="store_true", help="go on with an unfinished run")
    add("--force", action="store_true", help="begin anew in the folder of another run")
    add("--init", metavar="MODEL", help="take the first weights from a run or bundle of the same dimensions")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (default: auto)")
    add("--precision", choices=("32", "bf16"), default="32", help="arithmetic of the training graph (default: 32)")
    add("--compile", action="store_true", help="compile the training graph (needs a C++ compiler)")
    add("--cache", metavar="DIR", type=Path, help="where decoded sound is kept (default: this user's cache)")
    add("--dry-run", action="store_true", help="check everything, say what would be done, train nothing")
    add("--print-config", action="store_true", help="print the complete recipe and stop")


def _generate_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run folder or a bundle folder")
    add("-o", "--output", metavar="OUT", help="a .wav or .flac file, or - for WAV on stdout (default: NAME-sSEED.wav)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", metavar="S", type=float, help="how long (default: 3)")
    length.add_argument("--samples", metavar="N", type=_positive, help="how long, in samples")
    add("-n", "--count", metavar="COUNT", type=_positive, default=1, help="how many sounds (default: 1)")
    add("--seed", metavar="N", type=int, help="what to draw with (default: a fresh one, printed)")
    add("--temperature", metavar="T", type=float, default=1.0, help="below 1 plays safe, 0 takes the likeliest")
    add("--top-k", metavar="K", type=int, default=0, help="draw from the K likeliest values only")
    add("--top-p", metavar="P", type=float, default=1.0, help="draw from the likeliest values with this share")
    add("--prime", metavar="IN.wav", help="continue from this sound; it is not in the output")
    add("--backend", choices=("auto", "reference", "cpu"), default="auto", help="which sampler (default: auto)")
    add("--storage", choices=("float16", "float32"), help="how the sampler keeps its weights (default: float16)")
    add("--threads", metavar="N", type=_positive, help="the most threads for many sounds (default: all cores)")
    add("--verify", action="store_true", help="compare the sampler with the training graph; exit 1 if they differ")
    add("--force", action="store_true", help="overwrite existing files")


def _data_arguments(parser: argparse.ArgumentParser, shared: _Parser) -> argparse.ArgumentParser:
    """Add the verbs of `data` and return the parser of the one there is."""
    verbs = parser.add_subparsers(dest="data_verb", metavar="VERB", required=True, parser_class=_Parser)
    scan = verbs.add_parser(
        "scan",
        help="tell which files would be kept or dropped, and why",
        description="Tell which files of a folder would be kept or dropped, and why. Exit 0 if any is kept, else 2.",
        parents=[shared],
    )
    scan.add_argument("folder", metavar="DIR", help="a folder of sound")
    scan.add_argument("--json", action="store_true", help="print JSON")
    scan.set_defaults(run=_scan)
    return scan


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"got {text}, expected a whole number of at least 1")
    return number
