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


def _stem(word: str) -> str:
    """Return a path as a table writes it, without `./` and without a suffix that sound has."""
    path = PurePosixPath(word)
    return bare(path) if path.suffix.lower() in SUFFIXES or path.suffix.lower() in FORMATS else str(path)


class Lookup:
    """The sound files of a folder by their names from there, with forward slashes.

    Args:
        folder: absolute.
        sounds: the files, below it.
        outside: whether files outside the folder may be named, and links lead there.
    """

    def __init__(self, folder: Path, sounds: Iterable[Path], outside: bool = False) -> None:
        self.folder, self.outside = folder, outside
        cut = len((folder / "_").as_posix()) - 1
        self.names = {path.as_posix()[cut:]: path for path in sounds}
        self._reals: dict[str, str] = {}

    def name(self, word: str) -> str | None:
        """Return a file's name from the folder, whether it is there or not; None where it may not be named.

        Blanks are the caller's. Where a file lies is decided by its own folder when links are followed. A file outside
        is called by its path from the folder or from the root, whichever is shorter.
        """
        if word in self.names and self._is_allowed(word):
            return word
        slashed = word.replace("\\", "/")
        place, file = posixpath.split(slashed)
        real = self._real(place) + file
        known = self._by_place.get(_composed(real))
        if known is not None and self._is_allowed(known):
            return known
        if real.startswith(self._top) and (os.name == "nt" or not DRIVE.match(slashed)):
            return real[len(self._top) :]
        if not self.outside:
            return None
        return real if os.name == "nt" else min(posixpath.relpath(real, self._top), real, key=len)

    def _is_allowed(self, name: str) -> bool:
        return self.outside or self._real(posixpath.dirname(name)).startswith(self._top)

    @cached_property
    def _top(self) -> str:
        return self._real("")

    @cached_property
    def _by_place(self) -> dict[str, str]:
        """Every file's name, by its folder with links followed and its own name."""
        parts = ((name, *posixpath.split(name)) for name in self.names)
        return {_composed(self._real(place) + file): name for name, place, file in parts}

    def _real(self, place: str) -> str:
        """Return a folder with links followed, with a slash at its end."""
        if place not in self._reals:
            try:
                real = os.path.realpath(self.folder / place)
            except ValueError:  # a zero byte: no folder has such a name
                real = str(self.folder / place)
            self._reals[place] = Path(real).as_posix().rstrip("/") + "/"
        return self._reals[place]

    # --- by something like its name ----------------------------------------------------------------------------------

    def guess(self, word: str, taken: Collection[str]) -> str | None:
        """Return the only file that a row may mean, which names none that is there; None where none or several.

        The same path in another case or with another suffix, or with none; the end of a path from elsewhere; a file
        of this name in another folder, where the row names no folder.

        Args:
            word: what the row says.
            taken: names that other rows have said exactly.
        """
        slashed = word.replace("\\", "/")
        parts = slashed.split("/")
        if slashed.startswith("/") or DRIVE.match(slashed):
            ends = ("/".join(parts[first:]) for first in range(len(parts)))
            found = [end for end in ends if end in self.names][:1]
        else:
            found = []
        name = _composed(_stem(slashed)).casefold()
        found = found or self._paths.get(name) or ([] if "/" in name else self._stems.get(name, []))
        return found[0] if len(found) == 1 and found[0] not in taken else None

    def named(self, word: str) -> list[str]:
        """Return the files that an id may mean: by its path, in LJSpeech's folder, else by its stem, in any case."""
        stem = _stem(word.replace("\\", "/"))
        name = _composed(stem).casefold()
        last = name.rpartition("/")[2]
        found = self._paths.get(name) or self._paths.get(f"wavs/{name}") or self._stems.get(last, [])
        exact = [one for one in found if bare(PurePosixPath(one)).endswith(stem)] if len(found) > 1 else found
        return exact or found

    @cached_property
    def _paths(self) -> dict[str, list[str]]:
        """Names by their paths without suffixes, in any case."""
        found = defaultdict[str, list[str]](list)
        for name in self.names:
            found[_composed(os.path.splitext(name)[0]).casefold()].append(name)  # noqa: PTH122  (see bare)
        return found

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        """Names by the last part of their paths without suffixes, in any case."""
        found = defaultdict[str, list[str]](list)
        for path, names in self._paths.items():
            found[path.rpartition("/")[2]] += names
        return found
