"""torchaudio is found beside any torch: natively where it imports, else with its compiled extension stubbed."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import pytest

from wavenet.audio import torchaudio_loader


@pytest.fixture
def loader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return the loader with its memory wiped; torchaudio's modules and the memory are put back afterwards."""
    torchaudio_loader.load()
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "torchaudio"}
    fresh = torchaudio_loader.load.__wrapped__
    yield fresh
    for name in [name for name in sys.modules if name.split(".")[0] == "torchaudio"]:
        del sys.modules[name]
    sys.modules.update(before)


def pretend(monkeypatch: pytest.MonkeyPatch, error: Exception) -> list[str]:
    """Let the first import of torchaudio fail half way, as a wrong compiled extension does."""
    genuine, asked = importlib.import_module, []

    def import_module(name: str) -> types.ModuleType:
        asked.append(name)
        if len(asked) == 1:
            sys.modules["torchaudio.left_half_imported"] = types.ModuleType("torchaudio.left_half_imported")
            raise error
        return genuine(name)

    monkeypatch.setattr(torchaudio_loader.importlib, "import_module", import_module)
    return asked


def test_what_is_loaded_makes_mel_spectrograms() -> None:
    import torch

    module, how = torchaudio_loader.load()
    assert how in ("native", "python-only") and torchaudio_loader.load() is torchaudio_loader.load()
    mel = module.transforms.MelSpectrogram(sample_rate=16_000, n_fft=256, n_mels=8, f_max=8_000.0)
    assert mel(torch.zeros(1_000)).shape[0] == 8


@pytest.mark.parametrize(
    "error",
    [
        OSError("libc10_cuda.so: cannot open shared object file: No such file or directory"),
        RuntimeError("Detected that PyTorch and TorchAudio were compiled with different CUDA versions."),
        ImportError("undefined symbol"),
    ],
    ids=["no CUDA", "another CUDA", "another torch"],
)
def test_beside_a_torch_that_does_not_fit_the_python_parts_work(
    loader: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    import torch

    asked = pretend(monkeypatch, error)
    module, how = loader()
    assert (how, asked) == ("python-only", ["torchaudio", "torchaudio"])
    assert "torchaudio.left_half_imported" not in sys.modules
    assert module.transforms.Resample(3, 2)(torch.zeros(30)).shape == (20,)
    stub = sys.modules["torchaudio._extension"]
    assert not stub._IS_TORCHAUDIO_EXT_AVAILABLE and not stub._IS_ALIGN_AVAILABLE
    with pytest.raises(RuntimeError, match="compiled extension"):
        stub.fail_if_no_align(lambda: None)()


def test_where_torchaudio_is_not_installed_that_is_said(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = pretend(monkeypatch, ModuleNotFoundError("No module named 'torchaudio'"))
    with pytest.raises(ModuleNotFoundError, match="torchaudio"):
        loader()
    assert asked == ["torchaudio"]


def test_a_torchaudio_that_imports_is_taken_as_it_is(loader: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    native = types.ModuleType("torchaudio")
    monkeypatch.setattr(torchaudio_loader.importlib, "import_module", lambda name: native)
    assert loader() == (native, "native")
