"""What the command line takes: verbs, options, their help and examples. No verb is run here."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import NoReturn

from wavenet import __version__
from wavenet.datasets import catalogue
from wavenet.errors import did_you_mean
from wavenet.generate.engines import STORAGES, names
from wavenet.text import on_one_line


class Parser(argparse.ArgumentParser):
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
        self.exit(2, f"{on_one_line(f'{self.prog}: error: {message}{hint}; see `{self.prog} --help`')}\n")


Run = Callable[[argparse.Namespace], int]


def arguments_of(runs: Mapping[str, Run]) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """Return the parser, and the one of each verb.

    Args:
        runs: what each verb calls, by name; `data scan` for the verb of a verb.
    """
    shared = Parser(add_help=False)
    shared.add_argument("-q", "--quiet", action="store_true", help="only warnings, errors and results")
    shared.add_argument("-v", "--verbose", action="store_true", help="more detail; a traceback with an error")
    parser = Parser(prog="wavenet", description="An autoregressive WaveNet for raw audio.")
    parser.add_argument("--version", action="version", version=f"wavenet {__version__}")
    parser.set_defaults(run=_help_of(parser), quiet=False, verbose=False)
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)
    known: dict[str, argparse.ArgumentParser] = {}

    def verb(name: str, text: str, examples: str, common: bool = True) -> argparse.ArgumentParser:
        made = verbs.add_parser(
            name,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=f"examples:\n{examples}",
            parents=[shared] if common else [],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=runs.get(name))
        known[name] = made
        return made

    _train_arguments(verb("train", "train a recipe on a folder of sound", _TRAIN_EXAMPLES))
    _generate_arguments(verb("generate", "generate sound with a trained model", _GENERATE_EXAMPLES))
    _inspect_arguments(verb("inspect", "show what a dilation stack sees and costs", _INSPECT_EXAMPLES))
    data = verb("data", "fetch sound, or look at it, before training on it", _DATA_EXAMPLES, False)
    _data_arguments(data, shared, runs)
    _bench_arguments(verb("bench", "measure how fast sampling is on this machine", _BENCH_EXAMPLES))
    _recipes_arguments(verb("recipes", "list the recipes, print one, or explain their keys", _RECIPES_EXAMPLES))
    verb("doctor", "show the versions and devices this program sees", "  wavenet doctor")
    return parser, known


def _help_of(parser: argparse.ArgumentParser) -> Run:
    """Return what prints a parser's help: who names no verb asks for it."""

    def run(arguments: argparse.Namespace) -> int:
        parser.print_help()
        return 0

    return run


_TRAIN_EXAMPLES = """  wavenet train quickstart
  wavenet train folder --data recordings/ --out runs/mine --max-time 30m
  wavenet train folder --data recordings/ --out runs/mine --resume
  wavenet train digits --set train.steps=2000 --set model.residual_channels=32"""

_GENERATE_EXAMPLES = """  wavenet generate runs/quickstart --seconds 3 --seed 1 -o out.wav
  wavenet generate runs/quickstart -n 8 --temperature 0.9 -o out.wav
  wavenet generate runs/quickstart --prime beginning.wav -o - | aplay"""

_DATA_EXAMPLES = """  wavenet data fetch digits
  wavenet data scan recordings/
  wavenet data scan recordings/ --recipe folder"""

_FETCH_NEXT = """the recipes digits, ljspeech, vctk and sc09 find the set they were made for (`wavenet train digits`),
and any takes a folder with --data DIR; a fetch ends with the command to train on what it brought"""

_FETCH_EXAMPLES = """  wavenet data fetch digits         # `wavenet train digits` finds it
  wavenet data fetch yesno --to sounds/yesno"""

_RECIPES_EXAMPLES = """  wavenet recipes
  wavenet recipes digits
  wavenet recipes --keys                # what every key means and may be
  wavenet recipes --keys model.dilations"""

