"""A bundle: what is shared of a trained network. Files of data, nothing executable.

A bundle is given as its folder, as the run that it was trained in, or by the name of a voice that ships.

``model.safetensors`` holds the weights in float32 or float16, ``config.json`` everything else: format and version, the
whole recipe, where the sound came from, how training went, and the SHA-256 of the weights, so that a changed or
truncated file is noticed.

A third file, ``statistics.safetensors``, is what `wavenet evaluate` compares with; a bundle is whole without it
(`evaluation/statistics_file.py`).

Weights and config are replaced as one: the new config is written beside the old as ``config.next.json`` before the
weights are replaced, and takes its place after. At every instant one of the two describes the weights that are there:
one that a kill kept from its place is put there before another is written.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import stat
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wavenet import disk, text
from wavenet.errors import BundleError, RecipeError, did_you_mean
from wavenet.geometry import Shape
from wavenet.recipe.find import RUNS, named_voice, recipe_names, voice_names
from wavenet.recipe.paths import is_run, kind_at, near_path
from wavenet.recipe.read import BUNDLE_VERSION, from_tree, read_bundle_config, to_tree
from wavenet.recipe.records import Recipe
from wavenet.text import one_line, to_json

Arrays = dict[str, NDArray[np.float32]]

ATTEMPTS = 3  # at reading weights and config that belong together
COPIES = 2  # of the weights, at least, while they are read: the file and its arrays
HEADER_BYTES = 1_000  # of a weights file, at most, for each weight
FLOAT16_MAX = 65_504.0
CHECKPOINT = "checkpoints/last.safetensors"  # of a run; `training/checkpoint.py` writes it
CONFIG, NEXT, WEIGHTS = "config.json", "config.next.json", "model.safetensors"


@dataclass
class Bundle:
    """A network's weights with all that is known of them."""

    recipe: Recipe
    arrays: Arrays  # weights by name, float32 however they were stored
    data: dict[str, Any] = field(default_factory=dict)  # the sound: source, licence, split, files, minutes, counts
    training: dict[str, Any] = field(default_factory=dict)  # steps, bits per sample, seconds, versions


def save(folder: Path, bundle: Bundle, storage: str = "float32") -> None:
    """Write a bundle into `folder`, replacing the one that is there as a whole; where the sound lay stays behind.

    Args:
        folder: is made where it is missing.
        bundle: what is written.
        storage: of the weights, float32 or float16.

    Raises:
        BundleError: a weight is beyond what float16 holds.
        OSError: the folder cannot be written; the bundle that was there is still whole.
    """
    from safetensors.numpy import save as to_bytes

    nowhere = dataclasses.replace(bundle.recipe.data, path=None)
    arrays = _halved(bundle.arrays) if storage == "float16" else bundle.arrays
    weights = to_bytes({name: np.ascontiguousarray(value) for name, value in sorted(arrays.items())})
    described = {
        "format": "wavenet-bundle",
        "version": BUNDLE_VERSION,
        "sha256": hashlib.sha256(weights).hexdigest(),
        "recipe": to_tree(dataclasses.replace(bundle.recipe, data=nowhere)),
        "data": bundle.data,
        "training": bundle.training,
    }
    _settle(folder)
    disk.write_text(folder / NEXT, to_json(described, indent=1) + "\n")
    disk.write_bytes(folder / WEIGHTS, weights)
    (folder / NEXT).replace(folder / CONFIG)


def _halved(arrays: Arrays) -> dict[str, NDArray[np.float16]]:
    """Return weights rounded to float16."""
    for name, value in arrays.items():
        if (np.abs(value) > FLOAT16_MAX).any():
            raise BundleError(
                f"the weight {name} reaches {np.abs(value).max():,.0f}, more than the {FLOAT16_MAX:,.0f} of float16; "
                "store it in float32 (--storage float32)"
            )
    return {name: value.astype(np.float16) for name, value in arrays.items()}


def _settle(folder: Path) -> None:
    """Put the config in its place that alone describes the weights, where a kill came just before that was done."""
    if not (folder / NEXT).is_file():
        return
    with contextlib.suppress(FileNotFoundError, BundleError):
        said = read_bundle_config(folder / NEXT).get("sha256")
        if said == hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest():
            (folder / NEXT).replace(folder / CONFIG)


