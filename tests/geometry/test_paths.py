"""Held: paths are counted as walking each of them counts them, exactly or in logarithms, and at once for a minute."""

from __future__ import annotations

import itertools
import math
import subprocess
import sys

import layer_toys
import pytest
from hypothesis import assume, example, given, settings

from wavenet import geometry
from wavenet.geometry import PADDINGS, Layer, Parallel, Part, Stacks, Whole
from wavenet.geometry.paths import EXACT_BITS

MOST = 3_000  # paths that brute force walks


def layers(stacks: Stacks, kernel: int) -> list[Part]:
    return [Layer(kernel, 1, dilation) for dilation in itertools.chain.from_iterable(stacks)]


@settings(max_examples=100)
@given(layer_toys.sequences(largest=3), layer_toys.paddings)
@example((Layer(2, 2), Parallel(((Layer(1),), (Layer(3, dilation=3),), (Whole(), Layer(3)))), Layer(3)), "same")
@example((Parallel(((Layer(2),), (Layer(2),))), Layer(3, 2), Layer(3, dilation=2)), "valid")
@example((Layer(3), Whole(), Layer(2)), "causal")
def test_counts_are_those_of_walking_every_path(parts: tuple[Part, ...], padding: str) -> None:
    assume(geometry.total_paths(parts) <= MOST)
    field, paths = geometry.see(parts, padding=padding), geometry.count_paths(parts, padding)
    for t in (0, 3):
        walked = layer_toys.paths_to(parts, t, padding)
        inputs = [field.newest + t * field.jump - lag for lag in range(field.receptive_field)]
        assert paths.counts == [walked[at] for at in inputs]
        assert set(walked) <= set(inputs)
        assert paths.total == walked.total()


@settings(max_examples=100)
@given(layer_toys.sequences(), layer_toys.paddings)
def test_counts_sum_to_the_total_and_are_zero_in_holes_alone(parts: tuple[Part, ...], padding: str) -> None:
    field, paths = geometry.see(parts, padding=padding), geometry.count_paths(parts, padding)
    assert paths.counts is not None
    assert (paths.exact, paths.logs) == (True, None)
    assert sum(paths.counts) == paths.total == geometry.total_paths(parts)
    assert {lag for lag, count in enumerate(paths.counts) if not count} == layer_toys.missing(field.lags)
    assert len(paths.counts) == field.receptive_field


@settings(max_examples=100)
@given(layer_toys.sequences(), layer_toys.paddings)
def test_logarithms_are_those_of_the_exact_counts(parts: tuple[Part, ...], padding: str) -> None:
    exact, logs = geometry.count_paths(parts, padding), geometry.count_paths(parts, padding, exact_bits=0)
    assume(exact.total > 1)
    assert exact.exact and not logs.exact
    assert (logs.counts, logs.total) == (None, exact.total)
    assert exact.log2() == pytest.approx(logs.log2(), rel=1e-9, abs=1e-9)
    assert logs.log2() == logs.logs


def test_logarithms_of_counts_beyond_any_float_are_close() -> None:
    parts = [Layer(3, 1, d) for d in (1, 2, 5) for _ in range(300)]
    exact, logs = geometry.count_paths(parts), geometry.count_paths(parts, exact_bits=0)
    assert exact.counts is not None
    assert max(exact.counts) > 2**1_100
    assert exact.log2() == pytest.approx(logs.log2(), rel=1e-9, abs=1e-9)


@settings(max_examples=60)
@given(layer_toys.sequences(), layer_toys.paddings)
def test_counts_are_exact_up_to_the_product_of_lags_and_bits(parts: tuple[Part, ...], padding: str) -> None:
    total = geometry.total_paths(parts)
    assume(total > 1)
    product = geometry.see(parts, padding=padding).receptive_field * math.log2(total)
    assert geometry.count_paths(parts, padding, exact_bits=product).exact
    assert not geometry.count_paths(parts, padding, exact_bits=math.nextafter(product, 0)).exact


@pytest.mark.parametrize(("exact_bits", "loaded"), [("EXACT_BITS", False), ("0", True)])
def test_numpy_is_imported_for_logarithms_alone(exact_bits: str, loaded: bool) -> None:
    program = (
        "import sys\n"
        "from wavenet.geometry import Layer, count_paths\n"
        "from wavenet.geometry.paths import EXACT_BITS\n"
        f"paths = count_paths([Layer(3, 1, 2), Layer(2)], exact_bits={exact_bits})\n"
        "print(len(paths.log2()), 'numpy' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["6", str(loaded)]


# --- known numbers ---------------------------------------------------------------------------------------------------


def test_two_layers_of_three_taps_count_1_2_3_2_1() -> None:
    assert geometry.count_paths([Layer(3), Layer(3)]).counts == [1, 2, 3, 2, 1]
    assert geometry.count_paths([Layer(2)] * 6).counts == [math.comb(6, lag) for lag in range(7)]
    assert geometry.count_paths([]).counts == [1]


def test_four_cycles_of_doubling_dilations_have_a_path_for_each_way_to_share_a_lag() -> None:
    paths = geometry.count_paths(layers(geometry.exponential(10, 4), 2))
    counts = [1]
    for _ in range(4):  # a running sum over 1,024 neighbours for each cycle
        sums = [0, *itertools.accumulate([*counts, *[0] * 1_023])]
        counts = [sums[i + 1] - sums[max(0, i - 1_023)] for i in range(len(counts) + 1_023)]
    assert paths.counts == counts
    assert (len(counts), paths.total) == (4_093, 2**40)


def test_a_minute_at_16_khz_is_counted() -> None:
    parts = layers(geometry.exponential(20, 1), 2)
    paths = geometry.count_paths(parts)
    assert paths.counts is not None
    assert len(paths.counts) == paths.total == 1_048_576 >= 60 * 16_000
    assert set(paths.counts) == {1}
    assert set(geometry.count_paths(parts, exact_bits=0).log2()) == {0.0}


# --- global pooling --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("exact_bits", [0, EXACT_BITS])
def test_no_path_of_a_fixed_lag_leads_through_global_pooling(padding: str, exact_bits: float) -> None:
    nothing = geometry.count_paths([Layer(3), Whole(), Layer(2, dilation=10**13)], padding, exact_bits)
    assert (nothing.total, nothing.log2()) == (0, [])
    far = Parallel(((Layer(3),), (Whole(), Layer(2, dilation=10**13))))
    joined = geometry.count_paths([far, Layer(2)], "causal", exact_bits)
    assert joined.total == 6
    assert joined.log2() == pytest.approx([0, 1, 1, 0])
