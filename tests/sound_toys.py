"""Sound files of every kind and every kind of damage, made here, and a plain way to decode them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from wavenet.audio import decode, files, resample
from wavenet.audio.decode import FULL, Entry
from wavenet.audio.folders import Clip
from wavenet.recipe.records import TrimConfig

RATE = 8_000
SUFFIX = {"RF64": ".rf64", "W64": ".w64", "FLAC": ".flac", "OGG": ".ogg", "MP3": ".mp3", "AIFF": ".aiff"} | {
    **{"CAF": ".caf", "AU": ".au", "NIST": ".sph", "VOC": ".voc", "WVE": ".wve", "WAV": ".wav", "WAVEX": ".wav"}
}


def codes(samples: int, seed: int = 0, level: int = 20_000) -> np.ndarray:
    return np.random.default_rng(seed).integers(-level, level + 1, samples).astype(np.int16)


def clip(path: Path) -> Clip:
    return Clip(path, path.name)


def decoded(one: Clip, rate: int | None = None, trim: TrimConfig | None = None) -> tuple[Entry, np.ndarray]:
    """Return what a file holds, and its samples, as they are written behind others."""
    held = io.BytesIO(b"before")
    held.seek(0, io.SEEK_END)
    entry = decode.decode(one, rate, trim, held)
    assert held.getvalue()[:6] == b"before" and held.tell() == len(held.getvalue())
    return entry, np.frombuffer(held.getvalue()[6:], np.int16)


def whole(one: Clip, rate: int | None = None, trim: TrimConfig | None = None) -> tuple[Entry, np.ndarray]:
    """Return the same, computed on the whole file at once, in the plainest words. The digest is left out."""
    with files.Reader(one.path) as reader:
        own, channels = reader.sample_rate, reader.channels
        wave = np.concatenate(list(resample.resampled(reader.blocks(), own, rate or own)))
        mixer = reader.mixer
    rate = rate or own
    peak = float(np.abs(wave).max())
    scale = 2.0 ** max(0, int(np.ceil(np.log2(peak))))
    pcm = np.clip(np.rint(wave.astype(np.float64) / scale * FULL), -FULL, FULL - 1).astype(np.int16)
    wide = pcm.astype(np.float32)
    frame = round(0.010 * rate)
    loudness = np.sqrt(np.add.reduceat(wide**2, np.arange(0, len(wide), frame)) / frame)
    first, last = 0, len(pcm)
    if trim is not None:
        loud = np.flatnonzero(loudness >= loudness.max() * 10 ** (-trim.below_db / 20))
        margin = round(trim.margin_seconds * rate)
        first, last = max(0, int(loud[0]) * frame - margin), min(len(pcm), (int(loud[-1]) + 1) * frame + margin)
    kept = wide[first:last]
    entry = Entry(
        one.name,
        length=last - first,
        source_rate=own,
        channels=channels,
        seconds=len(pcm) / rate,
        peak=float(np.abs(kept).max()) / FULL * scale,
        rms=float(np.sqrt(np.mean(kept.astype(np.float64) ** 2))) / FULL * scale,
        clipped=float((np.rint(np.abs(wave.astype(np.float64)) * FULL) >= FULL - 1).mean()),
        overshoot=int((np.abs(wave) > 1.0).sum()),
        scale=scale,
        silence=float((loudness * scale < 10 ** (-60 / 20) * FULL).mean()),
        trimmed=len(pcm) - (last - first),
        note="; ".join(mixer.notes()),
    )
    return entry, pcm[first:last]


def make_bad(folder: Path) -> dict[str, str]:
    """Write bad files of all kinds; return a word of the reason why each is dropped."""
    folder.mkdir(parents=True, exist_ok=True)
    soundfile.write(folder / "whole.wav", codes(500), RATE)
    sound = (folder / "whole.wav").read_bytes()
    soundfile.write(folder / "whole.flac", codes(4_000), RATE)
    flac = (folder / "whole.flac").read_bytes()
    contents = {
        "empty.wav": (b"", "empty"),
        "text.wav": (b"these are words\n" * 9, ""),
        "text.flac": (b"these are words\n" * 9, ""),
        "text.mp3": (b"these are words\n" * 9, ""),
        "text.ogg": (b"these are words\n" * 9, ""),
        "zeros.wav": (bytes(999), ""),
        "pointer.flac": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS"),
        "half_header.wav": (sound[:30], ""),
        "header.wav": (sound[:44], "no samples"),
        "head.flac": (flac[:50], ""),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    soundfile.write(folder / "no_frames.wav", np.zeros(0), RATE)
    soundfile.write(folder / "silence.wav", np.zeros(800), RATE)
    soundfile.write(folder / "nan.wav", np.full(800, np.nan), RATE, subtype="FLOAT")
    (folder / "nowhere.wav").symlink_to(folder / "gone.wav")
    (folder / "itself.wav").symlink_to(folder / "itself.wav")
    (folder / "whole.flac").unlink()
    (folder / "whole.wav").unlink()
    reasons = {name: word for name, (_, word) in contents.items()}
    silent = {"no_frames.wav": "no samples", "silence.wav": "digital silence", "nan.wav": "no usable values"}
    return reasons | silent | {"nowhere.wav": "missing", "itself.wav": "missing"}


def most_memory() -> int:
    """Return the most bytes that this process has held so far, and not, as `resource` has it, what began it."""
    status = Path("/proc/self/status")
    if status.exists():
        return 1_024 * int(status.read_text().partition("VmHWM:")[2].split()[0])
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


# --- every format ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """One way to write sound: libsndfile's format and subtype, channels, and a rate in Hz."""

    format: str
    subtype: str
    channels: int
    rate: int

    def __str__(self) -> str:
        return f"{self.format}-{self.subtype}-{self.channels}ch-{self.rate}Hz"


