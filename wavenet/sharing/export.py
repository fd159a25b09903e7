"""A run or bundle as a folder to share: weights in half precision, statistics, and a model card."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from wavenet import disk, outputs
from wavenet.errors import InputError, did_you_mean
from wavenet.evaluation import statistics_file
from wavenet.model import bundle
from wavenet.model.bundle import Bundle
from wavenet.progress import log
from wavenet.recipe import read
from wavenet.recipe.paths import kind_at
from wavenet.sharing import about, card
from wavenet.sharing.about import CARD

STORAGES = ("float16", "float32")


@dataclass(frozen=True)
class Exported:
    """What was written."""

    folder: Path
    sizes: dict[str, int]  # bytes of each file
    storage: str
    kept: bool  # whether the card was there before
    unfinished: int  # marks in the card where something is to be filled in

    def to_text(self) -> str:
        """Return it in words: a line for each file, and all together."""
        width = max(map(len, self.sizes))
        lines = [f"  {name:<{width}} {size:>12,} bytes" for name, size in self.sizes.items()]
        state = "kept as it was" if self.kept else "a skeleton"
        gaps = f", {self.unfinished} places to be filled in" if self.unfinished else ""
        total = sum(self.sizes.values())
        return "\n".join(
            (
                f"wrote {self.folder}, weights in {self.storage}:",
                *lines,
                f"{total / 1e6:.2f} MB in all; {CARD} is {state}{gaps}",
            )
        )


def export(
    model: str | Path, folder: str | Path, storage: str = "float16", name: str | None = None, force: bool = False
) -> Exported:
    """Write a bundle to share into a folder, and return what was written.

    A folder that is new appears as a whole. Of one that is there, CARD.md and what else lies in it stays.

    Args:
        model: a run or bundle folder, or the name of a voice.
        folder: where to; it is named by the model's name.
        storage: of the weights, float16 or float32.
        name: of the recipe in it; None keeps the one it has.
        force: replace a bundle that is there.

    Raises:
        BundleError: there is no such model, it is damaged, or a weight is beyond what float16 holds.
        InputError: the folder holds something else, or a bundle without `force`.
        RecipeError: the name cannot be one.
        WavenetError: the folder cannot be written.
    """
    if storage not in STORAGES:
        raise InputError(f"no storage {storage!r}{did_you_mean(storage, STORAGES)}; expected {' or '.join(STORAGES)}")
    source, target = bundle.find(str(model)), disk.given_path(str(folder))
    held = _named(bundle.load(source), name)
    _check(source, target, force)
    with disk.explained(target, "free space, or name another folder"):
        if target.is_dir() and any(target.iterdir()):
            return _written(target, source, held, storage, target)
        with disk.work_folder(target.absolute().parent) as work:
            made = _written(work, source, held, storage, target)
            if target.is_dir():
                target.rmdir()
            work.replace(target)
    return made


def _named(held: Bundle, name: str | None) -> Bundle:
    """Return a bundle whose recipe has another name."""
    if name is None:
        return held
    return dataclasses.replace(held, recipe=read.from_tree({**read.to_tree(held.recipe), "name": name}, "--name"))


def _check(source: Path, target: Path, force: bool) -> None:
    """Raise InputError where a bundle should not be written to a folder."""
    if target.exists() and not target.is_dir():
        raise InputError(f"{target} is a file; name a folder")
    if target.is_dir() and target.resolve() == source.resolve():
        raise InputError(f"{target} is the bundle itself; name another folder")
    if any((target / name).exists() for name in ("config.yaml", "checkpoints", "model")):
        raise InputError(f"{target} is the folder of a run; name another one")
    if (target / bundle.CONFIG).exists() and not force:
        raise InputError(f"{target} holds a bundle; name another folder or replace it with --force")
    ours = any((target / name).exists() for name in (bundle.CONFIG, CARD))
    kind = None if ours or not target.is_dir() else kind_at(target)
    if kind is not None and kind[0] != "an empty folder":
        raise InputError(f"{target} is {kind[0]}; name another folder")


def _written(place: Path, source: Path, held: Bundle, storage: str, target: Path) -> Exported:
    """Write the files into a folder, which is or will be the target."""
    statistics = statistics_file.read(source, outputs.of(held.recipe).size)
    (place / statistics_file.NAME).unlink(missing_ok=True)  # other weights may be of other sound
    bundle.save(place, held, storage)
    if statistics is None:
        log.info("%s keeps no statistics of its training sound: baselines are left out where that sound is not", source)
    else:
        statistics_file.write(place, statistics)
    known, text = about.of_folder(place), card.read(place / CARD)
    kept = text is not None
    if text is None:
        text = card.skeleton(known, card.environment_of(source.parent))
        disk.write_text(place / CARD, text)
    elif line := card.other_score(text, known):
        log.warning("%s has other bits than this model; put this line among them: %s", target / CARD, line)
    sizes = {path.name: path.stat().st_size for path in sorted(place.iterdir()) if path.is_file()}
    return Exported(target, sizes, storage, kept, text.count(card.OPEN))