def load(folder: Path) -> Bundle:
    """Return the bundle in a folder.

    Raises:
        BundleError: a file is missing, unreadable, changed, truncated or newer than this program.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    recipe, described, weights = _read(folder)
    try:
        arrays = from_bytes(weights)
    except (SafetensorError, ValueError, KeyError, TypeError) as error:
        raise BundleError(
            f"{folder / WEIGHTS} is not a safetensors file ({one_line(error, 200)}); get the bundle again"
        ) from None
    arrays = {name: value.astype(np.float32) if value.dtype == np.float16 else value for name, value in arrays.items()}
    check_weights(arrays, recipe.shape, str(folder / WEIGHTS))
    data, training = ({} if not isinstance(part, dict) else part for part in map(described.get, ("data", "training")))
    return Bundle(recipe, arrays, data, training)


def check_weights(arrays: Arrays, shape: Shape, where: str) -> None:
    """Raise BundleError unless arrays are the weights of a network: all of them, no others, float32 and finite."""
    expected = shape.weights()
    for name in {**expected, **arrays}:
        value = arrays.get(name)
        if value is None:
            problem = "is missing"
        elif name not in expected:
            problem = "does not belong to the recipe's network"
        elif value.shape != expected[name]:
            problem = f"has shape {list(value.shape)}, expected {list(expected[name])} by the recipe"
        elif value.dtype != np.float32:
            problem = f"is {value.dtype}, expected float32"
        elif not np.isfinite(value).all():
            problem = "holds numbers that are not finite"
        else:
            continue
        raise BundleError(f"{where}: the weight {one_line(name, 80)} {problem}; get the bundle again or train again")


def raw_weights(model: str, shape: Shape) -> Arrays:
    """Return the newest weights of a run as they were trained, before they are averaged.

    Args:
        model: a run folder; a bundle has the averages alone.
        shape: of the network.

    Raises:
        BundleError: there is no checkpoint, or it cannot be read or is another network's.
    """
    from safetensors import SafetensorError, safe_open

    path = disk.given_path(model) / CHECKPOINT
    if not path.is_file():
        raise BundleError(
            f"{model} has no {CHECKPOINT}, which holds the weights before averaging; give a run of this version"
        )
    try:
        with safe_open(str(path), "numpy") as file:
            names = [name for name in shape.weights() if f"network.{name}" in file.keys()]  # noqa: SIM118
            arrays = {name: np.asarray(file.get_tensor(f"network.{name}")) for name in names}
    except (OSError, ValueError, SafetensorError) as error:
        raise BundleError(f"{path} cannot be read ({one_line(error, 200)}); score the bundle alone") from None
    check_weights(arrays, shape, str(path))
    return arrays


def _read(folder: Path) -> tuple[Recipe, dict[str, Any], bytes]:
    """Return the weights and the config that describes them; a training run may be replacing both just now."""
    for _ in range(ATTEMPTS - 1):
        with contextlib.suppress(BundleError):
            return _read_once(folder)
        time.sleep(0.05)
    return _read_once(folder)


def _read_once(folder: Path) -> tuple[Recipe, dict[str, Any], bytes]:
    found = [read_bundle_config(folder / name) for name in (NEXT, CONFIG) if (folder / name).is_file()]
    if not found:
        raise BundleError(f"{folder} has no {CONFIG}; give the folder of a whole bundle")
    try:
        recipes = [from_tree(described["recipe"], str(folder / CONFIG)) for described in found]
        weights = _weights(folder / WEIGHTS, [recipe.shape for recipe in recipes])
    except RecipeError as error:
        raise BundleError(f"{error}; get the bundle again") from None
    except OSError as error:
        raise BundleError(f"{folder / WEIGHTS} cannot be read ({error.strerror}); get the bundle again") from None
    digest = hashlib.sha256(weights).hexdigest()
    for recipe, described in zip(recipes, found, strict=True):
        if described.get("sha256") == digest:
            return recipe, described, weights
    raise BundleError(f"{folder / WEIGHTS} is not the file that {CONFIG} describes (SHA-256); get the bundle again")


def _weights(path: Path, shapes: Sequence[Shape]) -> bytes:
    """Return the bytes of a weights file, unless it is larger than any of these networks' or than the memory."""
    state, have = path.stat(), disk.available_bytes()
    if not stat.S_ISREG(state.st_mode):  # a pipe would be waited for, a device read for ever
        raise BundleError(f"{path} is not a regular file; get the bundle again")
    most = max(4 * shape.parameters() + HEADER_BYTES * (1 + len(shape.weights())) for shape in shapes)
    if state.st_size > most:
        raise BundleError(
            f"{path} has {state.st_size:,} bytes, expected at most {most:,} by the recipe; get the bundle again"
        )
    need = COPIES * min(2 * state.st_size, most)  # float16 becomes float32
    if have is not None and need > have:
        raise BundleError(
            f"{path} needs about {text.gib(need)} of memory, there are {text.gib(have)}; take a smaller model or a "
            "larger machine"
        )
    return path.read_bytes()


def find(text: str) -> Path:
    """Return the bundle folder that a MODEL argument means: a run folder's `model/`, a bundle folder or a voice's name.

    Raises:
        BundleError: there is no such folder, or it holds no bundle.
    """
    if (voice := named_voice(text)) is not None:
        return voice
    path = disk.given_path(text)
    for folder in (path / "model", path):
        if (folder / CONFIG).is_file() or (folder / NEXT).is_file():
            return folder
    if not path.exists():
        near = near_path(path, is_run, (RUNS,)) or (did_you_mean(text, voice_names()) if len(path.parts) == 1 else "")
        known = text in recipe_names() and not near
        hint = f"`wavenet train {text}` makes one from the recipe of that name" if known else "give one that exists"
        raise BundleError(f"there is no run, bundle or voice {text}{near}; {hint}")
    if (path / "config.yaml").is_file():
        raise BundleError(f"{text} is a run without a saved model yet; train on with `wavenet train --resume`")
    if kind := kind_at(path):
        what, advice = kind
        raise BundleError(f"{text} is {what}, not a run or bundle folder; {advice}")
    if not path.is_dir():
        raise BundleError(f"{text} is a file; give the run or bundle folder that it lies in")
    raise BundleError(f"{text} holds no bundle (config.json and model.safetensors); give a run or bundle folder")
