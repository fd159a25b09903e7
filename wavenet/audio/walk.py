"""The sound files below a folder, and what is left out of it and why: other formats, hidden files, our own output."""

from __future__ import annotations

import contextlib
import os
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from wavenet.audio.files import SOFTWARE, SUFFIXES
from wavenet.errors import InputError
from wavenet.progress import log
from wavenet.recipe import read
from wavenet.recipe.paths import WRITTEN
from wavenet.text import printable, some

FORMATS = frozenset(  # that hold sound, and that FFmpeg reads
    {".m4a", ".m4b", ".m4r", ".aac", ".ac3", ".alac", ".wma", ".amr", ".awb", ".3ga", ".3gp", ".g722", ".g726", ".gsm"}
    | {".ape", ".wv", ".shn", ".tta", ".tak", ".mpc", ".spx", ".ra", ".dts", ".dsf", ".dff", ".qcp"}
    | {".mka", ".weba", ".webm", ".mp4", ".m4v", ".mov", ".mkv", ".avi", ".adts"}
)
RAW = frozenset({".raw", ".pcm"})  # samples alone: nothing in them says at what rate
TABLES = frozenset({".csv", ".tsv", ".jsonl", ".xlsx", ".xls", ".ods", ".parquet"})
TABLE_NAMES = frozenset({"metadata.txt", "metadata.json"})
HIDDEN, NO_SUFFIX, TABLE = "hidden", "no suffix", "table"  # kinds of files that are not read as sound
HEADS = (b"RIFF", b"RIFX", b"RF64", b"riff", b"fLaC", b"OggS", b"FORM", b"caff", b"ID3", b".snd", b"NIST", b"\xff\xfb")
HEAD_BYTES = 512  # of a file, in which its software tag stands where we wrote it
MOST_HEADS = 1_000  # files without a suffix that are opened
SOUNDS = (".wav", ".wave", ".flac")  # what this program writes, and what such a file may be renamed to
TAG = re.compile(rb"R(?:IFF|F64).{8}.*ISFT.{4}%b|fLaC.*software=%b" % ((re.escape(SOFTWARE.encode()),) * 2), re.DOTALL)
TAKE_OWN = "--set data.generated=true includes it"


def find_sounds(folder: Path, *, outside: bool = False, own: bool = False) -> tuple[list[Path], dict[str, list[Path]]]:
    """Return the sound files below a folder, and by kind (see `_kind`) other files that may be worth a word.

    Links are followed, also to folders `outside` if asked; each folder is entered once, runs and bundles only if they
    are the folder itself or our `own` output is asked for. A warning names what is left out.
    """
    sounds, others, away, runs = list[Path](), defaultdict[str, list[Path]](list), list[Path](), list[Path]()
    top, entered = os.path.join(os.path.realpath(folder), ""), set()  # noqa: PTH118

    def unreadable(error: OSError) -> None:
        log.warning("the folder %s cannot be read: %s", printable(str(error.filename)), error.strerror)

    for place, folders, names in os.walk(folder, onerror=unreadable, followlinks=True):
        real = os.path.join(os.path.realpath(place), "")  # noqa: PTH118
        below = sorted(name for name in folders if not name.startswith("."))
        folders.clear()
        if real in entered:
            continue
        entered.add(real)
        ours = is_own_folder(Path(place), {*below, *names})
        if not (outside or real.startswith(top)):
            away.append(Path(place))
        elif ours and not own and real != top:
            runs.append(Path(place))
        else:
            folders.extend(below)
            for name in sorted(names):
                suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122  (twenty times as fast, for 400,000 files)
                if suffix in SUFFIXES and not name.startswith("."):
                    sounds.append(Path(place, name))
                elif not ours and (kind := _kind(name, suffix)):
                    others[kind].append(Path(place, name))
    warn_left_out(away, "a link out of the data folder", "--set data.outside=true follows it")
    warn_left_out(runs, "a run or bundle of this program", TAKE_OWN)
    others[NO_SUFFIX] = [path for path in others[NO_SUFFIX][:MOST_HEADS] if _head(path).startswith(HEADS)]
    return sounds, {kind: paths for kind, paths in others.items() if paths}


def warn_left_out(paths: Sequence[Path], why: str, remedy: str = "") -> None:
    """Warn in one line of what is left out: the first path, how many more, why, and what takes them."""
    if paths:
        log.warning("left out: %s (%s)%s", some([*map(str, paths)]), why, f"; {remedy}" if remedy else "")


# --- files that are not read -----------------------------------------------------------------------------------------


def _kind(name: str, suffix: str) -> str | None:
    """Return what a file may be by its name: a suffix of sound that is not read, HIDDEN sound, TABLE, or NO_SUFFIX.

    None for all else, for `._NAME` of macOS, and for what a stopped program half wrote.
    """
    if name.startswith("."):
        return HIDDEN if suffix in SUFFIXES and not name.startswith("._") and ".tmp." not in name else None
    if suffix in TABLES or name.lower() in TABLE_NAMES:
        return TABLE
    if suffix in FORMATS or suffix in RAW:
        return suffix
    return NO_SUFFIX if not suffix or suffix[1:].isdigit() else None


def describe(folder: Path, others: dict[str, list[Path]]) -> str:
    """Return in words which files of `find_sounds` are not read and what helps; empty where there are none."""
    words, said = {NO_SUFFIX: "without a suffix", HIDDEN: "hidden by a dot"}, []
    for kinds, remedy in (
        (FORMATS, "convert: `ffmpeg -i IN{} OUT.wav`"),
        (RAW, "convert: `ffmpeg -f s16le -ar RATE -ac CHANNELS -i IN{} OUT.wav`"),
        ({NO_SUFFIX}, "add one, such as .wav"),
        ({HIDDEN}, "rename"),
    ):
        own = sorted((kind for kind in others if kind in kinds), key=lambda kind: -len(others[kind]))
        if own:
            which = ", ".join(f"{len(others[kind]):,} {words.get(kind, kind)}" for kind in own)
            first = printable(os.path.relpath(others[own[0]][0], folder))
            said.append(f"{which} ({remedy.format(own[0])}; first: {first})")
    return ", ".join(said)


# --- what this program made ------------------------------------------------------------------------------------------


def is_own_folder(folder: Path, names: Collection[str]) -> bool:
    """Return whether a folder with these names in it is a run or a bundle of this program.

    Other programs too write a `config.yaml` beside `checkpoints`, or a `config.json` beside `model.safetensors`: what
    these say decides.
    """
    with contextlib.suppress(InputError, OSError):
        if "config.yaml" in names and any(name in names for name in WRITTEN):
            read.load(folder / "config.yaml")
            return True
        if "config.json" in names and "model.safetensors" in names:
            read.read_bundle_config(folder / "config.json")
            return True
    return False


def generated(sounds: Iterable[Path]) -> set[Path]:
    """Return those of some sound files whose software tag says that this program generated them."""
    return {path for path in sounds if path.suffix.lower() in SOUNDS and TAG.match(_head(path))}


def _head(path: Path) -> bytes:
    """Return the first bytes of a file; nothing where they cannot be read."""
    try:
        number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))  # a pipe
    except (OSError, ValueError):
        return b""
    try:
        return os.read(number, HEAD_BYTES)
    except OSError:
        return b""
    finally:
        os.close(number)
