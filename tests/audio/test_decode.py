"""A file is decoded block by block as it would be at once; whatever is wrong with it is a reason, never the end."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import sound_toys
import soundfile
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sound_toys import RATE, clip, codes, decoded, make_bad, whole

from wavenet.audio import decode, files, folders, resample
from wavenet.audio.decode import FULL, Entry
from wavenet.audio.folders import Clip
from wavenet.recipe.records import TrimConfig

# --- trimming --------------------------------------------------------------------------------------------------------


def framed(levels: list[float], frame: int = 80) -> np.ndarray:
    """Return a sound whose 10 ms frames have these magnitudes (full scale 1), its signs alternating."""
    sign = np.where(np.arange(frame * len(levels)) % 2, -1, 1)
    return np.asarray(np.repeat(np.array(levels), frame) * sign * (FULL - 1), np.int16)


def trimmed(folder: Path, sound: np.ndarray, trim: TrimConfig | None = None) -> tuple[Entry, np.ndarray]:
    soundfile.write(folder / "a.wav", sound, RATE)
    return decoded(clip(folder / "a.wav"), None, trim)


@pytest.mark.parametrize(("margin", "cut"), [(0.0, 3), (0.01, 2), (0.02, 1), (0.03, 0), (9.0, 0)])
def test_quiet_ends_are_cut_but_for_the_margin(tmp_path: Path, margin: float, cut: int) -> None:
    sound = framed([0.001] * 3 + [0.5, 0.001, 0.4] + [0.001] * 3)
    entry, pcm = trimmed(tmp_path, sound, TrimConfig(40.0, margin))
    np.testing.assert_array_equal(pcm, sound[80 * cut : len(sound) - 80 * cut])
    assert (entry.length, entry.trimmed, entry.first) == (len(pcm), 160 * cut, 0)
    assert entry.seconds == len(sound) / RATE


@pytest.mark.parametrize(("below", "first"), [(3, 2), (18, 2), (30, 1), (60, 0)])
def test_the_rule_counts_from_the_loudest_frame(tmp_path: Path, below: float, first: int) -> None:
    sound = framed([0.001, 0.01, 0.1])  # -40 and -20 dB below the loudest
    _, pcm = trimmed(tmp_path, sound, TrimConfig(below, 0.0))
    np.testing.assert_array_equal(pcm, sound[80 * first :])


@given(
    st.lists(st.sampled_from([0.0, 0.001, 0.01, 0.1, 0.9]), min_size=1, max_size=12),
    st.integers(0, 79),
    st.floats(1.0, 120.0),
    st.floats(0.0, 0.05),
)
@example(levels=[0.9], extra=79, below=1.0, margin=0.0)
@settings(deadline=None, max_examples=100)
def test_all_that_is_loud_enough_is_kept(
    tmp_path_factory: pytest.TempPathFactory, levels: list[float], extra: int, below: float, margin: float
) -> None:
    sound = framed([*levels, levels[-1]])[: 80 * len(levels) + extra]
    entry, pcm = trimmed(tmp_path_factory.mktemp("loud"), sound, TrimConfig(below, margin))
    if not sound.any():
        assert entry.reason == "digital silence"
        return
    if max(levels) <= 0.001:
        assert entry.reason == "silent throughout (below -60 dBFS)"
        return
    frames = [sound[at : at + 80].astype(float) for at in range(0, len(sound), 80)]
    loudness = np.array([np.sqrt((frame**2).sum() / 80) for frame in frames])
    loud = np.flatnonzero(loudness >= 1.0001 * loudness.max() * 10 ** (-below / 20))
    loud = loud if len(loud) else np.array([loudness.argmax()])
    last = min(len(sound), 80 * (int(loud[-1]) + 1))
    firsts = range(max(0, last - len(pcm)), min(80 * int(loud[0]), len(sound) - len(pcm)) + 1)
    assert any(np.array_equal(sound[at : at + len(pcm)], pcm) for at in firsts)
    assert entry.length + entry.trimmed == len(sound)


# --- measures --------------------------------------------------------------------------------------------------------


def test_levels_are_measured_on_what_is_kept(tmp_path: Path) -> None:
    entry, _ = trimmed(tmp_path, framed([0.0] * 5 + [0.25] * 5), TrimConfig(40.0, 0.0))
    assert entry.peak == entry.rms == pytest.approx(0.25, abs=1e-4)
    entry, _ = trimmed(tmp_path, framed([0.0] * 5 + [0.25] * 5))
    assert entry.rms == pytest.approx(0.25 / np.sqrt(2), abs=1e-4) and entry.peak == pytest.approx(0.25, abs=1e-4)


def test_silence_is_the_share_of_frames_below_minus_sixty(tmp_path: Path) -> None:
    entry, _ = trimmed(tmp_path, framed([0.0, 0.5, 0.0008, 0.0012]))
    assert entry.silence == 0.5


def test_clipping_is_the_share_of_samples_at_full_scale(tmp_path: Path) -> None:
    sound = np.array([0, 32_767, -32_768, -32_767, 32_766, 100, 0, 0])
    entry, _ = trimmed(tmp_path, sound.astype(np.int16))
    assert entry.clipped == 3 / 8 and entry.peak == 1.0 and entry.overshoot == 0


def test_samples_beyond_full_scale_are_kept_at_a_scale_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "BLOCK_FRAMES", 2)
    sound = np.array([0.5, 1.5, -3.0, 1.0, -1.0, 0.1])
    soundfile.write(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    entry, pcm = decoded(clip(tmp_path / "a.wav"))
    np.testing.assert_allclose(pcm * entry.scale / FULL, sound, atol=entry.scale / FULL / 2)
    assert (entry.scale, entry.overshoot, entry.clipped, entry.peak) == (4.0, 2, 4 / 6, 3.0)
    assert entry.rms == pytest.approx(np.sqrt(np.mean(sound**2)), rel=1e-4) and entry.note == ""


def write_floats(folder: Path, sound: np.ndarray, rate: int = RATE) -> Clip:
    """Write samples [n] or [n, channels] as they are, in 64-bit floats, and return the clip."""
    soundfile.write(folder / "a.wav", sound, rate, subtype="DOUBLE")
    return clip(folder / "a.wav")


@pytest.mark.parametrize("bits", [16, 24])
def test_whole_numbers_stored_as_floats_are_kept_exactly_and_told(tmp_path: Path, bits: int) -> None:
    sound = np.append(codes(900), -32_768).astype(np.int64) << (bits - 16)
    entry, pcm = decoded(write_floats(tmp_path, sound.astype(float)))
    np.testing.assert_array_equal(pcm.astype(np.int64) << (bits - 16), sound)
    assert entry.scale == 2.0 ** (bits - 1) and entry.overshoot == (np.abs(sound) > 1).sum()
    assert entry.note.startswith(f"{bits}-bit whole numbers stored as floats") and "times" not in entry.note
    soundfile.write(tmp_path / "b.wav", (sound >> (bits - 16)).astype(np.int16), RATE)
    assert entry.digest == decoded(clip(tmp_path / "b.wav"))[0].digest


@pytest.mark.parametrize("rate", [None, 5_000])
@pytest.mark.parametrize("trim", [None, TrimConfig(30.0, 0.0)])
def test_a_file_is_read_again_only_where_it_lies_beyond_full_scale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int | None, trim: TrimConfig | None
) -> None:
    readings = []
    genuine = files.Reader.blocks
    monkeypatch.setattr(files.Reader, "blocks", lambda self, *rest: (readings.append(rest), genuine(self, *rest))[1])
    ends = np.zeros(400)
    soft = np.concatenate([ends, tone(1_000, 700), ends])
    once, pcm = decoded(write_floats(tmp_path, soft), rate, trim)
    assert len(readings) == 1 and once.scale == 1.0
    twice, again = decoded(write_floats(tmp_path, 4 * soft), rate, trim)
    assert len(readings) == 3 and twice.scale == 2.0
    assert (twice.length, twice.trimmed) == (once.length, once.trimmed) and (once.trimmed > 0) == (trim is not None)
    np.testing.assert_allclose(again * 2.0, pcm * 4.0, atol=4)
    assert twice.rms == pytest.approx(4 * once.rms, rel=1e-3) and twice.peak == pytest.approx(4 * once.peak, rel=1e-3)


def tone(samples: int, frequency: float, level: float = 0.45, rate: int = RATE) -> np.ndarray:
    return level * np.sin(2 * np.pi * frequency / rate * np.arange(samples))


@pytest.mark.parametrize(("suffix", "rate"), [(".mp3", 8_000), (".wav", 5_000)], ids=["lossy", "ripple"])
def test_what_coding_and_resampling_push_beyond_full_scale_is_not_cut(tmp_path: Path, suffix: str, rate: int) -> None:
    square = 0.99 * np.sign(tone(4_000, 210))
    soundfile.write(tmp_path / f"a{suffix}", square, RATE)
    entry, pcm = decoded(clip(tmp_path / f"a{suffix}"), rate)
    assert entry.overshoot > 100 and entry.scale == 2.0 and 1.05 < entry.peak < 1.6
    np.testing.assert_allclose(pcm * 2.0 / FULL, files.read(tmp_path / f"a{suffix}", rate), atol=1.01 / FULL)


@pytest.mark.parametrize("rate", [None, 16_000])
def test_one_wild_value_that_would_drown_the_rest_drops_the_file(tmp_path: Path, rate: int | None) -> None:
    sound = tone(4_000, 440)
    sound[2_000] = 1e6
    entry, pcm = decoded(write_floats(tmp_path, sound), rate)
    assert not len(pcm) and entry.reason == "a damaged value drowns the rest" and entry.seconds == 0.5
    assert entry.note.startswith("its values reach 1,000,000 times full scale")


def test_a_peak_far_beyond_full_scale_is_told(tmp_path: Path) -> None:
    sound = tone(4_000, 440)
    sound[2_000] = 50.25
    entry, pcm = decoded(write_floats(tmp_path, sound))
    assert entry.note == "its values reach 50 times full scale" and len(pcm) == 4_000 and entry.scale == 64.0
    sound[2_000] = 1.5
    assert decoded(write_floats(tmp_path, sound))[0].note == ""


@pytest.mark.parametrize("rate", [None, 12_000])
@pytest.mark.parametrize("louder", [0, 1])
def test_of_channels_that_cancel_the_louder_is_kept_and_told(tmp_path: Path, louder: int, rate: int | None) -> None:
    both = np.stack([tone(2_000, 440), -0.9 * tone(2_000, 440)], axis=1)[:, :: 1 - 2 * louder]
    entry, pcm = decoded(write_floats(tmp_path, both), rate)
    alone, expected = decoded(write_floats(tmp_path, both[:, louder]), rate)
    np.testing.assert_array_equal(pcm, expected)
    assert (entry.channels, entry.rms, entry.digest) == (2, alone.rms, alone.digest)
    assert entry.note == f"its 2 channels cancel when mixed: channel {louder + 1} is used alone"


def test_channels_that_cancel_beyond_full_scale_are_read_at_their_scale(tmp_path: Path) -> None:
    both = np.stack([3 * tone(900, 440), -3 * tone(900, 440)], axis=1)
    entry, pcm = decoded(write_floats(tmp_path, both))
    np.testing.assert_allclose(pcm * entry.scale / FULL, both[:, 0], atol=1e-4)
    assert entry.scale == 2.0 and "cancel" in entry.note


def test_sound_that_nearly_all_lies_above_the_rate_is_told(tmp_path: Path) -> None:
    sound = tone(3_200, 3_500) + tone(3_200, 440, 0.01)
    entry, _ = decoded(write_floats(tmp_path, sound), 4_000)
    assert entry.reason is None and entry.note == "most of its sound lies above 2,000 Hz and is lost"
    assert decoded(write_floats(tmp_path, sound))[0].note == ""
    assert decoded(write_floats(tmp_path, tone(3_200, 3_500) + tone(3_200, 440, 0.1)), 4_000)[0].note == ""


@pytest.mark.parametrize(
    ("sound", "rate", "reason"),
    [
        (np.full(900, np.nan), None, "no usable values (900 of its 900 values are NaN, infinite or far too large: "),
        (np.full(900, 1e-5), None, "below 16-bit resolution (its peak is 1.0e-05)"),
        (tone(900, 440, 1e-3), None, "silent throughout (below -60 dBFS)"),
        (np.full(2_400, 0.25), None, "silence at a DC offset (a DC offset of 25.0% of full scale: "),
        (tone(3_200, 3_500), 4_000, "silent at 4,000 Hz: its sound lies above 2,000 Hz"),
        (np.zeros(900), 4_000, "digital silence"),
    ],
    ids=["nan", "tiny", "quiet", "offset", "above", "zeros"],
)
def test_silence_is_told_as_what_it_is(tmp_path: Path, sound: np.ndarray, rate: int | None, reason: str) -> None:
    sound = sound.copy()
    fade = np.minimum(1, np.minimum(np.arange(len(sound)), np.arange(len(sound))[::-1]) / 400)
    entry, pcm = decoded(write_floats(tmp_path, sound * fade if rate else sound), rate)
    assert entry.why.startswith(reason) and not len(pcm) and entry.source_rate == RATE and entry.seconds > 0.1


def test_nan_in_places_and_an_offset_are_noted_and_the_file_is_kept(tmp_path: Path) -> None:
    sound = tone(3_000, 440) + 0.1
    sound[[5, 600]] = np.nan, np.inf
    entry, pcm = decoded(write_floats(tmp_path, sound))
    assert entry.reason is None and pcm[5] == pcm[600] == 0 and len(pcm) == 3_000
    assert entry.note == (
        "2 of its 3,000 values are NaN, infinite or far too large: replaced by 0; "
        "a DC offset of 10.0% of full scale: a high-pass filter removes it"
    )


# --- bad files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [None, 16_000])
def test_bad_files_are_dropped_with_a_reason(tmp_path: Path, rate: int | None) -> None:
    reasons = make_bad(tmp_path / "bad")
    found = folders.open_folder(tmp_path / "bad").clips
    assert {one.name for one in found} == set(reasons)
    for one in found:
        entry, pcm = decoded(one, rate, TrimConfig(40.0))
        assert entry.reason and reasons[one.name] in entry.reason and "\n" not in entry.reason, one.name
        assert len(pcm) == entry.length == entry.first == 0


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_dropped_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    entries: list[Entry] = []
    reading = threading.Thread(target=lambda: entries.append(decoded(clip(tmp_path / "pipe.wav"))[0]))
    reading.start()
    reading.join(2)
    stuck = reading.is_alive()
    while reading.is_alive():  # let the reader go
        with contextlib.suppress(OSError):
            os.close(os.open(tmp_path / "pipe.wav", os.O_WRONLY | os.O_NONBLOCK))
        reading.join(0.05)
    assert not stuck, "reading waits for somebody to write into the pipe"
    assert entries[0].reason


@pytest.mark.parametrize("rate", [1, 11, 1_000_000, 100_000_000, 2**31 - 1])
def test_an_absurd_rate_in_a_header_is_dropped_or_read(tmp_path: Path, rate: int) -> None:
    soundfile.write(tmp_path / "a.wav", codes(40), RATE)
    content = bytearray((tmp_path / "a.wav").read_bytes())
    content[24:28] = rate.to_bytes(4, "little")
    (tmp_path / "a.wav").write_bytes(content)
    entry, pcm = decoded(clip(tmp_path / "a.wav"), 16_000)
    assert len(pcm) == entry.length and (entry.length > 0) == (entry.reason is None)


@pytest.mark.parametrize("samples", [1, 2, 79, 81])
@pytest.mark.parametrize("rate", [None, 4_000, 16_000])
def test_a_file_of_few_samples_is_kept(tmp_path: Path, samples: int, rate: int | None) -> None:
    soundfile.write(tmp_path / "a.wav", np.full(samples, 0.5), RATE)
    entry, pcm = decoded(clip(tmp_path / "a.wav"), rate, TrimConfig(20.0, 0.0))
    assert entry.reason is None and len(pcm) == entry.length > 0 and entry.rms > 0
    assert entry.length + entry.trimmed == -(-samples * (rate or RATE) // RATE)


# --- block by block --------------------------------------------------------------------------------------------------


def bare(entry: Entry) -> Entry:
    return dataclasses.replace(entry, digest="")


@pytest.mark.parametrize("block", [64, 1_000, 1 << 18])
@pytest.mark.parametrize("trim", [None, TrimConfig(20.0, 0.013), TrimConfig(3.0, 0.0)])
@pytest.mark.parametrize(("own", "rate"), [(8_000, None), (8_000, 16_000), (22_050, 8_000)])
def test_blocks_give_to_the_last_bit_what_the_whole_file_gives(
    tmp_path: Path, own: int, rate: int | None, trim: TrimConfig | None, block: int
) -> None:
    sound = sound_toys.toy(own, 2, 1.3) * 2.2 + np.random.default_rng(0).normal(0, 1e-3, (round(own * 1.3), 2))
    soundfile.write(tmp_path / "a.wav", sound, own, subtype="FLOAT")
    with pytest.MonkeyPatch.context() as patch:
        for module in (files, resample, decode):
            patch.setattr(module, "BLOCK_FRAMES", block)
        entry, pcm = decoded(clip(tmp_path / "a.wav"), rate, trim)
    expected, samples = whole(clip(tmp_path / "a.wav"), rate, trim)
    np.testing.assert_array_equal(pcm, samples)
    assert bare(entry) == expected and entry.overshoot > 0 and (entry.trimmed > 0) == (trim is not None)


@given(st.integers(1, 900), st.integers(1, 300), st.sampled_from([None, 3.0, 30.0]), st.integers(0, 2**32))
@settings(deadline=None, max_examples=30)
def test_any_length_in_any_blocks_gives_what_the_whole_file_gives(
    tmp_path_factory: pytest.TempPathFactory, samples: int, block: int, below: float | None, seed: int
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.wav"
    rng = np.random.default_rng(seed)
    soundfile.write(path, codes(samples, seed) * rng.uniform(0.01, 1, samples) ** 4 / FULL + 0.01, RATE)
    trim = None if below is None else TrimConfig(below, float(rng.uniform(0, 0.02)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK_FRAMES", block)
        patch.setattr(decode, "BLOCK_FRAMES", block)
        entry, pcm = decoded(clip(path), None, trim)
    if entry.reason is not None:
        assert entry.reason.startswith("silent throughout") and not len(pcm) and samples < 80
        return
    expected, kept = whole(clip(path), None, trim)
    np.testing.assert_array_equal(pcm, kept)
    assert bare(entry) == expected


def test_a_scan_measures_what_training_would_keep(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.flac", sound_toys.toy(22_050, 2), 22_050)
    assert decode.decode(clip(tmp_path / "a.flac")) == decoded(clip(tmp_path / "a.flac"))[0]


def test_a_place_that_is_full_is_no_fault_of_the_file(tmp_path: Path) -> None:
    class Full(io.BytesIO):
        def write(self, data: object) -> int:
            raise OSError(28, "No space left on device")

    soundfile.write(tmp_path / "a.wav", codes(500), RATE)
    with pytest.raises(OSError, match="No space"):
        decode.decode(clip(tmp_path / "a.wav"), None, None, Full())


HOUR = """
import json, sys
from pathlib import Path
import numpy as np, sound_toys, soundfile
from wavenet.audio import decode
from wavenet.audio.folders import Clip
from wavenet.recipe.records import TrimConfig

