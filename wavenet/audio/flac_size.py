"""How small FLAC makes a sound: what a lossless coder that knows nothing of the training sound gets out of it."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from wavenet.outputs import Alphabet, Codes

SAMPLE_RATE = 16_000  # written in the header; the size does not depend on it
SMALLEST = 1.0  # of libsndfile's levels of compression, 0 to 1: `flac -8`
WIDTHS = (8, 16, 24)  # bits of PCM that FLAC can hold


class _Counted(io.RawIOBase):
    """A file that is only as long as what was written into it, and holds nothing."""

    def __init__(self) -> None:
        self.length = self._at = 0

    def seekable(self) -> bool:
        """Return True: the header is written anew at the end."""
        return True

    def writable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in bytes."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position, and return it."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self.length}[whence]
        return self._at

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Count some bytes."""
        self._at += len(data)
        self.length = max(self.length, self._at)
        return len(data)


class FlacSize:
    """The size of all codes of some sound, written block by block as one FLAC stream that nothing is kept of.

    The codes themselves are written, less the middle one, as PCM of 8 bits (16 above 256 codes, 24 above 65,536): of
    mu-law codes that is half of what their decoded samples of 16 bits take, which lie on few values, far apart where
    they are loud (LOG.md). With pre-emphasis they are those of the filtered sound, as what they are compared with is.

    Args:
        alphabet: of the codes.
    """

    def __init__(self, alphabet: Alphabet) -> None:
        self._middle = alphabet.size // 2
        bits = next(width for width in WIDTHS if alphabet.size <= 1 << width)
        self._shift = 32 - bits  # libsndfile takes the upper bits
        self._into, self._samples = _Counted(), 0
        subtype = "PCM_S8" if bits == 8 else f"PCM_{bits}"
        self._file = soundfile.SoundFile(
            self._into, "w", SAMPLE_RATE, 1, subtype, format="FLAC", compression_level=SMALLEST
        )

    def add(self, codes: Codes) -> None:
        """Write codes [n], which follow those before."""
        self._samples += len(codes)
        self._file.write((codes - self._middle).astype(np.int32) << self._shift)

    def bits_per_sample(self) -> float | None:
        """End the stream and return its size, header and all, by the number of samples; None where there are none."""
        self._file.close()
        return 8 * self._into.length / self._samples if self._samples else None
