"""The samples that the project ships: synthetic digits, complete and small; lists of layers, each with its number."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from wavenet.audio import folders, layouts
from wavenet.geometry import Layer, Parallel, Whole
from wavenet.inspection.report import GridReport, JoinReport, LayerReport, Report
from wavenet.inspection.text import inspect

FOLDER = Path(__file__).parent.parent / "samples" / "digits"
LAYERS = FOLDER.parent / "layers"


def test_every_digit_speaker_and_take_is_there() -> None:
    source = folders.open_folder(FOLDER)
    assert source.layout == "fsdd"
    matches = [layouts.FSDD.search(clip.path.stem) for clip in source.clips]
    parts = {(match["label"], match["speaker"], int(match["take"])) for match in matches if match}
    speakers = {"american", "british", "scottish", "female"}
    takes = (0, 5, 10, 11, 12, 13, 14, 15)
    assert parts == {(str(digit), speaker, take) for digit in range(10) for speaker in speakers for take in takes}
    assert {clip.split for clip in source.clips} == {"train", "valid", "test"}


def test_the_sounds_are_small_8_khz_and_mono() -> None:
    paths = list(FOLDER.glob("*.flac"))
    assert sum(path.stat().st_size for path in paths) < 2_000_000
    for path in paths:
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (8000, 1, "PCM_16")
        assert 0.25 < info.duration < 1.0


def test_no_take_is_a_copy_of_another() -> None:
    takes = [soundfile.read(path)[0].tobytes() for path in FOLDER.glob("*.flac")]
    assert len(set(takes)) >= 0.95 * len(takes)


def test_what_the_voices_say_is_small_and_each_file_has_its_provenance() -> None:
    voices = FOLDER.parent / "voices"
    paths = [path for path in voices.iterdir() if path.name != "README.md"]
    assert {"kathleen.flac", "digits.flac", "piano.flac", "fault.flac"} <= {path.name for path in paths}
    assert sum(path.stat().st_size for path in paths) < 1_000_000
    told = (voices / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in paths if f"`{path.name}`" not in told] == []


# --- lists of layers: the numbers of a chapter on dilated convolutions -----------------------------------------------


def layers(name: str, size: int | None = None) -> Report:
    return inspect(LAYERS / f"{name}.yaml", size)


def grid(name: str) -> GridReport:
    found = layers(name).grid
    assert found is not None
    return found


def test_each_list_is_held_to_its_number_below_and_named_in_the_readme() -> None:
    names = {path.stem for path in LAYERS.glob("*.yaml")}
    held = Path(__file__).read_text(encoding="utf-8").partition("# --- lists of layers")[2]
    told = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert len(names) == 13
    for name in names:
        assert f'"{name}"' in held
        assert f"`{name}`" in told
        assert (LAYERS / f"{name}.yaml").read_text(encoding="utf-8").startswith("# ")


def test_doubled_dilations_grow_from_3_to_7_15_and_31() -> None:
    said = layers("growth-3-7-15-31")
    assert [row.receptive_field for row in said.layers if isinstance(row, LayerReport)] == [3, 7, 15, 31]
    assert sum(row.kernel**2 for row in said.layers if isinstance(row, LayerReport)) == 36
    assert said.grid is not None and (said.grid.reached, said.grid.positions) == (961, 961)


def test_five_layers_of_three_taps_see_11_without_dilation_and_63_with() -> None:
    plain, dilated = layers("five-plain-see-11"), layers("five-dilated-see-63")
    assert (plain.receptive_field, dilated.receptive_field) == (11, 63)
    assert [part.kernel for said in (plain, dilated) for part in said.design.parts if isinstance(part, Layer)] == 10 * [
        3
    ]
    assert plain.stacks[0].dilations == (1,) * 5 and dilated.stacks[0].dilations == (1, 2, 4, 8, 16)


def test_a_stack_of_wavenet_sees_1024_samples_by_one_path_each() -> None:
    said = layers("wavenet-1024")
    assert said.receptive_field == said.paths().total == 1024
    assert said.paths().counts == [1] * 1024
    assert said.stacks[0].dilations == tuple(2**i for i in range(10))


def test_a_larger_kernel_costs_204928_parameters_and_dilation_73856_for_the_same_field() -> None:
    larger, dilated = layers("kernel-5-204928"), layers("kernel-3-dilated-73856")
    assert larger.receptive_field == dilated.receptive_field == 5
    assert (larger.parameters, dilated.parameters) == (204_928, 73_856)
    assert (grid("kernel-5-204928").reached, grid("kernel-3-dilated-73856").reached) == (25, 9)


def test_dilations_with_a_common_factor_reach_25_of_81_positions_or_every_other_lag() -> None:
    said = grid("gridded-25-of-81")
    assert (said.side, said.reached, said.positions) == (9, 25, 81)
    assert said.rows == ("#.#.#.#.#", ".........") * 4 + ("#.#.#.#.#",)
    assert (layers("gridded").receptive_field, layers("gridded").holes) == (29, ((1, 27, 2),))


@pytest.mark.parametrize(("name", "side", "layers"), [("hdc-1-2-5", 17, 3), ("sawtooth", 33, 6)])
def test_hybrid_dilations_reach_every_position(name: str, side: int, layers: int) -> None:
    said = inspect(LAYERS / f"{name}.yaml")
    assert said.stacks[0].dilations == (1, 2, 5) * (layers // 3)
    assert said.grid is not None
    assert (said.grid.side, said.grid.reached, said.grid.coverage) == (side, side**2, 1.0)


def test_a_pyramid_has_rates_6_12_and_18_beside_1x1_and_global_pooling() -> None:
    said = layers("pyramid", 33)
    first = said.design.parts[0]
    assert isinstance(first, Parallel) and isinstance(first.branches[4][0], Whole)
    assert said.stacks[0].dilations == (1, 6, 12, 18, 1, 1)
    assert (said.whole_input, said.output_size) == (True, (33, 33))
    assert grid("pyramid").reached == 1 + 3 * 8
    assert said.parameters == 2 * 2048 * 256 + 3 * 9 * 2048 * 256 + 5 * 256 * 256


@pytest.mark.parametrize(("name", "jump", "size"), [("resnet50", 32, 7), ("resnet50-dilated", 8, 28)])
def test_a_resnet_goes_from_output_stride_32_to_8(name: str, jump: int, size: int) -> None:
    said = layers(name, 224)
    last = said.layers[-1]
    assert isinstance(last, JoinReport) and last.jump == jump
    assert (said.receptive_field, last.receptive_field, said.whole_input) == (427, 427, False)
    assert said.output_size == (size, size) == (224 // jump,) * 2
