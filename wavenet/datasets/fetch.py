"""`wavenet data fetch NAME`: download, check, unpack, put in place. What stops it leaves nothing half done.

All that is unfinished lies in one folder beside the target, NAME.part; the same command goes on with what is in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from wavenet import disk
from wavenet.datasets import catalogue
from wavenet.datasets.catalogue import DATASETS, DataSet, amount
from wavenet.datasets.transfer import Transfer
from wavenet.datasets.unpack import DamagedError, unpack
from wavenet.errors import FetchError, InputError, Terminated
from wavenet.progress import Progress, log
from wavenet.text import many, printable

SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")  # of FSDD 1.0.10
TAKES = 50
UNPACKED, REPLACED = ".unpacked", ".replaced"  # the new data set and the older one, until the new is in its place
HEADER_BYTES = 44  # of a WAV file without sound


def fetch(name: str, to: str | Path | None = None, force: bool = False) -> Path:
    """Download a data set, check it, unpack it, and return its folder.

    Args:
        name: one of `wavenet.datasets.catalogue.DATASETS`.
        to: the folder to make; None takes NAME in ``$WAVENET_DATA``, else in this user's data folder, where a recipe
            that was made for this data finds it.
        force: fetch anew what was fetched before.

    Raises:
        InputError: there is no such data set, or the folder is something else.
        FetchError: the download or its checks failed; what can be gone on with is kept.
        KeyboardInterrupt: Ctrl-C; what came is kept.
        Terminated: SIGTERM; what came is kept.
    """
    name = catalogue.known_name(name)
    one = DATASETS[name]
    target = catalogue.data_folder() / name if to is None else disk.user_path(str(to)).absolute()
    if _is_there(name, target, force):
        return target
    place = target.resolve()  # a link to a folder stays one, and what is written beside it is beside the folder
    work = place.with_name(f"{place.name}.part")
    transfer = Transfer(one.url, work / "archive", one.size, one.sha256 is not None, one.begins)
    with _held(work, place, transfer):
        if _is_there(name, target, force):  # another process has just fetched it
            return target
        log.info("%s: %s", name, one.title)
        log.info("%s from %s, licence: %s, into %s", one.words(), one.url, one.licence, target)
        if one.sha256 is None:
            log.info("its publisher gives no checksum; the names and headers of its recordings are checked instead")
        try:
            _check_room(transfer)
            transfer.run(name)
            count = _unpack(name, one, transfer, place)
        except (KeyboardInterrupt, Terminated):
            log.error("%s", transfer.kept())
            raise
        transfer.part.unlink()
    log.info("%s: %s in %s", name, many(count, "file"), target)
    by_name = one.recipe is not None and target == catalogue.data_folder() / name
    log.info("train on it with: wavenet train %s", one.recipe if by_name else f"folder --data {target}")
    return target


def _is_there(name: str, target: Path, force: bool) -> bool:
    """Return whether there is nothing to do; raise InputError where the target is not ours to replace."""
    if catalogue.holds(target, name):
        if not force:
            log.info("%s is already there; --force fetches it again", name)
        return not force
    try:
        empty = target.is_dir() and not any(target.iterdir())
        there = target.exists() or target.is_symlink()
    except OSError as error:
        raise InputError(f"{target} cannot be read ({error.strerror}); name another with --to DIR") from None
    if empty and (os.path.ismount(target) or target.resolve() == Path.cwd()):  # neither can be replaced by a new folder
        raise InputError(f"{target} is in use and cannot be replaced; name a new folder in it: --to {target / name}")
    if there and not empty:
        raise InputError(f"{target} exists and was not fetched as {name}; name another with --to DIR")
    return False


@contextlib.contextmanager
def _held(work: Path, place: Path, transfer: Transfer) -> Iterator[None]:
    """Keep other processes out of the folder of what is unfinished; it is removed where nothing in it is of use."""
    with contextlib.ExitStack() as stack:
        try:
            work.mkdir(parents=True, exist_ok=True)
            if not stack.enter_context(disk.locked(work / ".lock")):
                log.info("%s cannot be locked: do not start a second fetch of it", work)
        except BlockingIOError:
            raise InputError(f"another process is fetching into {work}; wait for it") from None
        except OSError as error:
            raise InputError(f"{work} cannot be written ({error.strerror}); name another with --to DIR") from None
        _sweep(work, place)
        try:
            yield
        finally:
            _sweep(work, place)
            if not transfer.have:
                with contextlib.suppress(OSError):
                    transfer.part.unlink(missing_ok=True)
                    (work / ".lock").unlink(missing_ok=True)
                    work.rmdir()


def _sweep(work: Path, place: Path) -> None:
    """Remove what is half unpacked, by us or by a killed process; an older data set goes back to its place."""
    with contextlib.suppress(OSError):
        if not place.exists():
            (work / REPLACED).rename(place)
    for left in (UNPACKED, REPLACED):
        shutil.rmtree(work / left, ignore_errors=True)


def _check_room(transfer: Transfer) -> None:
    """Refuse what cannot fit: sound is packed, so that what comes out is at least as large as its archive."""
    folder = transfer.part.parent
    usage = shutil.disk_usage(folder)
    if usage.total and transfer.missing + transfer.size > usage.free:  # some file systems in user space tell nothing
        raise FetchError(
            f"{folder} has {amount(usage.free)} free, {amount(transfer.missing)} are still to come "
            f"and unpacking takes at least {amount(transfer.size)} more; make room, or name another with --to DIR"
        )


def _unpack(name: str, one: DataSet, transfer: Transfer, target: Path) -> int:
    """Check the archive, unpack and check its content, put it in place, and return how many files there are."""
    unpacked = transfer.part.parent / UNPACKED
    if one.sha256 is not None:
        _check_sum(name, transfer, one.sha256)
    try:
        count = unpack(transfer.part, unpacked, one.most_bytes)
        if one.sha256 is None:
            log.info("checked: %s", check_digits(unpacked))
        catalogue.mark(unpacked, name)
        if target.exists():
            target.rename(transfer.part.parent / REPLACED)
        unpacked.rename(target)
        return count
    except DamagedError as error:
        if one.sha256 is None:
            raise FetchError(f"{name}: {error}; it was removed, run the same command to download it again") from None
        raise FetchError(  # fetched anew, it would be the same
            f"{name}: {error}; its checksum is right, so it is kept in {transfer.part}: unpack it by other means and "
            "train with --data DIR"
        ) from None
    except OSError as error:
        where = f" at {printable(str(error.filename))}" if error.filename is not None else ""
        raise FetchError(f"{target} cannot be written ({error.strerror or error}{where}); {transfer.kept()}") from None


def _check_sum(name: str, transfer: Transfer, expected: str) -> None:
    digest = hashlib.sha256()
    with Progress("checking", max(1, transfer.size // 10**6), "MB") as progress, transfer.part.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            progress.reach(file.tell() // 10**6)
    if digest.hexdigest() != expected:
        transfer.part.unlink()
        raise FetchError(
            f"{name}: the archive has the SHA-256 {digest.hexdigest()}, expected {expected}; it was removed, run the "
            "same command to download it again"
        )
    log.info("checked: the archive has the SHA-256 that torchaudio gives")


def check_digits(folder: Path) -> str:
    """Return in words what was checked of the Free Spoken Digit Dataset, for which there is no checksum.

    Raises:
        DamagedError: a name is missing, one is too many, or a file is not a WAV file with sound in it.
    """
    expected = {f"{digit}_{who}_{take}.wav" for digit in range(10) for who in SPEAKERS for take in range(TAKES)}
    found = {path.name: path for path in folder.glob("recordings/*.wav")}
    for word, names in (("missing", expected - found.keys()), ("unknown", found.keys() - expected)):
        if names:
            raise DamagedError(
                f"the archive has {many(len(found), 'recording')}, expected {len(expected):,} named "
                f"DIGIT_SPEAKER_TAKE; {word}: {', '.join(sorted(names)[:3])}"
            )
    for name, path in sorted(found.items()):
        with path.open("rb") as file:
            head = file.read(12)
        if path.stat().st_size <= HEADER_BYTES or not re.match(rb"RIFF....WAVE", head, re.DOTALL):
            raise DamagedError(f"the recording {name} is not a WAV file with sound in it")
    return f"{len(found):,} names of {len(SPEAKERS)} speakers x 10 digits x {TAKES} takes, and each is a WAV file"