_INSPECT_EXAMPLES = """  wavenet inspect quickstart --plot sheet.png
  wavenet inspect wavenet-2016 --layers --lags
  wavenet inspect runs/quickstart --measure            # on its own held-out sound
  wavenet inspect runs/quickstart --measure piece.wav --plot sheet.pdf
  wavenet inspect --span 250ms --rate 16000 --kernel 2 --max-params 1000000
  wavenet inspect LAYERS.yaml --size 224 --layers      # every output's size, every layer's parameters
  wavenet inspect LAYERS.yaml --json

a LAYERS.yaml describes convolutions and pooling layers of any network (samples/layers of the project has a dozen);
in and out are needed for parameters and multiply-adds alone:
  dims: 2                      # axes of the kernels, 1 or 2 (default: 1)
  padding: same                # causal (default for dims 1), same (default for dims 2), valid, or a number
  sample_rate: 16000           # optional, in Hz
  layers:
    - {kernel: 7, stride: 2, dilation: 1, padding: 3, in: 3, out: 64, bias: false, groups: 1}
    - {kernel: 3, stride: 2}   # pooling: it has no out; a convolution's in is the out before it
    - parallel: [[{kernel: 1}], [{kernel: 3, dilation: 6}], [{pool: global}, {kernel: 1}]]
      join: add                # concatenate (default) or add the channels of the branches"""


_BENCH_EXAMPLES = """  wavenet bench                     # the net that others are measured with
  wavenet bench runs/quickstart     # and what half precision costs it
  wavenet bench wavenet-2016 --json
  wavenet bench --plot speed.png"""


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="MODEL|RECIPE", nargs="?", help="a run, bundle or recipe (default: R 64, S 256, 20 layers)")
    add("--data", metavar="DIR", help="score both storages on this folder's held-out sound (default: a run's own)")
    add("--seconds", metavar="S", type=_seconds, default=60.0, help="about how long to measure (default: 60)")
    add("--json", action="store_true", help="print JSON")
    add("--plot", metavar="OUT.png", help="draw speed against batch and model size")
    add("--force", action="store_true", help="overwrite an existing picture")


def _recipes_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", nargs="?", help="print this recipe")
    add("--keys", metavar="KEY", nargs="?", const="", help="explain a key or a section, such as train (default: all)")


def _inspect_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="RECIPE|MODEL|LAYERS.yaml", nargs="?", help="a recipe, run, bundle or list of layers")
    add("--json", action="store_true", help="print JSON")
    add("--layers", action="store_true", help="add a table of all layers, and one of their sizes and costs where known")
    add("--size", metavar="N", type=_size, help="add the size of every output for an input of N, or HEIGHTxWIDTH")
    add("--lags", action="store_true", help="add how many paths lead from each lag")
    add("--plot", metavar="OUT", help="draw one sheet of it all: a .png, .svg or .pdf file")
    add("--force", action="store_true", help="overwrite an existing picture")
    add(
        "--measure",
        metavar="AUDIO",
        nargs="?",
        const="",
        help="measure what a MODEL uses, on this file or folder of sound (default: the held-out sound of a run)",
    )
    span = parser.add_argument_group("how to see a span", "RECIPE gives channels and rate (default: those of digits)")
    span.add_argument("--span", metavar="SPAN", help="250ms, 1.5s or a number of samples")
    span.add_argument("--rate", metavar="HZ", type=_positive, help="the sample rate")
    span.add_argument("--kernel", metavar="K", type=_positive, help="taps of the stacks (default: the recipe's, or 2)")
    span.add_argument("--dims", type=int, choices=(1, 2), help="axes of the kernels (default: 1)")
    most = span.add_mutually_exclusive_group()
    most.add_argument("--max-params", metavar="N", type=_positive, help="leave out what has more parameters")
    most.add_argument("--max-macs", metavar="N", type=_positive, help="leave out what takes more MACs per sample")


