"""What a voice can continue from: a file, an array or a tensor -> mono sound at the voice's rate."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wavenet import disk
from wavenet.audio import files
from wavenet.audio.mixing import Mixer
from wavenet.errors import InputError
from wavenet.outputs import Floats
from wavenet.progress import log

if TYPE_CHECKING:
    from torch import Tensor

Prime: TypeAlias = "str | Path | NDArray[Any] | Tensor"

MOST_CHANNELS = 64
MOST_LEVEL = 16.0  # of floating-point sound, 24 dB beyond full scale: more are whole numbers stored as floats
MOST_BYTES = 256 << 20  # of a pipe


def mono(sound: Prime, sample_rate: int) -> Floats:
    """Return sound [T] float32 at `sample_rate`, full scale being 1.

    Args:
        sound: a path, of any rate (``~`` is the home folder); or an array or tensor at `sample_rate`: [T] or
            [T, channels] (mixed as those of files are), floating point in [-1, 1] or int16.
        sample_rate: in Hz.

    Raises:
        InputError: it is something else, cannot be read, or holds NaN, infinity or values far beyond full scale.
    """
    if isinstance(sound, str | Path):
        return files.read(disk.given_path(str(sound)), sample_rate)
    values = _array(sound)
    if values.dtype == np.int16:
        values = values / np.float32(32_768)
    if values.ndim in (1, 2) and 1 in values.shape:  # one channel, or one sound as `Sound.samples` has it, [1, T]
        values = values.reshape(-1)
    problem = _problem(values)
    if problem is not None:
        raise InputError(f"the prime {problem}")
    wave = values.astype(np.float32)
    if wave.ndim == 1 or not len(wave):
        return wave.reshape(-1)
    mixer = Mixer(sample_rate, wave.shape[1], floats=False)
    mixed, louder = mixer.mix(wave), mixer.louder()
    if louder is None:
        return mixed
    log.warning("the prime's %d channels cancel when mixed: channel %d is used alone", wave.shape[1], louder + 1)
    return wave[:, louder]


def _array(sound: Any) -> NDArray[Any]:
    """Return an array of what is one, or a torch tensor on any device."""
    try:
        if callable(getattr(sound, "detach", None)):
            sound = sound.detach().cpu()
            sound = (sound.float() if sound.is_floating_point() else sound).numpy()  # NumPy has no bfloat16
        values = np.asarray(sound)
    except (TypeError, ValueError, RuntimeError, NotImplementedError) as error:
        raise InputError(f"the prime cannot be read ({error!s:.100}); give a path, an array or a tensor") from None
    if values.dtype.kind not in "biufc":
        raise InputError(f"the prime is of type {type(sound).__name__}, expected a path, an array or a tensor")
    return values


def _problem(values: NDArray[Any]) -> str | None:
    """Return why an array is not sound, or None."""
    if not np.issubdtype(values.dtype, np.floating):
        return f"is {values.dtype}, expected int16, or floating point in [-1, 1]; convert it first"
    if values.ndim not in (1, 2):
        return f"has shape {list(values.shape)}, expected [samples] or [samples, channels]"
    finite = np.isfinite(values)
    if not finite.all():
        return f"holds NaN or infinity, at sample {int(np.argwhere(~finite)[0, 0]):,} first; give finite sound"
    peak = float(np.abs(values).max(initial=0.0))
    if peak > MOST_LEVEL:
        return (
            f"has values up to {peak:,.6g}, expected within [-1, 1]; divide 16-bit numbers by 32768, or give them as "
            "int16"
        )
    samples, channels = values.shape if values.ndim == 2 else (len(values), 1)
    if not channels:
        return f"has shape [{samples}, 0], expected at least one channel"
    if channels > samples > 0 and values.ndim == 2:
        return (
            f"has shape [{samples}, {channels}], which looks like channels before samples; transpose it to [samples, "
            "channels], or give one of several sounds"
        )
    if channels > MOST_CHANNELS:
        return f"has {channels} channels, expected at most {MOST_CHANNELS}: is it sound?"
    return None


def from_pipe(pipe: BinaryIO | None, sample_rate: int) -> Floats:
    """Return sound [T] float32 at `sample_rate` from a pipe that holds a sound file, read to its end.

    Raises:
        InputError: it is closed, a terminal, empty or too long, or cannot be read as sound.
    """
    if pipe is None or pipe.isatty():
        what = "is closed" if pipe is None else "is a terminal"
        raise InputError(f"--prime - reads a sound file from stdin, which {what}; pipe one in, or give its name")
    data = pipe.read(MOST_BYTES + 1)
    if not data:
        raise InputError("--prime - got nothing on stdin; pipe a sound file in, or give its name")
    if len(data) > MOST_BYTES:
        raise InputError(f"--prime - got more than {MOST_BYTES >> 20} MiB on stdin; cut the sound, or give a file")
    with tempfile.TemporaryDirectory() as folder:  # a pipe cannot be sought in, and formats are
        path = Path(folder) / "stdin"
        path.write_bytes(data)
        return files.read(path, sample_rate, "stdin")