folder, rate = Path(sys.argv[1]), json.loads(sys.argv[2])
block = np.random.default_rng(0).uniform(-0.5, 0.5, (48_000, 2)).astype(np.float32)
with soundfile.SoundFile(folder / "hour.wav", "w", 48_000, 2, "FLOAT", format="RF64") as file:
    for second in range(int(sys.argv[3])):
        file.write(block if 1 < second else 0 * block)
before = sound_toys.most_memory()
clip = Clip(folder / "hour.wav", "hour.wav")
if rate == "scan":
    entry = decode.decode(clip)
else:
    with (folder / "pcm").open("w+b") as into:
        entry = decode.decode(clip, rate, TrimConfig(40.0, 0.05), into)
    assert (folder / "pcm").stat().st_size == 2 * entry.length
print(json.dumps([entry.reason, entry.seconds, entry.trimmed, sound_toys.most_memory() - before]))
"""


def run_beside_the_toys(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script in a process of its own that finds the modules of the tests."""
    paths = os.pathsep.join([str(Path(sound_toys.__file__).parent), *filter(None, sys.path)])
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, env=os.environ | {"PYTHONPATH": paths})


@pytest.mark.parametrize(
    ("rate", "seconds"),
    [
        *(pytest.param(16_000, 20, id="seconds"),),
        *(pytest.param(rate, 3_600, id=f"an hour {rate}", marks=pytest.mark.slow) for rate in ("scan", None, 16_000)),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="no resource module on Windows")
def test_an_hour_costs_little_memory(tmp_path: Path, rate: int | str | None, seconds: int) -> None:
    done = run_beside_the_toys(HOUR, str(tmp_path), json.dumps(rate), str(seconds))
    assert done.returncode == 0, done.stderr
    reason, found, trimmed, more = json.loads(done.stdout)
    assert reason is None and found == seconds and (trimmed > 0) == (rate != "scan")
    assert 0 < more < 60 * 2**20


# --- every kind of file ----------------------------------------------------------------------------------------------

KINDS = sound_toys.kinds()


@pytest.mark.parametrize("kind", sorted({kind.format for kind in KINDS}))
def test_every_format_that_can_be_written_is_kept_whole(tmp_path: Path, kind: str) -> None:
    for one in KINDS:
        content = sound_toys.written(one) if one.format == kind else None
        if content is not None:  # libsndfile does not write each combination
            check_kept_whole(tmp_path / f"a{sound_toys.SUFFIX[kind]}", content, one)


def check_kept_whole(path: Path, content: bytes, kind: sound_toys.Kind) -> None:
    path.write_bytes(content)
    entry, pcm = decoded(clip(path))
    assert path.suffix in files.SUFFIXES and entry.note == "", kind
    assert entry.reason is None, kind
    assert (entry.channels, entry.source_rate) == (kind.channels, soundfile.info(path).samplerate), kind
    mean = sound_toys.toy(kind.rate, kind.channels).mean(axis=1)
    if kind.subtype.startswith(("PCM", "FLOAT", "DOUBLE", "ALAC")):
        assert len(pcm) - len(mean) in (0, kind.format == "AIFF")  # the byte that pads it
        np.testing.assert_allclose(pcm[: len(mean)] / FULL, mean, atol=1 / 100 if "8" in kind.subtype else 2 / FULL)
    else:
        assert entry.seconds == pytest.approx(0.25, abs=0.15)
        pcm, mean = pcm[: len(mean)] * entry.scale / FULL, mean[: len(pcm)]
        assert np.sqrt(np.mean(pcm**2)) == pytest.approx(np.sqrt(np.mean(mean**2)), rel=0.1)
        assert np.corrcoef(pcm, mean)[0, 1] > 0.98


def test_all_that_the_project_promises_can_be_written_here() -> None:
    made = {(kind.format, kind.subtype) for kind in KINDS if kind.channels == 1 and sound_toys.written(kind)}
    wanted = ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM"]
    assert {("WAV", subtype) for subtype in wanted} <= made
    others = [("AIFF", "PCM_16"), ("FLAC", "PCM_24"), ("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III"), ("NIST", "ULAW")]
    assert {*others, ("OGG", "OPUS")} <= made | {("OGG", "OPUS")}


def test_a_thousand_channels_are_read_in_short_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = np.repeat(codes(900)[:, None], 1_000, axis=1)
    soundfile.write(tmp_path / "a.wav", sound, RATE)
    monkeypatch.setattr(files, "MOST_SAMPLES", 100_000)
    with files.Reader(tmp_path / "a.wav") as reader:
        assert {len(block) for block in reader.blocks()} == {100}
    np.testing.assert_array_equal(decoded(clip(tmp_path / "a.wav"))[1], codes(900))


@pytest.mark.parametrize("channels", [1, 2])
def test_sphere_as_its_standard_describes_it_is_read(tmp_path: Path, channels: int) -> None:
    sound = np.stack([codes(700)] * channels, axis=1)
    (tmp_path / "a.sph").write_bytes(sound_toys.sphere(sound, 16_000))
    entry, pcm = decoded(clip(tmp_path / "a.sph"))
    np.testing.assert_array_equal(pcm, codes(700))
    assert (entry.source_rate, entry.channels, entry.note) == (16_000, channels, "")


def test_sphere_compressed_by_shorten_is_dropped(tmp_path: Path) -> None:
    content = sound_toys.sphere(codes(700)[:, None], 16_000, "pcm,embedded-shorten-v2.00")
    (tmp_path / "a.sph").write_bytes(content[:1_024] + b"ajkg" + content[1_024:])
    assert decoded(clip(tmp_path / "a.sph"))[0].reason


# --- files that go away or keep shut ---------------------------------------------------------------------------------


def test_a_file_that_vanishes_between_the_look_and_the_opening_is_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    soundfile.write(tmp_path / "a.wav", codes(500), RATE)
    genuine = decode._out_of_reach
    monkeypatch.setattr(decode, "_out_of_reach", lambda path: (genuine(path), path.unlink())[0])
    assert decoded(clip(tmp_path / "a.wav"))[0].reason == "No such file or directory"


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be removed on Windows")
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".ogg"])
@pytest.mark.parametrize("how", ["removed", "cut"])
def test_a_file_that_goes_away_while_it_is_read_is_kept_or_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str, how: str
) -> None:
    path = tmp_path / f"a{suffix}"
    soundfile.write(path, codes(60_000), RATE)
    monkeypatch.setattr(files, "BLOCK_FRAMES", 1_000)
    genuine = decode._Measures.take

    def taking(self: decode._Measures, block: np.ndarray) -> np.ndarray:
        if path.exists() and path.stat().st_size > 500:
            if how == "removed":
                path.unlink()
            else:
                os.truncate(path, 500)
        return genuine(self, block)

    monkeypatch.setattr(decode._Measures, "take", taking)
    entry, pcm = decoded(clip(path))
    assert len(pcm) == entry.length and (entry.length == 60_000 if how == "removed" else True)
    assert (entry.reason is None) == (entry.length > 0)
    if how == "cut" and suffix == ".wav":
        assert entry.note.startswith("cut short") and entry.length < 60_000


