"""Sound is read as it stands in the file, and written exactly, whole or not at all."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sound_toys
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wavenet.audio import files
from wavenet.errors import InputError, SoundError


def tone(rate: int, frequency: float, samples: int, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * frequency / rate * np.arange(samples))).astype(np.float32)


# --- reading ---------------------------------------------------------------------------------------------------------


def test_of_channels_that_cancel_the_louder_is_read_and_told(tmp_path: Path, said: list[str]) -> None:
    wave = tone(8_000, 440, 2_000)
    soundfile.write(tmp_path / "a.wav", np.stack([-0.9 * wave, wave], axis=1), 8_000, subtype="FLOAT")
    np.testing.assert_array_equal(files.read(tmp_path / "a.wav", 8_000), wave)
    assert said == [f"{tmp_path / 'a.wav'}: its 2 channels cancel when mixed: channel 2 is used alone"]


def test_what_is_odd_about_a_sound_is_told_and_what_is_none_is_refused(tmp_path: Path, said: list[str]) -> None:
    wave = tone(8_000, 440, 4_000) + np.float32(0.1)
    wave[7] = np.nan
    soundfile.write(tmp_path / "a.wav", wave, 8_000, subtype="FLOAT")
    assert files.read(tmp_path / "a.wav", 8_000)[7] == 0.0
    assert len(said) == 1 and "1 of its 4,000 values are NaN" in said[0] and "a DC offset of 10.0%" in said[0]
    soundfile.write(tmp_path / "a.wav", np.full(90, np.nan), 8_000, subtype="FLOAT")
    with pytest.raises(SoundError, match=r"cannot be read as sound: no usable values .90 of its 90 values"):
        files.read(tmp_path / "a.wav", 8_000)


def test_what_holds_no_sound_is_one_sentence_that_names_it(tmp_path: Path) -> None:
    for name, word in sound_toys.make_bad(tmp_path).items():
        if name == "silence.wav":
            assert not files.read(tmp_path / name, 8_000).any()
            continue
        with pytest.raises(SoundError) as caught:
            files.read(tmp_path / name, 8_000)
        assert name in str(caught.value) and "\n" not in str(caught.value)
        assert word.replace("missing", "no sound file") in str(caught.value)


def test_a_missing_file_and_a_folder_are_sound_errors(tmp_path: Path) -> None:
    with pytest.raises(SoundError, match=r"no sound file .*gone\.wav"):
        files.read(tmp_path / "gone.wav", 8_000)
    (tmp_path / "pipe.wav").touch() if os.name == "nt" else os.mkfifo(tmp_path / "pipe.wav")
    for place in (tmp_path, tmp_path / "pipe.wav", tmp_path / ("long" * 100), Path("nul\0.wav")):
        with pytest.raises(SoundError, match=r"no sound file|no samples|cannot be read"):
            files.read(place, 8_000)


def test_a_file_that_was_cut_is_read_with_a_warning(tmp_path: Path, said: list[str]) -> None:
    soundfile.write(tmp_path / "a.wav", tone(8_000, 500, 8_000), 8_000)
    assert len(files.read(tmp_path / "a.wav", 8_000)) == 8_000 and said == []
    os.truncate(tmp_path / "a.wav", 44 + 2 * 3_000)
    assert len(files.read(tmp_path / "a.wav", 8_000)) == 3_000
    assert len(said) == 1 and "a.wav: cut short" in said[0] and "0.38 s could be read" in said[0]


def test_mp3_that_counts_nothing_is_read_to_its_end(tmp_path: Path) -> None:
    with soundfile.SoundFile(
        tmp_path / "a.mp3", "w", 44_100, 1, bitrate_mode="VARIABLE", compression_level=0.5
    ) as file:
        file.write(np.concatenate([0.3 * np.random.default_rng(0).standard_normal(88_200), np.zeros(352_800)]))
    content = (tmp_path / "a.mp3").read_bytes()
    (tmp_path / "a.mp3").write_bytes(content[content.index(content[:2], content.index(b"Xing")) :])
    assert soundfile.info(tmp_path / "a.mp3").frames < 200_000  # what libsndfile takes it for
    with files.Reader(tmp_path / "a.mp3") as reader:
        assert 441_000 <= sum(len(block) for block in reader.blocks()) < 445_000 and reader.note() == ""


@pytest.mark.skipif(os.name == "nt", reason="a folder cannot be opened on Windows")
@pytest.mark.parametrize("name", ["a.mp2", "a.mpga"])
def test_layer_two_is_read_too(tmp_path: Path, name: str) -> None:
    frame = bytes([0xFF, 0xFD, 0x40, 0xC0]) + bytes(144 * 64_000 // 44_100 - 4)  # 64 kbit/s, 44.1 kHz, mono, silence
    (tmp_path / name).write_bytes(40 * frame)
    with files.Reader(tmp_path / name) as reader:
        assert (reader.subtype, reader.sample_rate) == ("MPEG_LAYER_II", 44_100)
        assert sum(len(block) for block in reader.blocks()) == 40 * 1_152


@pytest.mark.parametrize("behind", [b"TAG" + bytes(125), b"fLaC" + bytes(90)])
def test_what_stands_behind_flac_costs_no_sound(tmp_path: Path, behind: bytes) -> None:
    sound = np.random.default_rng(0).integers(-20_000, 20_000, 10_000).astype(np.int16)
    soundfile.write(tmp_path / "a.flac", sound, 8_000)
    with (tmp_path / "a.flac").open("ab") as file:
        file.write(behind)
    with files.Reader(tmp_path / "a.flac") as reader:
        np.testing.assert_array_equal(np.concatenate(list(reader.blocks())) * 32_768, sound)
        assert reader.note() == ""


@pytest.mark.parametrize("missing", ["nothing", "the count", "the end", "the count and the end", "a block", "the head"])
def test_flac_is_read_up_to_where_it_ends_or_is_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    sound = np.random.default_rng(0).integers(-20_000, 20_000, 30_000).astype(np.int16)
    soundfile.write(tmp_path / "a.flac", sound, 8_000)
    content = bytearray((tmp_path / "a.flac").read_bytes())
    if "count" in missing:  # as a program writes it that does not know how long the sound will be
        content[21] &= 0xF0
        content[22:26] = bytes(4)
    if "end" in missing:
        del content[-9_000:]
    if missing == "a block":
        content[30_000] ^= 0x55
    if missing == "the head":
        del content[1_000:]
    (tmp_path / "a.flac").write_bytes(content)
    monkeypatch.setattr(files, "BLOCK_FRAMES", 8_192)
    try:
        with files.Reader(tmp_path / "a.flac") as reader:
            heard = np.concatenate(list(reader.blocks()))
            note = reader.note()
    except SoundError:
        assert missing == "the head"
        return
    np.testing.assert_array_equal(heard * 32_768, sound[: len(heard)])
    whole = 30_000 if missing in ("nothing", "the count") else 6 * 4_096 if "end" in missing else 3 * 4_096
    assert len(heard) == whole
    promised = "" if "count" in missing else ": its header promises 3.75 s of sound"
    damaged = f"cut short or damaged{promised}, {whole / 8_000:.2f} s could be read"
    assert note == (damaged if whole < 30_000 else "")


# --- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".WAV"])
@pytest.mark.parametrize("bits", [16, 24])
@given(data=st.data())
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_written_sound_is_read_back_exactly(tmp_path: Path, suffix: str, bits: int, data) -> None:
    edge = 1 << (bits - 1)
    codes = np.array(data.draw(st.lists(st.integers(-edge, edge - 1), min_size=1, max_size=300)))
    files.write(tmp_path / f"a{suffix}", codes / edge, 16_000, bits)
    heard, rate = soundfile.read(tmp_path / f"a{suffix}", dtype="int32")
    assert rate == 16_000 and soundfile.info(tmp_path / f"a{suffix}").subtype == f"PCM_{bits}"
    np.testing.assert_array_equal(heard >> (32 - bits), codes)
    np.testing.assert_array_equal(files.read(tmp_path / f"a{suffix}", 16_000), codes / edge)
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]


def test_pcm_is_rounded_to_the_nearest_and_clipped() -> None:
    wave = np.array([0.0, 0.4, -0.4, 0.6, -0.6, 32_767, 32_768, -32_768, 99_999, -99_999]) / 32_768
    assert files.to_pcm(wave, 16).tolist() == [0, 0, 0, 1, -1, 32_767, 32_767, -32_768, 32_767, -32_768]
    assert files.to_pcm(np.array([1.0, -1.0, 1 / 3]), 24).tolist() == [8_388_607, -8_388_608, 2_796_203]


@pytest.mark.parametrize("name", ["a.mp3", "a.ogg", "a", "a.wav.txt"])
def test_another_suffix_is_an_input_error_and_writes_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"\.wav or \.flac"):
        files.write(tmp_path / name, np.zeros(10), 8_000)
    assert not list(tmp_path.iterdir())


def test_a_rate_that_flac_cannot_hold_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.flac.*sample rate") as caught:
        files.write(tmp_path / "a.flac", np.zeros(10), 768_000)
    assert " object at 0x" not in str(caught.value)
    assert not list(tmp_path.iterdir())


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from wavenet.audio import files

resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    files.write(Path(sys.argv[1]), np.random.default_rng(0).uniform(-1, 1, int(sys.argv[2])), 8_000)
except BaseException as error:
    print(type(error).__name__)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes on Windows")
@pytest.mark.parametrize(("suffix", "samples"), [(".wav", 6_000), (".flac", 300_000)])
def test_a_full_disk_is_an_os_error_and_leaves_nothing(tmp_path: Path, suffix: str, samples: int) -> None:
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / f"a{suffix}"), str(samples)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not list(tmp_path.iterdir())
    assert done.stdout.strip() == "OSError", done.stderr


@pytest.mark.parametrize("bits", [16, 24])
@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_sound_that_is_written_in_pieces_is_what_is_written_at_once(tmp_path: Path, name: str, bits: int) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 4_999)
    files.write(tmp_path / f"whole-{name}", wave, 16_000, bits, files.SOFTWARE)
    with files.Writer(tmp_path / name, len(wave), 16_000, bits, files.SOFTWARE) as writer:
        assert [writer.write(part) for part in np.split(wave, [1, 400, 4_000])] == [False, False, False, True]
        assert (tmp_path / name).exists()  # in its place as soon as it is whole
    for made in (tmp_path / name, tmp_path / f"whole-{name}"):
        with soundfile.SoundFile(made) as file:
            assert (file.samplerate, file.subtype) == (16_000, f"PCM_{bits}")
            assert file.software.startswith(files.SOFTWARE)
            np.testing.assert_array_equal(file.read(dtype="int32") >> (32 - bits), files.to_pcm(wave, bits))
    assert (tmp_path / name).stat().st_size % 2 == 0 or name == "a.flac"


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_that_is_not_whole_is_not_left_and_one_that_was_there_stays(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"before")
    for ends in (None, KeyboardInterrupt):
        with contextlib.suppress(EOFError, KeyboardInterrupt), files.Writer(tmp_path / name, 10, 8_000) as writer:
            writer.write(np.zeros(9))
            if ends is not None:
                raise ends
        assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"before")]
    if name == "a.flac":
        with pytest.raises(InputError, match="cannot hold this sound"), files.Writer(tmp_path / name, 10, 2**20):
            raise AssertionError("not reached")
        assert [path.name for path in tmp_path.iterdir()] == [name]


PIECES = FULL_DISK.replace(
    "    files.write(Path(sys.argv[1]), np.random.default_rng(0).uniform(-1, 1, int(sys.argv[2])), 8_000)",
    """    with files.Writer(Path(sys.argv[1]), int(sys.argv[2]), 8_000) as writer:
        for _ in range(int(sys.argv[2]) // 1_000):
            writer.write(np.random.default_rng(0).uniform(-1, 1, 1_000))""",
)


@pytest.mark.skipif(sys.platform == "win32", reason="no limit of file sizes on Windows")
@pytest.mark.parametrize("suffix", [".wav", ".flac"])
def test_a_disk_that_fills_while_pieces_are_written_is_an_os_error_and_leaves_nothing(
    tmp_path: Path, suffix: str
) -> None:
    command = [sys.executable, "-c", PIECES, str(tmp_path / f"a{suffix}"), "30000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not list(tmp_path.iterdir())
    assert done.stdout.strip() == "OSError" and not done.stderr


# --- streaming -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bits", [16, 24])
@given(st.lists(st.floats(-1.2, 1.2), max_size=60), st.sampled_from([8_000, 11_025, 44_100, 192_000]))
@settings(deadline=None, max_examples=30)
def test_a_streamed_wav_reads_back_as_the_same_samples(bits: int, values: list[float], rate: int) -> None:
    wave = np.array(values, np.float64)
    stream = files.wav_header(rate, len(wave), bits) + files.wav_bytes(wave, bits)
    assert len(stream) == 44 + len(wave) * bits // 8
    heard, heard_rate = soundfile.read(io.BytesIO(stream), dtype="int32")
    assert heard_rate == rate
    np.testing.assert_array_equal(heard >> (32 - bits), files.to_pcm(wave, bits))


def test_a_stream_in_chunks_holds_the_bytes_of_a_file(tmp_path: Path) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 1_000)
    files.write(tmp_path / "a.wav", wave, 16_000)
    chunks: Iterator[bytes] = (files.wav_bytes(part, 16) for part in np.split(wave, [1, 400, 999]))
    streamed = files.wav_header(16_000, 1_000, 16) + b"".join(chunks)
    assert (tmp_path / "a.wav").read_bytes() == streamed


def test_a_stream_beyond_four_gigabytes_says_its_length(tmp_path: Path) -> None:
    with (tmp_path / "a.wav").open("wb") as file:  # with a hole, which takes no room
        file.write(files.wav_header(48_000, 2**32, 16, "eight by"))
        file.truncate(file.tell() + 2**33)
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.format, info.frames) == ("RF64", 2**32)


@pytest.mark.parametrize("bits", [16, 24])
def test_a_stream_of_unknown_length_is_read_to_its_end(
    tmp_path: Path, bits: int, caplog: pytest.LogCaptureFixture
) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 1_001)
    header = files.wav_header(16_000, None, bits, files.SOFTWARE)
    at = header.index(b"data") + 4
    assert header[4:8] == header[at : at + 4] == b"\xff" * 4 and len(header) == at + 4
    (tmp_path / "a.wav").write_bytes(header + files.wav_bytes(wave, bits))
    heard, rate = soundfile.read(tmp_path / "a.wav", dtype="int32")
    assert rate == 16_000 and np.array_equal(heard >> (32 - bits), files.to_pcm(wave, bits))
    with caplog.at_level("WARNING", "wavenet"):
        assert np.abs(files.read(tmp_path / "a.wav", 16_000) - wave).max() < 2**-15
    assert caplog.records == []  # nothing is missing


@pytest.mark.parametrize("software", ["wavenet-audio", "eight by"])
def test_a_stream_says_what_made_it(software: str) -> None:
    wave = np.random.default_rng(0).uniform(-1, 1, 100)
    stream = files.wav_header(16_000, 100, 16, software) + files.wav_bytes(wave, 16)
    assert int.from_bytes(stream[4:8], "little") == len(stream) - 8
    with soundfile.SoundFile(io.BytesIO(stream)) as file:
        assert (file.software, file.samplerate, file.subtype) == (software, 16_000, "PCM_16")
        np.testing.assert_array_equal(file.read(dtype="int16"), files.to_pcm(wave, 16))


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_file_says_what_made_it_only_where_it_is_told(tmp_path: Path, name: str) -> None:
    wave, told = np.random.default_rng(0).uniform(-1, 1, 100), []
    for software in ("", files.SOFTWARE):
        files.write(tmp_path / name, wave, 16_000, software=software)
        with soundfile.SoundFile(tmp_path / name) as file:
            told.append(file.software.partition(" (")[0])
            np.testing.assert_array_equal(file.read(dtype="int16"), files.to_pcm(wave, 16))
    assert told == ["", "wavenet-audio"]
