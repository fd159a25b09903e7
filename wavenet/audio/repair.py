"""Sound files that libsndfile cannot follow to their end, seen by it through another header; the file stays as it is.

A program that is killed never fills in how much sound a WAV holds, others leave out the byte that pads an odd chunk,
and an MP3 without a count of its frames is taken for as long as its first frame suggests.
"""

from __future__ import annotations

import os
from pathlib import Path

from wavenet.audio.headers import Wav, wav_head

LONGER = 64  # bit rates of MP3 are at most 40 times apart


class Patched:
    """A sound file for soundfile to read: a WAV behind a new header, or an MP3 that seems LONGER times as long.

    Args:
        path: the file.
        wav: where its sound lies; None for an MP3.

    Attributes:
        error: what the disk answered; libsndfile, which calls `read`, cannot pass it on.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, wav: Wav | None = None) -> None:
        self.error: OSError | None = None
        self._file = path.open("rb", buffering=0)
        self._head, self._begin, self._at = b"", 0, 0
        self._end = os.fstat(self._file.fileno()).st_size
        self._length = LONGER * self._end
        if wav is not None:
            self._head = wav_head(wav.description, wav.size)
            self._begin, self._end = wav.begin, wav.begin + wav.size
            self._length = len(self._head) + wav.size

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Return where the file stands now."""
        self._at = max(0, offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence])
        return self._at

    def tell(self) -> int:
        """Return where the file stands."""
        return self._at

    def read(self, count: int) -> bytes:
        """Return the next bytes; behind the end of an MP3 are zeros, since tags are looked for there."""
        head = self._head[self._at : self._at + count]
        place = self._begin + max(0, self._at - len(self._head))
        try:
            self._file.seek(place)
            body = self._file.read(max(0, min(count - len(head), self._end - place)))
        except OSError as error:
            self.error, body = error, b""
        if place > self._end:
            body = bytes(max(0, min(count, self._length - self._at)))
        self._at += len(head) + len(body)
        return head + body