def test_a_file_or_a_folder_that_may_not_be_opened_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "a.wav", codes(500), RATE)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files, "_Stream", refuse)  # root may read anything
    monkeypatch.setattr(Path, "open", refuse)
    assert decoded(clip(tmp_path / "a.wav"))[0].reason == "Permission denied"
    monkeypatch.setattr(Path, "stat", refuse)
    assert decoded(clip(tmp_path / "a.wav"))[0].reason == "missing (Permission denied)"


# --- damaged at random -----------------------------------------------------------------------------------------------

FUZZ = """
import json, sys
from pathlib import Path
import numpy as np, sound_toys
from wavenet.recipe.records import TrimConfig

folder, first, last = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
known = sound_toys.seeds()
for number in range(first, last):
    suffix, content = sound_toys.mutated(number, known)
    path = folder / f"{number}{suffix}"
    path.write_bytes(content)
    print(json.dumps([number, len(content)]), flush=True)  # what is in hand, should the process die of it
    rate, trim = (None, 16_000)[number % 4 == 0], (None, TrimConfig(40.0))[number % 2]
    entry, pcm = sound_toys.decoded(sound_toys.clip(path), rate, trim)
    assert (entry.reason is None) == (entry.length > 0) and entry.length == len(pcm), entry
    assert entry.reason is None or entry.reason.isprintable(), entry
    assert np.isfinite([entry.rms, entry.peak, entry.seconds]).all() and entry.note.isprintable(), entry
    print(json.dumps([number, entry.reason, entry.note, sound_toys.most_memory()]), flush=True)
    path.unlink()
"""


@pytest.mark.parametrize(
    ("first", "last"),
    [(0, 150), *(pytest.param(at, at + 400, marks=pytest.mark.campaign) for at in range(1_000, 2_600, 400))],
)
@pytest.mark.skipif(sys.platform == "win32", reason="no resource module on Windows")
def test_damaged_files_are_kept_or_dropped_in_bounded_memory(tmp_path: Path, first: int, last: int) -> None:
    done = run_beside_the_toys(FUZZ, str(tmp_path), str(first), str(last))
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, f"file {lines[-1] if lines else None}: {done.returncode} {done.stderr[-2_000:]}"
    told = lines[1::2]
    assert [line[0] for line in told] == list(range(first, last))
    reasons = {reason for _, reason, _, _ in told}
    assert None in reasons and len(reasons) > 10 and any(note for _, _, note, _ in told)
    assert told[-1][3] - told[0][3] < 400 * 2**20
