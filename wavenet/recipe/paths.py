"""What lies at a path that was given in place of something else, and which near one may have been meant."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from wavenet.errors import close_words

NAMES_OF_SOUND = (  # suffixes, whether they can be read or not
    ".wav .wave .bwf .rf64 .w64 .flac .ogg .oga .opus .mp3 .mp2 .mpga .aif .aiff .aifc .caf .au .snd .sph .nist .voc "
    ".wve .m4a .aac .mp4 .wma .amr .g722 .ape .wv"
)
SOUND = frozenset(NAMES_OF_SOUND.split())
WRITTEN = ("environment.json", "checkpoints", "metrics.csv", "train.log")  # by training, beside config.yaml
PARTS = (*WRITTEN, "samples", "tensorboard")  # of a run folder
MOST_ENTRIES = 10_000  # of a folder, looked at for near names
MOST_LOOKED_AT = 300  # entries of a folder, for what it holds
SHOWN = 4


def is_run(path: Path) -> bool:
    """Return whether a folder is that of a run or a bundle."""
    return any((path / name).is_file() for name in ("config.yaml", "config.json", "model/config.json"))


def kind_at(path: Path) -> tuple[str, str] | None:
    """Return what lies at a path, such as "a sound file", and what to do instead; None where nothing tells."""
    with contextlib.suppress(OSError):
        suffix = path.suffix.lower()
        if suffix == ".safetensors":
            inside = path.absolute().parent.name == "checkpoints"
            return ("a checkpoint", _whole(path, 2)) if inside else ("a file of weights", _whole(path, 1))
        if path.name in PARTS and is_run(path.absolute().parent):
            return "part of a run", _whole(path, 1)
        if path.is_dir():
            return _folder(path)
        if suffix in SOUND:
            return (
                "a sound file",
                "look at sound with `wavenet data scan FOLDER`, or give it to a model: `wavenet inspect MODEL "
                f"--measure {path}`, `wavenet generate MODEL --prime {path}`",
            )
    return None


def _folder(path: Path) -> tuple[str, str] | None:
    inside = sorted(islice(path.iterdir(), MOST_LOOKED_AT))
    if not inside:
        return "an empty folder", "give one of these"
    own = {entry.name for entry in inside}
    if not own & {"config.yaml", "config.json"} and own & {"checkpoints", "metrics.csv"}:
        return "a run folder without its config.yaml", "put it back, or start a new run"
    runs = [entry for entry in inside if entry.is_dir() and is_run(entry)]
    if runs:
        more = ", ..." if len(runs) > SHOWN else ""
        return "a folder of runs", f"give one of them: {', '.join(map(str, runs[:SHOWN]))}{more}"
    deeper = [entry for folder in inside if folder.is_dir() for entry in islice(folder.iterdir(), MOST_LOOKED_AT)]
    if any(entry.suffix.lower() in SOUND for entry in (*inside, *deeper)):
        advice = f"look at it with `wavenet data scan {path}`, train on it with `wavenet train folder --data {path}`"
        return "a folder of sound", advice
    return None


def _whole(path: Path, up: int) -> str:
    """Return the advice to give the run or bundle so many folders above a part of it."""
    given = path.parents[up - 1] if len(path.parents) >= up else Path()
    folder = given if given.name else path.absolute().parents[up - 1]  # a dot says little
    return f"give the folder {folder}" if is_run(folder) else "give the folder of a run or bundle"


def near_path(path: Path, fits: Callable[[Path], bool], homes: Sequence[Path] = ()) -> str:
    """Return ``" (did you mean 'runs/digits'?)"`` for something near a path where nothing is, or an empty string.

    It fits, and lies near the path itself or near the path in one of the home folders.
    """
    inside = [] if path.is_absolute() else [home for home in homes if home.is_dir()]
    exact = [home / path for home in inside if os.path.lexists(home / path)]
    near = (one for home in (Path(path.anchor), *inside) for one in _near(home, path.parts[bool(path.anchor) :]))
    with contextlib.suppress(OSError, ValueError):
        for one in (*exact, *near):
            if one != path and fits(one):
                return f" (did you mean {str(one)!r}?)"
    return ""


def _near(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    """Yield what exists below a folder under these names, or names close to them, the closest first."""
    if not parts:
        yield folder
        return
    names = [parts[0]] if os.path.lexists(folder / parts[0]) else []
    if not names:
        with contextlib.suppress(OSError):  # the folder is missing, or may not be listed
            names = close_words(parts[0], sorted(entry.name for entry in islice(os.scandir(folder), MOST_ENTRIES)), 3)
    for name in names:
        yield from _near(folder / name, parts[1:])
