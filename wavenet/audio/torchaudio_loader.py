"""The one place that imports torchaudio, whatever torch it stands beside.

torchaudio's last build (2.11.0) carries a compiled extension for one CUDA version. Beside a CPU build of torch, or one
for another CUDA, importing it fails. The parts used here are pure Python, so the extension is then replaced by a stub.
"""

from __future__ import annotations

import functools
import importlib
import sys
import types
from typing import Any


@functools.cache
def load() -> tuple[Any, str]:
    """Return the torchaudio module, and ``"native"`` or ``"python-only"``.

    Raises:
        ImportError: torchaudio is not installed.
    """
    try:
        return importlib.import_module("torchaudio"), "native"
    except ModuleNotFoundError:
        raise
    except (ImportError, OSError, RuntimeError):
        for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
            del sys.modules[name]
        stub = types.ModuleType("torchaudio._extension")
        vars(stub).update(
            _IS_TORCHAUDIO_EXT_AVAILABLE=False,
            _IS_ALIGN_AVAILABLE=False,
            _check_cuda_version=lambda: None,
            _load_lib=lambda *_: False,
            fail_if_no_align=lambda function: _unavailable,
        )
        sys.modules["torchaudio._extension"] = stub
        return importlib.import_module("torchaudio"), "python-only"


def _unavailable(*_: object, **__: object) -> Any:
    raise RuntimeError("this part of torchaudio needs its compiled extension, which does not fit this torch")
