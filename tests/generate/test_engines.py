"""The registry gives the engine that is asked for, or the fastest that can run the network, and says so."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import toys

from wavenet import outputs
from wavenet.errors import InputError
from wavenet.generate.cpu import jit
from wavenet.generate.engines import Engine, Request, build_engine

RECIPE = toys.recipe()
ARRAYS = toys.arrays(RECIPE)
ALPHABET = outputs.of(RECIPE)


def engine(backend: str = "auto", storage: str | None = None) -> Engine:
    return build_engine(backend, Request(RECIPE.shape, ARRAYS, ALPHABET, storage))


def test_unknown_names_and_numbers_are_refused() -> None:
    with pytest.raises(InputError, match="did you mean 'reference'"):
        engine("referense")
    with pytest.raises(InputError, match="did you mean 'float16'"):
        engine("cpu", "flaot16")
    with pytest.raises(InputError, match="threads is 0, expected at least 1"):
        build_engine("cpu", Request(RECIPE.shape, ARRAYS, ALPHABET, threads=0))


def test_auto_takes_the_fast_one_in_half_precision() -> None:
    taken = engine()
    assert (taken.name, taken.storage) == ("cpu", "float16")
    assert (engine("reference").name, engine("reference").storage) == ("reference", "float32")


def test_the_reference_computes_with_rounded_weights_where_it_is_asked_to() -> None:
    half = engine("reference", "float16")
    assert half.storage == "float16"
    assert np.array_equal(half.packed.skip.weight, engine("cpu").packed.skip.weight)
    assert not np.array_equal(half.packed.skip.weight, engine("reference").packed.skip.weight)


def test_weights_beyond_half_precision_are_kept_whole_and_it_is_told(caplog: pytest.LogCaptureFixture) -> None:
    arrays = {**ARRAYS, "hidden.weight": ARRAYS["hidden.weight"] + np.float32(1e5)}
    logging.getLogger("wavenet").propagate = True
    with caplog.at_level(logging.INFO, "wavenet"):
        taken = build_engine("auto", Request(RECIPE.shape, arrays, ALPHABET))
    assert (taken.name, taken.storage) == ("cpu", "float32") and "beyond float16" in caplog.text
    for backend in ("cpu", "auto"):
        with pytest.raises(InputError, match=r"kept as float16: .*hidden\.weight is beyond float16.*--storage float32"):
            build_engine(backend, Request(RECIPE.shape, arrays, ALPHABET, "float16"))
    large = {**ARRAYS, "entry.weight": ARRAYS["entry.weight"] + np.float32(1e5)}  # not rounded, so that it may be large
    assert build_engine("auto", Request(RECIPE.shape, large, ALPHABET)).storage == "float16"


def test_without_numba_auto_falls_back_aloud_and_cpu_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "wavenet.generate.cpu.engine", None)  # as if its import failed
    logging.getLogger("wavenet").propagate = True
    with caplog.at_level(logging.WARNING, "wavenet"):
        assert engine().name == "reference"
    assert "Numba cannot be imported" in caplog.text and "using reference" in caplog.text
    with pytest.raises(InputError, match=r"cpu cannot be used \(Numba cannot be imported.*--backend reference"):
        engine("cpu")


def test_where_numba_is_told_to_compile_nothing_the_reference_is_taken(
    monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(jit.config, "DISABLE_JIT", 1)
    assert engine().name == "reference"
    (line,) = said
    assert "cpu cannot be used (NUMBA_DISABLE_JIT is set" in line and line.endswith("using reference, which is slower")
    with pytest.raises(InputError, match=r"cpu cannot be used \(NUMBA_DISABLE_JIT is set.*; take --backend reference"):
        engine("cpu")