RATES = (8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000, 192_000)


def kinds() -> list[Kind]:
    """Return every format and subtype that this libsndfile offers under a suffix of ours, with 1, 2 and 8 channels."""
    return [
        Kind(
            format, subtype, channels, 48_000 if "MPEG" in subtype or subtype == "OPUS" else RATES[(at + channels) % 9]
        )
        for format in SUFFIX
        for at, subtype in enumerate(soundfile.available_subtypes(format))
        for channels in (1, 2, 8)
    ]


def toy(rate: int, channels: int = 1, seconds: float = 0.25) -> np.ndarray:
    """Return a tone that fades in and out, [T, channels], each channel a little quieter than the one before."""
    t = np.arange(round(seconds * rate)) / rate
    one = 0.6 * np.sin(2 * np.pi * 440 * t) * np.sin(np.pi * t / seconds)
    return np.stack([one * 0.95**channel for channel in range(channels)], axis=1)


def written(kind: Kind, seconds: float = 0.25) -> bytes | None:
    """Return a file of this kind, or None where libsndfile cannot write it."""
    held = io.BytesIO()
    sound = toy(kind.rate, kind.channels, seconds)
    try:
        soundfile.write(held, sound, kind.rate, subtype=kind.subtype, format=kind.format)
    except (soundfile.SoundFileError, ValueError, OSError):
        return None
    return held.getvalue()


def sphere(pcm: np.ndarray, rate: int, coding: str = "pcm", promised: int | None = None) -> bytes:
    """Return a NIST SPHERE file of 16-bit samples [T, channels], as its standard describes it."""
    head = "\n".join(
        [
            "NIST_1A",
            "   1024",
            f"channel_count -i {pcm.shape[1]}",
            f"sample_rate -i {rate}",
            f"sample_count -i {len(pcm) if promised is None else promised}",
            "sample_n_bytes -i 2",
            "sample_byte_format -s2 01",
            "sample_sig_bits -i 16",
            f"sample_coding -s{len(coding)} {coding}",
            "end_head",
        ]
    )
    return (head + "\n").encode().ljust(1024, b" ") + pcm.astype("<i2").tobytes()


# --- damage ----------------------------------------------------------------------------------------------------------

Mutation = Callable[[bytearray, np.random.Generator], bytearray]
EDGES = (0, 1, 2, 255, 65_535, 2**31 - 1, 2**31, 2**32 - 1)


def _flips(content: bytearray, rng: np.random.Generator) -> bytearray:
    for at in rng.integers(0, len(content), rng.integers(1, 30)):
        content[at] = rng.integers(256)
    return content


def _flips_in_front(content: bytearray, rng: np.random.Generator) -> bytearray:
    for at in rng.integers(0, min(100, len(content)), rng.integers(1, 6)):
        content[at] = rng.integers(256)
    return content


def _cut(content: bytearray, rng: np.random.Generator) -> bytearray:
    return content[: rng.integers(0, len(content))]


def _field(content: bytearray, rng: np.random.Generator) -> bytearray:
    """Put a number from the edge of what fits where a header has one: channels, rate, block, sizes."""
    width, order = int(rng.choice([2, 4, 8])), ("little", "big")[rng.integers(2)]
    at = 2 * rng.integers(0, max(1, min(128, len(content) - 8) // 2))
    value = EDGES[rng.integers(len(EDGES))] % 256**width
    content[at : at + width] = value.to_bytes(width, order)
    return content


def _wav_field(content: bytearray, rng: np.random.Generator) -> bytearray:
    """Do the same to one of the named fields of a WAV (other formats: to four bytes at the same place)."""
    at, width = ((20, 2), (22, 2), (24, 4), (28, 4), (32, 2), (34, 2), (4, 4), (16, 4), (40, 4))[rng.integers(9)]
    content[at : at + width] = (EDGES[rng.integers(len(EDGES))] % 256**width).to_bytes(width, "little")
    return content


def _insert(content: bytearray, rng: np.random.Generator) -> bytearray:
    at = rng.integers(0, len(content))
    content[at:at] = rng.bytes(rng.integers(1, 200))
    return content


def _remove(content: bytearray, rng: np.random.Generator) -> bytearray:
    at = rng.integers(0, len(content))
    del content[at : at + rng.integers(1, 200)]
    return content


MUTATIONS: tuple[Mutation, ...] = (_flips, _flips_in_front, _cut, _field, _wav_field, _insert, _remove)


def seeds() -> list[tuple[str, bytes]]:
    """Return small whole files (suffix, content): every format and subtype in one channel, the first of each in two."""
    made = []
    for format, suffix in SUFFIX.items():
        for at, subtype in enumerate(sorted(soundfile.available_subtypes(format))):
            rate = 48_000 if subtype == "OPUS" else RATE
            content = written(Kind(format, subtype, 2 if at == 0 else 1, rate), 0.1)
            content = content or written(Kind(format, subtype, 1, rate), 0.1)
            if content:
                made.append((suffix, content))
    return [*made, (".sph", sphere(codes(400)[:, None], RATE))]


def mutated(number: int, known: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    """Return damaged file `number` (suffix, content): always the same for the same number."""
    rng = np.random.default_rng(number)
    suffix, content = known[number % len(known)]
    broken = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if len(broken) > 16:
            broken = MUTATIONS[rng.integers(len(MUTATIONS))](broken, rng)
    if number % 8 == 7:  # the head of one format, the tail of another
        other = known[rng.integers(len(known))][1]
        broken = broken[: rng.integers(0, len(broken) + 1)] + other[rng.integers(0, len(other)) :]
    return suffix, bytes(broken)
