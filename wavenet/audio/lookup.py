"""Finds the sound files of a folder by what a table calls them, however it spells them. Opens none."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from wavenet.audio.files import SUFFIXES
from wavenet.audio.layouts import bare
from wavenet.audio.walk import FORMATS

DRIVE = re.compile(r"[A-Za-z]:/")


def _composed(name: str) -> str:
    """Return a name with its accents composed: macOS keeps them apart (NFD), tables mostly do not (NFC).

    A name on disk that is no UTF-8 is read as a table in its encoding would be.
    """
    if name.isascii():
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        name = os.fsencode(name).decode("cp1252", "replace")
    return unicodedata.normalize("NFC", name)


class Lookup:
    """The sound files of a folder by their names from there, with forward slashes.

    Where a file lies is decided by its own folder when links are followed.

    Args:
        folder: absolute.
        sounds: files below it.
        outside: whether files outside the folder may be named.
    """

    def __init__(self, folder: Path, sounds: Iterable[Path], outside: bool = False) -> None:
        self.folder, self.outside = folder, outside
        self._reals: dict[str, str] = {}
        self._top, cut = self._real(""), len((folder / "_").as_posix()) - 1
        self.names, self._by_place = dict[str, Path](), dict[str, str]()
        for path in sounds:
            name = path.as_posix()[cut:]
            place, file = posixpath.split(name)
            real = self._real(place)
            if outside or real.startswith(self._top):
                self.names[name] = path
                self._by_place[_composed(real + file)] = name

    def _real(self, place: str) -> str:
        """Return a folder with links followed, with a slash at its end."""
        if place not in self._reals:
            try:
                real = os.path.realpath(self.folder / place)
            except ValueError:  # a zero byte: no folder has such a name
                real = str(self.folder / place)
            self._reals[place] = Path(real).as_posix().rstrip("/") + "/"
        return self._reals[place]

    def name(self, word: str) -> str | None:
        """Return a file's name from the folder, whether it is there or not; None where it may not be named.

        A file outside is called by its path from the folder or from the root, whichever is shorter.
        """
        if word in self.names:
            return word
        slashed = word.replace("\\", "/")
        place, file = posixpath.split(slashed)
        real = self._real(place) + file
        known = self._by_place.get(_composed(real))
        if known is not None:
            return known
        if real.startswith(self._top) and (os.name == "nt" or not DRIVE.match(slashed)):
            return real[len(self._top) :]
        if not self.outside:
            return None
        return real if os.name == "nt" else min(posixpath.relpath(real, self._top), real, key=len)

    def guess(self, word: str, taken: Collection[str] = (), anywhere: bool = False) -> str | None:
        """Return the only file that a row may mean, which names none that is there; None where none or several.

        The same path in another case, with another suffix or with none; the end of a path from elsewhere; a file of
        this name in another folder, `wavs` first (where the row names a folder, only if `anywhere`). Not one that is
        taken.
        """
        slashed = word.replace("\\", "/")
        parts = slashed.split("/")
        for first in range(len(parts)) if not parts[0] or DRIVE.match(slashed) else ():
            end = "/".join(parts[first:])
            if end in self.names:
                return None if end in taken else end
        path = PurePosixPath(slashed)
        stem = bare(path) if path.suffix.lower() in SUFFIXES | FORMATS else str(path)
        key = _composed(stem).casefold()
        last = key.rpartition("/")[2]
        paths, stems = self._by_stem
        found = paths.get(key, [])
        if not found and (anywhere or key == last):
            found = paths.get(f"wavs/{key}") or stems.get(last, [])
        found = [name for name in found if bare(PurePosixPath(name)).endswith(stem)] or found  # in this very case
        return found[0] if len(found) == 1 and found[0] not in taken else None

    @cached_property
    def _by_stem(self) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
        """Names by their paths without suffixes and by the last part of these, in any case."""
        paths, stems = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
        for name in self.names:
            key = _composed(os.path.splitext(name)[0]).casefold()  # noqa: PTH122  (see bare)
            paths[key].append(name)
            stems[key.rpartition("/")[2]].append(name)
        return paths, stems
