"""Versions, devices and places, which help to find out why something does not work."""

from __future__ import annotations

import platform
from importlib.util import find_spec

import torch

from wavenet import __version__
from wavenet.audio import cache, torchaudio_loader
from wavenet.recipe import find
from wavenet.training.run import versions
from wavenet.training.summary import multiplies_bfloat16


def diagnose() -> dict[str, str]:
    """Return names and values, in the order to be printed."""
    torchaudio, kind = torchaudio_loader.load()
    place = cache.default_folder()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "none"
    found = {name: str(value) for name, value in versions("").items() if name not in ("wavenet", "python", "device")}
    return {
        "wavenet": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **found,
        "torchaudio": f"{torchaudio.__version__} ({kind})",
        "tensorboard": "installed" if find_spec("tensorboard") else "not installed",
        "cpu threads": str(torch.get_num_threads()),
        "cpu bfloat16": "multiplied by the processor itself" if multiplies_bfloat16() else "emulated, or not known",
        "cuda device": device,
        "recipes": str(find.recipe_folder()),
        "sound cache": f"{place}, {cache.held(place) / 1e9:,.2f} GB (may be deleted; it is made again when needed)",
    }
