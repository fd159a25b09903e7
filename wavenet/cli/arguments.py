"""What the command line takes: verbs, options and their help. No verb is run here."""

from __future__ import annotations

import argparse
import functools
import re
from collections.abc import Callable, Mapping
from typing import NoReturn

from wavenet import __version__
from wavenet.cli.examples import EPILOGS
from wavenet.errors import did_you_mean
from wavenet.generate.engines import STORAGES, names
from wavenet.text import one_line

Run = Callable[[argparse.Namespace], int]


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, with the nearest known word."""

    def error(self, message: str) -> NoReturn:
        """Exit with 2."""
        hint = ""
        if "invalid choice: '" in message:
            word = message.split("invalid choice: '")[1].split("'", maxsplit=1)[0]
            known = message.partition("(choose from")[2].replace("'", " ").replace(",", " ").replace(")", " ").split()
            hint = did_you_mean("cuda" if word.lower() == "gpu" else word, known)
        if "unrecognized arguments: " in message:
            word = message.split("unrecognized arguments: ")[1].split(maxsplit=1)[0].split("=", maxsplit=1)[0]
            hint = did_you_mean(word, self._option_string_actions)
        self.exit(2, f"{one_line(f'{self.prog}: error: {message}{hint}; see `{self.prog} --help`', 640)}\n")


def arguments_of(runs: Mapping[str, Run]) -> argparse.ArgumentParser:
    """Return the parser; what it parses holds `run`, and `parser`, that of the verb.

    Args:
        runs: what each verb calls, by name, such as `data scan`; a verb without it prints its help.
    """
    shared = Parser(add_help=False)
    shared.add_argument("-q", "--quiet", action="store_true", help="only warnings, errors and results")
    shared.add_argument("-v", "--verbose", action="store_true", help="more detail; a traceback with an error")
    parser = Parser(
        prog="wavenet", description="Train a WaveNet on sound, generate sound with it, inspect its dilations."
    )
    parser.add_argument("--version", action="version", version=f"wavenet {__version__}")
    parser.set_defaults(run=_help_of(parser), parser=parser, quiet=False, verbose=False)
    groups = {"": parser.add_subparsers(dest="verb", metavar="VERB", parser_class=Parser)}
    for name, (text, options) in VERBS.items():
        group, _, last = name.rpartition(" ")
        made = groups[group].add_parser(
            last,
            help=text,
            description=text[0].upper() + text[1:] + ".",
            epilog=EPILOGS[name],
            parents=[] if options is None else [shared],
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(run=runs.get(name) or _help_of(made), parser=made)
        if options is None:
            groups[name] = made.add_subparsers(dest=f"{name}_verb", metavar="VERB", parser_class=Parser)
        else:
            options(made)
    return parser


def _help_of(parser: argparse.ArgumentParser) -> Run:
    def run(arguments: argparse.Namespace) -> int:
        parser.print_help()
        return 0

    return run


def _train(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "recipe",
        metavar="RECIPE",
        help="a path, or the name of a recipe (`wavenet recipes`), though a voice may be called so too",
    )
    add("--data", metavar="DIR", help="a folder of sound, in place of the recipe's own")
    add("--out", metavar="RUN", help="the run folder (default: runs/NAME)")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="set a key of the recipe; repeatable")
    add("--max-steps", metavar="N", type=_positive, help="stop after step N")
    add("--max-time", metavar="TIME", help="stop after 90s, 30m, 2h, 1h30m")
    add("--seed", metavar="N", type=_whole, help="the same as --set train.seed=N")
    add("--resume", action="store_true", help="go on with an unfinished run")
    add("--force", action="store_true", help="delete the run in the folder and start over")
    add("--init", metavar="MODEL", help="go on from a model: its network and weights (recipes/FINE-TUNE.md)")
    add("--only", choices=("acoustic",), help="train what predicts tracks and lengths alone, beside a model")
    add(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where to train; cuda is a GPU (default: auto)",
    )
    add("--devices", metavar="N", type=_positive, help="train with N processes at once, on batches N times as large")
    add("--precision", choices=("32", "bf16"), default="32", help="arithmetic of the training graph (default: 32)")
    add("--compile", action="store_true", help="compile the training graph (needs a C++ compiler)")
    add("--cache", metavar="DIR", help="where decoded sound is kept (default: this user's cache)")
    add("--dry-run", action="store_true", help="check everything and print what training would do")
    add("--print-config", action="store_true", help="print the complete recipe and stop")


def _generate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL", help=MODEL)
    add("-o", "--output", metavar="OUT", help="a .wav or .flac file, or - for WAV on stdout (default: NAME-sSEED.wav)")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--seconds", metavar="S", type=_number, help=LENGTH)
    length.add_argument("--samples", metavar="N", type=_positive, help="how long, in samples")
    add("-n", "--count", metavar="COUNT", type=_positive, help="how many sounds (default: 1, or all that `all` names)")
    _asked(parser, "; `all`: each value in turn")
    _draw(parser)
    add("--best-of", metavar="N", type=_positive, help=BEST_OF)
    add("--until-silence", action="store_true", help="stop after 0.3 s below -50 dBFS; --seconds is then the most")
    add("--prime", metavar="IN.wav", help="continue this sound, - for stdin; the output does not contain it")
    add("--force", action="store_true", help="overwrite existing files")


def _asked(parser: argparse.ArgumentParser, more: str = "") -> None:
    """Add the options that ask for values of fields."""
    asked = parser.add_argument_group(
        "what is asked for", "`wavenet inspect MODEL` lists the values that a voice knows"
    )
    add = asked.add_argument
    for name in ("speaker", "label"):
        add(
            f"--{name}",
            dest="condition",
            metavar="NAME",
            action="append",
            default=[],
            type=functools.partial(_value, name),
            help=f"short for --condition {name}=NAME",
        )
    said = f"a field of the voice and its value, such as pitch=60{more}; repeatable"
    add("--condition", metavar="FIELD=VALUE", action="append", default=[], type=_field, help=said)


def _draw(parser: argparse.ArgumentParser, *, verified: bool = True) -> None:
    """Add the options of a draw."""
    add = parser.add_argument
    add("--seed", metavar="N", type=_whole, help="the same seed makes the same sound (default: a new one, printed)")
    add(
        "--temperature",
        metavar="T",
        type=_number,
        default=1.0,
        help="below 1 is less random, 0 not at all (default: 1)",
    )
    add("--top-k", metavar="K", type=_whole, default=0, help="draw only from the K likeliest values")
    add(
        "--top-p",
        metavar="P",
        type=_number,
        default=1.0,
        help="draw only from the likeliest values that make up probability P",
    )
    add("--guidance", metavar="G", type=_number, help=GUIDANCE)
    add("--backend", choices=names(), default="auto", help="which sampler (default: auto)")
    add("--storage", choices=STORAGES, help="precision of the weights (default: float16; float32 for reference)")
    add("--threads", metavar="N", type=_positive, help="the most threads that many sounds share (default: all cores)")
    if verified:
        add("--verify", action="store_true", help="compare the sampler with the training graph; exit 1 if they differ")


def _say(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="VOICE", help=f"{MODEL}, which is told phones")
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("text", metavar="TEXT", nargs="?", help="what to say, or - for stdin; quote it")
    given.add_argument("-f", "--file", metavar="FILE", help="say the text of a file, in UTF-8")
    given.add_argument("--phones", metavar="PHONES", help="say phones, such as 'HH AH L OW1 _ W ER1 L D'")
    add("-o", "--output", metavar="OUT", help="a .wav or .flac file, or - for WAV on stdout (default: NAME-sSEED.wav)")
    add("--speed", metavar="X", type=_number, default=1.0, help="0.25 to 4; 2 is twice as fast (default: 1)")
    add("--pitch", metavar="N", type=_number, default=0.0, help=PITCH)
    add("--sentence-silence", metavar="S", type=_number, help="seconds of silence behind each sentence (default: 0.35)")
    add("--varied", action="store_true", help="draw how long phones are, by the seed, in place of their mean lengths")
    _asked(parser)
    _draw(parser, verified=False)
    add("--force", action="store_true", help="overwrite existing files")


PITCH = "semitones higher, or lower where negative, for voices that are told F0 and no mel spectrogram (default: 0)"


def _vocode(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL", help=f"{MODEL}, which is told mel, f0 or arrays")
    add("inputs", metavar="IN", nargs="+", help="sound files, folders of sound, or .npy files of mels (below)")
    add("-o", "--output", metavar="OUT", required=True, help=COPIES)
    add("--level", choices=("original", "voice"), default="original", help=LOUDNESS)
    _asked(parser)
    _draw(parser)
    add("--cache", metavar="DIR", help="where decoded sound and its features are kept (default: this user's cache)")
    add("--force", action="store_true", help="overwrite existing files")


MODEL = "a run folder, a bundle folder or the name of a voice (`wavenet voices`)"
LENGTH = "how long, in seconds (default: as long as such sounds last, where the voice knows it; else 3)"
GUIDANCE = (
    "1 follows what is asked for as trained, more than 1 more strongly, at twice the work (default: the recipe's)"
)
LOUDNESS = "as loud as the original, or as the voice was trained (default: original)"
COPIES = "a .wav or .flac file for one sound, a folder for several, or - for WAV on stdout"


def _evaluate(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL", help=MODEL)
    add("--data", metavar="DIR|FILE", help="score other sound: a folder or a file (default: the sound of the run)")
    add("--split", choices=("test", "valid", "all"), help="which part (default: test; all of other sound)")
    add("--limit", metavar="TIME", help="score so much sound at most, 90s, 5m or 1h, spread evenly over the files")
    add("--raw", action="store_true", help="score the weights before they are averaged, too")
    add("--backend", choices=("auto", "cpu", "torch"), default="auto", help="what computes (default: auto)")
    add("--threads", metavar="N", type=_positive, help="the most threads that are used (default: all cores)")
    add("--sound", metavar="N", nargs="?", const=20, type=_positive, help=SOUND)
    add("--conditions", action="store_true", help=CONDITIONS)
    add("--speech", action="store_true", help=SPEECH)
    add("--sentences", metavar="N", type=_positive, help="how many sentences --speech chooses from (default: 50)")
    add("--save", metavar="DIR", help="write the clips of --speech there, as 00-real.wav, 00-text-alone.wav...")
    add("--guidance", metavar="G", type=_number, help=GUIDANCE)
    add("--seed", metavar="N", type=_whole, default=0, help="of the sounds that are drawn (default: 0)")
    add("--plot", metavar="OUT.png", help=SURPRISING)
    add("--surprisal", metavar="OUT.npy", help="write the bits of every sample")
    add("--cache", metavar="DIR", help="where decoded sound is kept (default: this user's cache)")
    add("--json", action="store_true", help="print JSON")
    add("--force", action="store_true", help="overwrite existing files")


SURPRISING = (
    "draw the bits over time under the spectrogram of the most surprising file; below it what --conditions and "
    "--speech made, beside real sound"
)
CONDITIONS = (
    "does it do what it is told: bits/sample when told right and wrong; what a recogniser hears of 60 clips that are "
    "asked for, or of as many as --sound says; how near copies come to their originals"
)
SPEECH = (
    "is what it says understood: held-out sentences said from text, named and written down by recognisers, beside real "
    "ones"
)
SOUND = "draw N clips (default: 20): do they sound like the held-out ones, and is any a copy of training sound?"


def _inspect(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="RECIPE|MODEL|LAYERS.yaml", nargs="?", help=INSPECTED)
    add("--json", action="store_true", help="print JSON")
    add("--layers", action="store_true", help="add a table of all layers, with their sizes and costs where known")
    add("--size", metavar="N", type=_size, help="add the size of every output for an input of N, or HEIGHTxWIDTH")
    add("--lags", action="store_true", help="add the number of paths from each lag")
    add("--plot", metavar="OUT", help="draw it all on one sheet: a .png, .svg or .pdf file")
    add("--force", action="store_true", help="overwrite an existing picture")
    add("--measure", metavar="AUDIO", nargs="?", const="", help=MEASURE)
    span = parser.add_argument_group("stacks for a span", "RECIPE gives channels and rate (default: those of digits)")
    span.add_argument("--span", metavar="SPAN", help="list stacks that see 250ms, 1.5s or a number of samples")
    span.add_argument("--rate", metavar="HZ", type=_positive, help="the sample rate")
    span.add_argument("--kernel", metavar="K", type=_positive, help="taps of the stacks (default: the recipe's, or 2)")
    span.add_argument("--dims", type=int, choices=(1, 2), help="axes of the kernels (default: 1)")
    most = span.add_mutually_exclusive_group()
    most.add_argument("--max-params", metavar="N", type=_positive, help="leave out stacks with more parameters")
    most.add_argument("--max-macs", metavar="N", type=_positive, help="leave out stacks with more MACs per sample")


INSPECTED = "a recipe, run, bundle, voice or list of layers; a recipe's name comes first, but with --measure a voice's"
BENCHED = "a run, bundle, voice or recipe, whose name comes first (default: R 64, S 256, 20 layers)"
BEST_OF = "draw N candidates for each sound and keep one about as likely as real sound; re-draw noise, hum and silence"
MEASURE = "measure what a MODEL uses, on a file or folder of sound (default: the held-out sound of a run)"


def _scan(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", metavar="DIR", help="a folder of sound")
    add("--recipe", metavar="RECIPE", help="measure the sound as this recipe prepares it: rate, trimming, level")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="set a key of the recipe; repeatable")
    add("--json", action="store_true", help="print JSON")


def _align(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("folder", metavar="DIR", help="a folder of recordings with their text, or labels beside them")
    add("--recipe", metavar="RECIPE", help="decode the recordings as training by this recipe will: rate, trimming")
    add("--set", metavar="KEY=VALUE", action="append", default=[], help="set a key of the recipe; repeatable")
    add("--limit", metavar="N", type=_positive, help="align N recordings at most, spread evenly over the folder")
    add("--plot", metavar="OUT.png", help="draw the spectrogram of one recording with its phones")
    add("--cache", metavar="DIR", help="where decoded sound and phones are kept (default: this user's cache)")
    add("--json", action="store_true", help="print JSON")
    add("--force", action="store_true", help="overwrite an existing picture")


def _fetch(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", help="a data set from the list below")
    add(
        "--to",
        metavar="DIR",
        help="the folder to make (default: NAME in $WAVENET_DATA, else in this user's data folder)",
    )
    add("--force", action="store_true", help="download the data set again")


def _bench(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("source", metavar="MODEL|RECIPE", nargs="?", help=BENCHED)
    add("--data", metavar="DIR", help="score float16 and float32 on this held-out sound (default: that of the run)")
    add("--seconds", metavar="S", type=_seconds, default=60.0, help="about how long to measure (default: 60)")
    add("--json", action="store_true", help="print JSON")
    add("--plot", metavar="OUT.png", help="draw speed against batch and model size")
    add("--force", action="store_true", help="overwrite an existing picture")


def _demo(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("-o", "--output", metavar="DIR", help="the folder that sounds and pictures go to (default: demo)")
    add("--seed", metavar="N", type=_whole, default=0, help="the same seed makes the same sounds (default: 0)")
    add("--force", action="store_true", help="overwrite existing files")


def _export(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("model", metavar="MODEL", help=MODEL)
    add("-o", "--output", metavar="FOLDER", required=True, help="the folder to make; CARD.md in it is kept")
    add("--storage", choices=STORAGES, default="float16", help="precision of the weights (default: float16)")
    add("--name", metavar="NAME", help="what the voice is called (default: as its recipe)")
    add("--force", action="store_true", help="replace the bundle in the folder")


def _voices(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", nargs="?", help="print the model card of this voice (or run, or bundle folder)")
    add("--json", action="store_true", help="print JSON")


def _recipes(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("name", metavar="NAME", nargs="?", help="print this recipe")
    add("--keys", metavar="KEY", nargs="?", const="", help="explain a key or a section, such as train (default: all)")


VERBS: dict[str, tuple[str, Callable[[argparse.ArgumentParser], object] | None]] = {  # None: it has verbs of its own
    "train": ("train a recipe on a folder of sound", _train),
    "generate": ("generate sound with a trained model", _generate),
    "say": ("say text with a voice that is told phones", _say),
    "vocode": ("turn sound into its mel spectrogram and back, in the voice of a trained model", _vocode),
    "evaluate": ("measure how well a trained model predicts held-out sound", _evaluate),
    "inspect": ("show what a stack of dilations sees and costs", _inspect),
    "data": ("fetch, check or align sound before training on it", None),
    "data scan": ("show which files of a folder training would keep or drop, and why", _scan),
    "data align": ("find which phone is said when in recordings with text", _align),
    "data fetch": ("download a data set, check it and unpack it", _fetch),
    "export": ("write a trained model, with its model card, to a folder that can be shared", _export),
    "voices": ("list the voices that come with the package, or print the model card of one", _voices),
    "bench": ("measure how fast sound is generated and scored on this machine", _bench),
    "demo": ("hear the voices that ship: a sentence, ten digits, a tune", _demo),
    "recipes": ("list the recipes and voices, print one, or explain their keys", _recipes),
    "doctor": ("show versions and devices, for when something does not work", lambda parser: None),
}


def _value(name: str, text: str) -> tuple[str, str]:
    return name, text.strip()


def _field(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not (equals and name.strip() and value.strip()):
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected FIELD=VALUE such as pitch=60")
    return name.strip(), value.strip()


def _positive(text: str) -> int:
    if not re.fullmatch(r"\+?0*[1-9][0-9]{,28}", text.strip()):
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected a whole number of at least 1")
    return int(text)


def _whole(text: str) -> int:
    if not re.fullmatch(r"[+-]?[0-9]{1,29}", text.strip()):
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected a whole number")
    return int(text)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected a number such as 3 or 0.5") from None


def _size(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9][0-9]{,28}(x[1-9][0-9]{,28})?", text.strip().lower()):
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected a whole number such as 224, or 480x640")
    return tuple(map(int, text.lower().split("x")))


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0.0 < number <= 86_400.0:
        raise argparse.ArgumentTypeError(f"got {text!r:.40}, expected more than 0, at most 86400")
    return number