def _train_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("recipe", metavar="RECIPE", help="a path, or a name that `wavenet recipes` lists")
    add("--data", metavar="DIR", help="a folder of sound, in place of the recipe's own")
    add("--out", metavar="RUN", help="the run folder (default: runs/NAME)")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="override a key of the recipe; repeatable")
    add("--max-steps", metavar="N", type=_positive, help="stop when N steps are done in all")
    add("--max-time", metavar="TIME", help="stop after 90s, 30m, 2h, 1h30m")
    add("--seed", metavar="N", type=int, help="the same as --set train.seed=N")
    add("--resume", action="store_true", help="go on with an unfinished run")
    add("--force", action="store_true", help="begin anew in the folder of another run")
    add("--init", metavar="MODEL", help="take the first weights from a run or bundle of the same dimensions")
    add("--device", choices=("auto", "cpu", "cuda"), default="auto", help="where to train (default: auto)")
    add(
        "--devices",
        metavar="N",
        type=_positive,
        help="train on N at once, each with its share of a batch N times as large",
    )
    add("--precision", choices=("32", "bf16"), default="32", help="arithmetic of the training graph (default: 32)")
    add("--compile", action="store_true", help="compile the training graph (needs a C++ compiler)")
    add("--cache", metavar="DIR", help="where decoded sound is kept (default: this user's cache)")
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
    add("--prime", metavar="IN.wav", help="continue from this sound, - for stdin; it is not in the output")
    add("--backend", choices=names(), default="auto", help="which sampler (default: auto)")
    add(
        "--storage",
        choices=STORAGES,
        help="how weights are kept (default: float16, but float32 for reference)",
    )
    add("--threads", metavar="N", type=_positive, help="the most threads of cpu, for many sounds (default: all cores)")
    add("--verify", action="store_true", help="compare the sampler with the training graph; exit 1 if they differ")
    add("--force", action="store_true", help="overwrite existing files")


def _data_arguments(parser: argparse.ArgumentParser, shared: Parser, runs: Mapping[str, Run]) -> None:
    """Add the verbs of `data`; each leaves its own parser in the arguments, for what is found wrong later."""
    parser.set_defaults(run=_help_of(parser), parser=parser)
    verbs = parser.add_subparsers(dest="data_verb", metavar="VERB", parser_class=Parser)
    scan = verbs.add_parser(
        "scan",
        help="tell which files would be kept or dropped, and why",
        description="Tell which files of a folder would be kept or dropped, and why. Exit 0 if any is kept (and, where "
        "a recipe is named, training by it would begin), else 2.",
        parents=[shared],
    )
    scan.add_argument("folder", metavar="DIR", help="a folder of sound")
    scan.add_argument(
        "--recipe", metavar="RECIPE", help="measure as training by this recipe will: rate, trimming, level"
    )
    scan.add_argument("--set", metavar="KEY=VALUE", action="append", default=[], help="override a key of the recipe")
    scan.add_argument("--json", action="store_true", help="print JSON")
    scan.set_defaults(run=runs["data scan"], parser=scan)
    sets = "\n".join(
        f"  {name:<26}{one.words():<15}{one.licence}\n  {'':<26}{one.title}" for name, one in catalogue.DATASETS.items()
    )
    get = verbs.add_parser(
        "fetch",
        help="download a data set, check it and unpack it",
        description="Download a data set, check it and unpack it. A download that was stopped goes on where it was.",
        epilog=f"data sets:\n{sets}\n\n{_FETCH_NEXT}\n\nexamples:\n{_FETCH_EXAMPLES}",
        parents=[shared],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    get.add_argument("name", metavar="NAME", help="a data set of the list below")
    get.add_argument(
        "--to",
        metavar="DIR",
        help="the folder to make (default: NAME in $WAVENET_DATA, else in this user's data folder, where recipes look)",
    )
    get.add_argument("--force", action="store_true", help="fetch anew what was fetched before")
    get.set_defaults(run=runs["data fetch"], parser=get)


def _positive(text: str) -> int:
    number = text.strip().removeprefix("+")
    if not (number.isdecimal() and len(number) < 30 and int(number) >= 1):
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected a whole number of at least 1")
    return int(number)


def _size(text: str) -> tuple[int, ...]:
    sizes = text.strip().lower().split("x")
    if len(sizes) > 2 or not all(one.isdecimal() and len(one) < 30 and int(one) >= 1 for one in sizes):
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected a whole number such as 224, or 480x640")
    return tuple(map(int, sizes))


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= 86_400.0:
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected more than 0, at most 86400")
    return number
