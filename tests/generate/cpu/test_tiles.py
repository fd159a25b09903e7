"""Every tile adds a matrix product, and every sum is the same whichever tile it is in."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit

from wavenet.generate.cpu import tiles
from wavenet.generate.cpu.tiles import LANES, PANEL, as_bits, as_float, multiply_adds, read_through

NAMES = ["1x8", "1x4", "1x2", "2x4", "2x2", "3x3", "3x2", "4x3", "4x2"]


def ran(name: str, half: bool, inputs: int, wide: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return what a tile made, what it should have made, and where it should have written."""
    rows, vectors = (int(part) for part in name.split("x"))
    rng = np.random.default_rng(inputs)
    weights = rng.standard_normal((inputs, wide)).astype(np.float16 if half else np.float32)
    x = rng.standard_normal((rows + 2, inputs + 5)).astype(np.float32)
    y = rng.standard_normal((rows + 2, wide + 7)).astype(np.float32)
    expected, touched = y.astype(np.float64), np.zeros_like(y, dtype=bool)
    columns = vectors * LANES
    expected[1 : 1 + rows, 3 : 3 + columns] += x[1 : 1 + rows, 2 : 2 + inputs].astype(np.float64) @ weights[:, :columns]
    touched[1 : 1 + rows, 3 : 3 + columns] = True
    tile = getattr(tiles, f"tile_{name}")

    @njit
    def run(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        tile(w, 4, wide, x, 1, 2, y, 3, inputs)

    flat = np.concatenate([np.zeros(4, weights.dtype), weights.ravel()])
    run(flat.view(np.uint16) if half else flat, x, y)
    return y, expected, touched


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_tile_adds_a_product(name: str, half: bool) -> None:
    got, expected, touched = ran(name, half, 37, PANEL)
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert np.array_equal(got[~touched], expected.astype(np.float32)[~touched])


def test_a_tile_of_a_narrow_panel_and_one_input() -> None:
    got, expected, _ = ran("1x2", False, 1, 2 * LANES)
    np.testing.assert_allclose(got, expected, atol=1e-5)


@pytest.mark.parametrize("half", [False, True])
def test_a_tile_may_lie_across_two_panels(half: bool) -> None:
    rng, inputs, columns = np.random.default_rng(1), 21, slice(6 * LANES, 11 * LANES)
    weights = rng.standard_normal((inputs, 2 * PANEL)).astype(np.float16 if half else np.float32)
    x, y = (rng.standard_normal(size).astype(np.float32) for size in ((2, inputs), (2, 2 * PANEL)))
    expected = y.astype(np.float64)
    expected[:, columns] += x.astype(np.float64) @ weights[:, columns]

    @njit
    def run(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> None:
        tiles.across_2x5(w, 6 * LANES, PANEL * inputs, x, 0, 0, y, 6 * LANES, inputs)

    panels = np.concatenate([weights[:, :PANEL].ravel(), weights[:, PANEL:].ravel()])
    run(panels.view(np.uint16) if half else panels, x, y)
    np.testing.assert_allclose(y, expected, atol=1e-5)


def test_a_sum_does_not_depend_on_its_tile() -> None:
    rng = np.random.default_rng(0)
    weights = rng.standard_normal((50, PANEL)).astype(np.float32)
    row = rng.standard_normal(50).astype(np.float32)
    results = []
    for name in NAMES:
        tile, rows = getattr(tiles, f"tile_{name}"), int(name[0])

        @njit
        def run(w: np.ndarray, x: np.ndarray, y: np.ndarray, tile=tile) -> None:  # type: ignore[no-untyped-def]
            tile(w, 0, PANEL, x, 0, 0, y, 0, 50)

        y = np.zeros((rows, PANEL), np.float32)
        run(weights.ravel(), np.tile(row, (rows, 1)), y)
        results += [line[: 2 * LANES].tobytes() for line in y]
    assert len(set(results)) == 1


def test_bits_are_reinterpreted_not_converted() -> None:
    @njit
    def there(x: float) -> int:
        return as_bits(np.float32(x))

    @njit
    def back(bits: int) -> float:
        return as_float(np.int32(bits))

    for x in (0.0, 1.0, -2.5, 1e-40):
        assert there(x) == int(np.float32(x).view(np.int32)) and back(there(x)) == np.float32(x)


def test_the_loops_that_measure_the_limits_do_what_is_counted() -> None:
    @njit
    def arithmetic(count: int) -> float:
        return multiply_adds(np.float32(0.5), np.float32(1.0), count)

    @njit
    def memory(values: np.ndarray) -> float:
        return read_through(values)

    # twelve sums that begin at 1 .. 12 and go to 2: x <- x / 2 + 1
    assert arithmetic(1) == sum(k / 2 + 1 for k in range(1, 13)) and abs(arithmetic(60) - 24) < 1e-5
    values = np.zeros(640, np.float32)
    values[::LANES] = np.arange(80)  # what the first lane adds up
    assert memory(values) == np.arange(80).sum()
