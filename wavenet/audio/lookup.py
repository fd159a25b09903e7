"""Finds the sound files of a folder by what a table calls them, however it spells them. Opens none."""

from __future__ import annotations

import os
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from wavenet.audio.files import SUFFIXES
from wavenet.audio.layouts import bare
from wavenet.audio.unread import FORMATS

SOUND = SUFFIXES | FORMATS
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


def _loose(name: str) -> str:
    return _composed(name).casefold()


class Lookup:
    """The sound files of a folder by their names from there, with forward slashes.

    Args:
        folder: absolute.
        sounds: the files, below it.
        outside: whether a link may lead out of the folder.
    """

    def __init__(self, folder: Path, sounds: Iterable[Path], outside: bool = False) -> None:
        self.folder, self.outside = folder, outside
        self._cut = len((folder / "_").as_posix()) - 1
        self.names = {path.as_posix()[self._cut :]: path for path in sounds}
        self._reals: dict[str, str] = {}

    def name(self, word: str) -> str | None:
        """Return a file's name from the folder, whether it is there or not; None where it would lie outside.

        Blanks are the caller's. What decides is where the file's own folder lies when links are followed.
        """
        if word in self.names and self._is_mine(word):
            return word
        slashed = word.replace("\\", "/")
        if os.name != "nt" and DRIVE.match(slashed):
            return None
        place, file = posixpath.split(slashed)
        real = self._real(place) + file
        known = self._by_place.get(_composed(real))
        if known is not None and self._is_mine(known):
            return known
        return real[len(self._top) :] if real.startswith(self._top) else None

    def elsewhere(self, word: str) -> str:
        """Return how a file outside the folder is called: from it or from the root, whichever is shorter."""
        place, file = posixpath.split(word.replace("\\", "/"))
        real = self._real(place) + file
        return real if os.name == "nt" else min(posixpath.relpath(real, self._top), real, key=len)

    def _is_mine(self, name: str) -> bool:
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
        real = self._reals.get(place)
        if real is None:
            try:
                real = os.path.realpath(self.folder / place)
            except ValueError:  # a zero byte: no folder has such a name
                real = str(self.folder / place)
            real = self._reals[place] = Path(real).as_posix().rstrip("/") + "/"
        return real

    # --- by something like its name ----------------------------------------------------------------------------------

    def guess(self, word: str, taken: Collection[str]) -> str | None:
        """Return the only file that a row may mean, which names none that is there; None where none or several.

        The same path in another case or with another suffix, or with none; the end of a path from elsewhere; a file
        of this name in another folder, where the row names no folder.

        Args:
            word: what the row says.
            taken: names that other rows have said exactly.
        """
        parts = word.replace("\\", "/").split("/")
        for first in range(len(parts)) if not parts[0] or DRIVE.match(f"{parts[0]}/") else ():
            end = "/".join(parts[first:])
            if end in self.names:
                return None if end in taken else end
        name = _loose(_without_suffix("/".join(parts)))
        found = self._alike.paths.get(name) or ([] if "/" in name else self._alike.stems.get(name, []))
        only = found[0].as_posix()[self._cut :] if len(found) == 1 else None
        return None if only in taken else only

    def named(self, word: str) -> list[Path]:
        """Return the files that an id may mean: by its path, in LJSpeech's folder, else by its stem."""
        name = _without_suffix(word)
        return self._exact.meant(name) or self._alike.meant(_loose(name.replace("\\", "/")))

    @cached_property
    def _exact(self) -> _Index:
        return _Index(self.names, str)

    @cached_property
    def _alike(self) -> _Index:
        return _Index(self.names, _loose)


class _Index:
    """Files by their paths and by their stems, without suffixes, both spelled in one way."""

    def __init__(self, names: dict[str, Path], spelled: Callable[[str], str]) -> None:
        self.paths, self.stems = defaultdict[str, list[Path]](list), defaultdict[str, list[Path]](list)
        for name, path in names.items():
            key = spelled(os.path.splitext(name)[0])  # noqa: PTH122  (see bare)
            self.paths[key].append(path)
            self.stems[key.rpartition("/")[2]].append(path)

    def meant(self, name: str) -> list[Path]:
        """Return the files of a path, of one in LJSpeech's folder, or else of its stem."""
        return self.paths.get(name) or self.paths.get(f"wavs/{name}") or self.stems.get(name.rpartition("/")[2], [])


def _without_suffix(word: str) -> str:
    """Return a path as a table writes it, without `./` and without a suffix that sound has."""
    path = PurePosixPath(word)
    return bare(path) if path.suffix.lower() in SOUND else str(path)
