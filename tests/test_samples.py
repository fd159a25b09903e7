"""The synthetic digits that the project ships: complete, small, in FSDD's layout, with all three splits."""

from __future__ import annotations

from pathlib import Path

import soundfile

from wavenet.audio import layouts, sources

FOLDER = Path(__file__).parent.parent / "samples" / "digits"


def test_every_digit_speaker_and_take_is_there() -> None:
    source = sources.open_folder(FOLDER)
    assert source.layout == "fsdd"
    parts = {layouts.fsdd_parts(clip.name) for clip in source.clips}
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
