"""What a bundle's config knows of it, without its weights: a line in a list, rows below a model card, JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wavenet.errors import BundleError, RecipeError
from wavenet.recipe.read import from_tree, read_bundle_config
from wavenet.recipe.records import Recipe
from wavenet.text import clock, finite, lasting, many, printable, some

CARD, CONFIG, WEIGHTS = "CARD.md", "config.json", "model.safetensors"
BASELINES = {  # by their names in a bundle's record
    "uniform": "uniform",
    "order0": "order-0",
    "order1": "order-1",
    "linear": "linear prediction",
    "flac": "FLAC",
}
SHOWN = 12  # values of a field that one line names


@dataclass(frozen=True)
class Score:
    """Bits per sample of held-out sound, as measured at the end of training, with float32 weights."""

    split: str
    bits: float
    low: float | None  # ends of the 95 % interval
    high: float | None
    baselines: Mapping[str, float] = field(default_factory=dict)  # keys of BASELINES, as far as they are known

    def cells(self) -> list[str]:
        """Return them as texts: split, bits, interval, baselines; a dash for what is not known."""
        interval = None if self.low is None or self.high is None else f"{self.low:.3f} to {self.high:.3f}"
        others = (self.baselines.get(name) for name in BASELINES)
        return [
            self.split,
            f"{self.bits:.3f}",
            interval or "-",
            *("-" if one is None else f"{one:.3f}" for one in others),
        ]


@dataclass(frozen=True)
class About:
    """A bundle as its config describes it."""

    name: str  # of the recipe, or of the folder where it is a voice that ships
    folder: Path
    recipe: Recipe
    size: int  # bytes of all files
    storage: str  # of the weights: float32 or float16
    licence: str  # of the recordings
    minutes: float | None  # of all sound that was kept
    files: Mapping[str, int]  # for training and held out, by split
    values: Mapping[str, list[str]]  # of the fields that it can be asked for, by their names
    steps: int | None
    seconds: float | None  # of training
    score: Score | None
    device: str | None
    version: str | None  # of wavenet

    @property
    def told(self) -> list[str]:
        """What the network is told beside the past of its sound: fields and tracks."""
        told = self.recipe.condition
        return [] if told is None else [*(name for name, _ in told.fields), *(name for name, _ in told.tracks_told())]

    @property
    def megabytes(self) -> str:
        """How much room all files take."""
        return f"{self.size / 1e6:.2f} MB"

    def row(self) -> list[str]:
        """Return the cells of a line in a list."""
        told = f"told {', '.join(self.told)}" if self.told else "told nothing"
        return [self.name, f"{self.recipe.audio.sample_rate:,} Hz", self.megabytes, self.licence, told]

    def rows(self) -> list[list[str]]:
        """Return names and values of what is known, for a table of two columns."""
        shape, rate = self.recipe.shape, self.recipe.audio.sample_rate
        known: dict[str, str | None] = {
            "size": f"{self.megabytes}, {many(shape.parameters(), 'parameter')} in {self.storage}",
            "sees": lasting(shape.receptive_field, rate),
            "told": ", ".join(self.told) or "nothing",
            **{f"  {printable(name)}": some(values, SHOWN) for name, values in self.values.items()},
            "recordings": self.licence,
            "sound": None if self.minutes is None else f"{self.minutes:,.1f} minutes",
            "files": ", ".join(f"{count:,} {name}" for name, count in self.files.items()) or None,
            "trained for": self.training(),
            "bits per sample": self.bits(),
            "  without a network": self.without(),
        }
        return [[name, value] for name, value in known.items() if value is not None]

    def training(self) -> str | None:
        """Return how long it was trained, in words; None where that is not known."""
        if self.steps is None:
            return None
        told = many(self.steps, "step")
        took = "" if self.seconds is None else f", {clock(self.seconds)}"
        return f"{told}{took}{'' if self.device is None else f' on {self.device}'}"

    def bits(self) -> str | None:
        """Return the score in words; None where there is none."""
        if self.score is None:
            return None
        split, bits, interval, *_ = self.score.cells()
        return f"{bits}{'' if interval == '-' else f' ({interval})'} on the {split} split"

    def without(self) -> str | None:
        """Return the bits of what needs no network, in words; None where there are none."""
        known = {} if self.score is None else self.score.baselines
        return ", ".join(f"{one} {known[name]:.3f}" for name, one in BASELINES.items() if name in known) or None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        shape, score = self.recipe.shape, self.score
        return {
            "name": self.name,
            "folder": str(self.folder),
            "sample_rate": self.recipe.audio.sample_rate,
            "bytes": self.size,
            "storage": self.storage,
            "parameters": shape.parameters(),
            "receptive_field": shape.receptive_field,
            "told": self.told,
            "fields": {name: list(values) for name, values in self.values.items()},
            "licence": self.licence,
            "minutes": self.minutes,
            "files": dict(self.files),
            "steps": self.steps,
            "seconds": self.seconds,
            "device": self.device,
            "score": None if score is None else {**vars(score), "baselines": dict(score.baselines)},
        }


def of_folder(folder: Path, name: str | None = None) -> About:
    """Return what the config in a bundle's folder says.

    Args:
        folder: of the bundle.
        name: of a voice; None takes the recipe's.

    Raises:
        BundleError: there is no config, or it is damaged or newer than this program.
    """
    config = read_bundle_config(folder / CONFIG)
    try:
        recipe = from_tree(config["recipe"], str(folder / CONFIG))
    except RecipeError as error:
        raise BundleError(f"{error}; get the bundle again") from None
    data, training = _mapping(config.get("data")), _mapping(config.get("training"))
    sizes = {path.name: path.stat().st_size for path in folder.iterdir() if path.is_file()}
    half = sizes.get(WEIGHTS, 0) < 4 * recipe.shape.parameters()  # headers are far smaller than half of the weights
    return About(
        name=name or recipe.name,
        folder=folder,
        recipe=recipe,
        size=sum(sizes.values()),
        storage="float16" if half else "float32",
        licence=_text(data.get("licence")) or recipe.data.licence,
        minutes=finite(_mapping(data.get("minutes")).get("kept")),
        files={key: value for key, value in _mapping(data.get("files")).items() if type(value) is int},
        values=_values(_mapping(_mapping(data.get("told")).get("fields"))),
        steps=_whole(training.get("steps")),
        seconds=finite(training.get("seconds")),
        score=_score(_mapping(training.get("held_out"))),
        device=_text(training.get("device")),
        version=_text(training.get("wavenet")),
    )


def _score(held: Mapping[str, Any]) -> Score | None:
    bits = finite(held.get("bits"))
    if bits is None:
        return None
    known = {name: finite(held.get(name)) for name in BASELINES}
    baselines = {name: value for name, value in known.items() if value is not None}
    return Score(
        _text(held.get("split")) or "valid", bits, finite(held.get("low")), finite(held.get("high")), baselines
    )


def _values(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    return {name: [str(one) for one in values] for name, values in fields.items() if isinstance(values, list)}


def _mapping(value: Any) -> Mapping[str, Any]:
    """Return a part of a config, empty where it is none: others write configs too."""
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return printable(value) if isinstance(value, str) and value else None


def _whole(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < 1 << 62 else None
