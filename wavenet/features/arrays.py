"""The track `array`: numbers of one's own, in NAME.npy beside NAME.wav. Nothing in such a file is ever executed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from wavenet.audio.cache import fingerprint
from wavenet.errors import SoundError
from wavenet.features import npy
from wavenet.features.framing import Wave
from wavenet.geometry import frame_count
from wavenet.outputs import Floats
from wavenet.progress import log
from wavenet.text import many, printable

MANY, ALIKE = 20, 0.7  # arrays, and the correlation of their spare frames with the length, that tell another hop
SPARE = 2  # frames more than a sound has that are let pass: some programs end with one that stands behind the sound


class Array:
    """Reads the frames that lie beside sounds.

    Args:
        files: the .npy file of each sound.
        lengths: of each sound, in samples, without the tail of silence behind it, of which its file knows nothing.
        width: values a frame.
        hop: samples between two frames.
    """

    name, kind = "array", np.dtype(np.float32)

    def __init__(self, files: Sequence[Path], lengths: Sequence[int], width: int, hop: int) -> None:
        self.files, self.lengths, self.width, self.hop = files, lengths, width, hop
        self._counts: list[tuple[int, int]] = []  # frames of each sound, and of its file, as they are read

    def identity(self) -> Any:
        """Return plain values that decide, with the sound, on the frames."""
        return [self.width, self.hop, [fingerprint(path) for path in self.files]]

    def frames(self, sound: int, wave: Wave) -> Iterator[Floats]:
        """Yield all frames of a sound, [F, width] float32; in its tail of silence the last one stays.

        Raises:
            SoundError: its file is missing or unreadable, or does not fit the sound.
        """
        path, count = self.files[sound], frame_count(wave.samples, self.hop)
        own = frame_count(self.lengths[sound], self.hop)
        found = npy.opened(path)
        npy.check_table(found, _named(path))
        if found.shape[1] != self.width:
            turned = "; it looks transposed" if len(found) == self.width else ""
            raise SoundError(
                f"{_named(path)} has {many(found.shape[1], 'value')} a frame, expected {self.width:,}, as "
                f"condition.tracks.array says{turned}; write [frames, values]"
            )
        if not own <= len(found) <= own + SPARE:
            raise SoundError(
                f"{_named(path)} has {many(len(found), 'frame')}, expected {own:,} for its sound, one for each "
                f"{many(self.hop, 'sample')}; write it with this hop (condition.hop_samples)"
            )
        self._counts.append((own, len(found)))
        known = found[:count].astype(np.float32)
        yield np.concatenate([known, np.repeat(known[-1:], count - len(known), axis=0)])

    def warn_of_another_hop(self) -> None:
        """Warn where files that were read have the more spare frames the longer their sounds are.

        Programs that end with a frame or two behind the sound have as many behind a long one as behind a short one.
        """
        if len(self._counts) < MANY:
            return
        own, found = np.array(self._counts, np.float64).T
        spare = found - own
        if not spare.any() or np.ptp(spare) == 0 or np.ptp(own) == 0 or np.corrcoef(own, spare)[0, 1] < ALIKE:
            return
        grows = float(np.cov(own, spare, bias=True)[0, 1] / own.var())
        log.warning(
            "the longer a sound, the more frames too many its array has (%s of %s have some), as if they were written "
            "with a hop of about %.4g samples in place of %s: write them with condition.hop_samples",
            *(f"{np.count_nonzero(spare):,}", many(len(spare), "array"), self.hop / (1 + grows), self.hop),
        )


def _named(path: Path) -> str:
    return printable(str(path))
