"""`wavenet data fetch NAME`: download, check, unpack beside the target, rename. What stops it leaves nothing half done.

A download that was stopped stays as NAME.part beside the target, and the same command goes on with it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from wavenet import disk
from wavenet.audio import files, layouts
from wavenet.datasets import catalogue, unpack
from wavenet.datasets.catalogue import DATASETS, DataSet, amount
from wavenet.datasets.transfer import Transfer
from wavenet.errors import FetchError, InputError, SoundError, Terminated
from wavenet.progress import Progress, log
from wavenet.recipe import find, read
from wavenet.text import many, printable, to_json

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
SPEAKERS = ("george", "jackson", "lucas", "nicolas", "theo", "yweweler")  # of FSDD 1.0.10
TAKES = 50


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
    if _already_there(name, target, force):
        log.info("%s is there already; --force fetches it anew", name)
        return target
    place = target.resolve()  # a link to a folder stays one, and what is written beside it is beside the folder
    part = place.with_name(f"{place.name}.part")
    transfer = Transfer(one.url, part, one.size, one.exact, one.sha256 is not None, one.begins)
    with _locked(transfer):
        if not force and catalogue.marked(target) == name:
            log.info("%s is there now: another process has just fetched it", name)
            return target
        log.info("%s: %s", name, one.title)
        log.info("%s from %s, licence: %s, into %s", one.words(), one.url, one.licence, target)
        if one.sha256 is None:
            log.info("its publisher gives no checksum; instead %s", CHECKS[name][0])
        try:
            _check_room(transfer)
            transfer.run()
            count = _unpack(name, one, transfer, place)
        except (KeyboardInterrupt, Terminated):
            log.error("%s; the same command goes on from there", transfer.kept())
            raise
        transfer.remove()
    log.info("%s: %s in %s", name, many(count, "file"), target)
    log.info("train on it with: %s", _next_command(name, target))
    return target


def _already_there(name: str, target: Path, force: bool) -> bool:
    """Return whether there is nothing to do; raise InputError where the target is not ours to replace."""
    if catalogue.marked(target) == name:
        return not force
    try:
        empty = target.is_dir() and not any(target.iterdir())
        there = target.exists() or target.is_symlink()
    except OSError as error:
        raise InputError(f"{target} cannot be looked into ({error.strerror}); name another with --to DIR") from None
    if empty and (os.path.ismount(target) or target.resolve() == Path.cwd()):  # neither can be replaced by a new folder
        raise InputError(f"{target} is in use as it is; name a folder in it that is to be made: --to {target / name}")
    if there and not empty:
        raise InputError(f"{target} exists and is not {name} as fetched by this program; name another with --to DIR")
    return False


@contextlib.contextmanager
def _locked(transfer: Transfer) -> Iterator[None]:
    """Hold the part for this process; an empty one is not left behind."""
    part = transfer.part
    try:
        part.with_name(f".{part.name}.unpacking.top").exists()  # the longest name beside it, which may be too long
        others = part.is_dir() or (transfer.have and not transfer.record.is_file())
        if not others:
            part.parent.mkdir(parents=True, exist_ok=True)
            lock = part.open("ab")
    except OSError as error:
        raise InputError(f"{part} cannot be written ({error.strerror}); name another folder with --to DIR") from None
    if others:
        raise InputError(f"{part} was not begun by this program; move it away, or name another folder with --to DIR")
    with lock:
        if os.name == "nt":
            lock.close()  # what is open cannot be removed there
        else:  # the lock ends with the process, however it ends
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"another process is fetching into {part}; wait for it") from None
            except OSError as error:  # some network file systems have no locks
                log.info("%s cannot be locked (%s); start no second fetch of it", part, error.strerror)
        try:
            yield
        finally:
            if not transfer.have:
                transfer.remove()


def _check_room(transfer: Transfer) -> None:
    """Refuse what cannot fit: sound is packed, so that what comes out is at least as large as its archive."""
    usage = shutil.disk_usage(transfer.part.parent)
    free = usage.free if usage.total else transfer.size * 2  # some file systems in user space tell nothing
    missing = 0 if transfer.whole else max(0, transfer.size - transfer.have)
    if missing + transfer.size > free:
        raise FetchError(
            f"{transfer.part.parent} has {amount(free)} free, {amount(missing)} are still to come and unpacking takes "
            f"at least {amount(transfer.size)} beside it; make room, or name another folder with --to DIR"
        )


def _unpack(name: str, one: DataSet, transfer: Transfer, target: Path) -> int:
    """Check the archive, unpack and check its content, put it in place, and return how many files there are."""
    fresh = _fresh(target)
    try:
        _sweep(fresh)
        if one.sha256 is not None:
            _check_sum(transfer.part, one.sha256)
        count = unpack.unpack(transfer.part, fresh, one.most_bytes, one.most_files)
        if one.sha256 is None:
            log.info("checked: %s", CHECKS[name][1](fresh))
        (fresh / catalogue.MARKER).write_text(
            to_json({"name": name, "title": one.title, "url": one.url, "sha256": one.sha256, "licence": one.licence})
        )
        _place(fresh, target)
        return count
    except (unpack.DamagedError, _WrongContentError) as error:
        if one.sha256 is not None and isinstance(error, unpack.DamagedError):  # fetched anew, it would be the same
            raise FetchError(
                f"{name}: {error}; its checksum is right, so it is kept in {transfer.part}: name a folder on another "
                "file system with --to DIR, or unpack it by other means and train with --data DIR"
            ) from None
        transfer.remove()
        raise FetchError(f"{name}: {error}; it was removed, run the same command to fetch it anew") from None
    except OSError as error:
        remedy = "make room" if error.errno in FULL else "mend that"
        where = f" at {printable(str(error.filename))}" if error.filename is not None else ""
        raise FetchError(
            f"{target} cannot be unpacked ({error.strerror or error}{where}); the archive is kept in {transfer.part}: "
            f"{remedy} and run the same command again to go on"
        ) from None
    finally:
        _sweep(fresh)


def _fresh(target: Path) -> Path:
    """Return where a data set is unpacked before it is put in place."""
    return target.with_name(f".{target.name}.unpacking")


def _sweep(fresh: Path) -> None:
    """Remove what is half unpacked, by this process or by one that was killed."""
    for left in (fresh, fresh.with_name(f"{fresh.name}.top")):
        shutil.rmtree(left, ignore_errors=True)


def _place(fresh: Path, target: Path) -> None:
    """Put a fetched folder where an older one, an empty one or nothing is."""
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)


def _next_command(name: str, target: Path) -> str:
    """Return a command that trains on a fetched folder."""
    if target == catalogue.data_folder() / name:
        for recipe in find.recipe_names():
            if read.load(find.find_recipe(recipe)).data.fetch == name:
                return f"wavenet train {recipe}"
    return f"wavenet train folder --data {target}"


# --- checks ----------------------------------------------------------------------------------------------------------


class _WrongContentError(Exception):
    """What came is not what was published."""


def _check_sum(path: Path, expected: str) -> None:
    digest = hashlib.sha256()
    with Progress("checking", max(1, path.stat().st_size // 10**6), "MB") as progress, path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            progress.advance(file.tell() // 10**6 - progress.done)
    if digest.hexdigest() != expected:
        raise _WrongContentError(f"the archive has the SHA-256 {digest.hexdigest()}, expected {expected}")
    log.info("checked: the archive has the SHA-256 that torchaudio gives")


def check_digits(folder: Path) -> str:
    """Return in words what was checked of the Free Spoken Digit Dataset, for which there is no checksum.

    Raises:
        _WrongContentError: a name is missing, one is too many, or a file is no sound.
    """
    expected = {f"{digit}_{who}_{take}.wav" for digit in range(10) for who in SPEAKERS for take in range(TAKES)}
    found = {path.name: path for path in folder.glob("recordings/*.wav")}
    if found.keys() != expected:
        wrong = sorted(expected - found.keys()) or sorted(found.keys() - expected)
        word = "missing" if expected - found.keys() else "unknown"
        raise _WrongContentError(
            f"the archive has {many(len(found), 'recording')}, expected {len(expected):,} named DIGIT_SPEAKER_TAKE; "
            f"{word}: {', '.join(wrong[:3])}"
        )
    with Progress("reading", len(found), "files") as progress:
        for name, path in sorted(found.items()):
            try:
                with files.Reader(path) as reader:
                    empty = not sum(len(block) for block in reader.blocks())
            except SoundError as error:
                raise _WrongContentError(f"the recording {name} cannot be read ({error})") from None
            if empty or layouts.fsdd_parts(name) is None:
                raise _WrongContentError(f"the recording {name} holds no sound")
            progress.advance(1)
    return f"{len(found):,} names of {len(SPEAKERS)} speakers x 10 digits x {TAKES} takes, and each is readable sound"


# for what has no checksum: what is said before, and what is done
CHECKS: dict[str, tuple[str, Callable[[Path], str]]] = {
    "digits": ("its 3,000 names are checked, and that each is readable sound", check_digits)
}
