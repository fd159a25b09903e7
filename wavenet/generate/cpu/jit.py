"""Compilation: once for each kind of machine, announced, and kept on disk where a folder can be written.

Of processes that want the same function at the same time the first compiles it, and the others wait for it.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from numba import config, njit, typeof
from numba.core import caching, event

from wavenet import disk
from wavenet.progress import Progress, log

Flags = bool | set[str]
PATIENCE_SECONDS = 300.0  # with a process that compiles; then one that stands still is passed by
FUNCTIONS = 45  # that the first entry has compiled, those of NumPy's among them (a test counts); later ones share most


def disabled() -> str | None:
    """Return why nothing is compiled, or None: then it is."""
    return "NUMBA_DISABLE_JIT is set, so nothing is compiled" if config.DISABLE_JIT else None


def compiled(fastmath: Flags = False, *, inlined: bool = False) -> Callable[[Callable[..., Any]], Any]:
    """Return a decorator for functions of compiled code: serial, without the GIL, dividing as NumPy does.

    Nothing is allocated in them, so that no references are counted: counting those of the arrays that one function
    hands to another took a fifth of the time of a step (LOG.md).

    Args:
        fastmath: liberties with floating-point arithmetic, by LLVM's names.
        inlined: compile it into its callers; worth it where handing arrays over costs as much as the work.
    """
    made: Callable[[Callable[..., Any]], Any] = njit(
        nogil=True, error_model="numpy", fastmath=fastmath, forceinline=inlined, _nrt=False
    )
    return made


class Entry:
    """A function that Python calls, compiled for one type of weights and kept on disk.

    Args:
        function: what to compile; all it calls is compiled into it.
        name: tells the types apart; each has a file of its own.
        announced: tell of compilation.
    """

    def __init__(self, function: Callable[..., Any], name: str, *, announced: bool = True) -> None:
        self.announced = announced
        self.call = compiled()(function)
        self.ready = False
        self._first = threading.Lock()
        self.kept: _Kept | None = None
        try:
            self.call._cache = self.kept = _Kept(function, name)
        except Exception as error:  # noqa: BLE001  (no folder to write, or another Numba inside: it works without)
            _warn_once(" ".join(str(error).partition(": ")[2].split()) or repr(error))

    def __call__(self, *arguments: Any) -> Any:
        """Run the function; of threads that call it first, one compiles it, or loads it, and the others wait."""
        with contextlib.nullcontext() if self.ready else self._first:
            if not self.ready:
                self._prepare(arguments)
        return self.call(*arguments)

    def _prepare(self, arguments: Any) -> None:
        """Compile the function for such arguments, or load it, and report a wait."""
        try:
            with _announced() if self.announced else contextlib.nullcontext():
                self.call.compile(tuple(typeof(argument) for argument in arguments))
        finally:
            if self.kept is not None:
                self.kept.leave()
        self.ready = True


class _Kept(caching.FunctionCache):  # type: ignore[misc]
    """Numba's cache on disk, renewed when any file of this folder changes (Numba looks at the function's file alone).

    A cache that cannot be read or written costs only time: a damaged one is compiled again, a full disk is a warning.
    """

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        super().__init__(function)
        self._cache_file = caching.IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=f"{self._impl.filename_base}-{name}",
            source_stamp=_digest(),
        )
        self.lock = Path(self._cache_path) / f"{self._impl.filename_base}-{name}.lock"
        self._held = contextlib.ExitStack()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the compiled function, or None where it is this process that has to compile it."""
        found = self._found(sig, target_context)
        if found is None and self._take():
            found = self._found(sig, target_context)  # another process may have been compiling it
        return found

    def _found(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception as error:  # noqa: BLE001  (a damaged file can raise anything)
            log.warning("the compiled sampler in %s cannot be read (%r): compiling it again", self._cache_path, error)
            with contextlib.suppress(OSError):
                self.flush()
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep a compiled function."""
        try:
            super().save_overload(sig, data)
        except Exception as error:  # noqa: BLE001  (a full disk, or whatever a damaged index raises)
            log.warning("the compiled sampler cannot be kept in %s (%s)", self._cache_path, error)

    def _take(self) -> bool:
        """Wait until no other process compiles the function, and say so; return whether the lock is held.

        Where it cannot be had, each process compiles for itself.
        """
        self.leave()
        for patience in (0.0, PATIENCE_SECONDS):
            try:
                return self._held.enter_context(disk.locked(self.lock, patience))
            except BlockingIOError:
                if not patience:
                    log.info("another process is compiling the sampler just now: waiting for it")
            except OSError:  # a folder that may only be read
                break
        return False

    def leave(self) -> None:
        """Let the next process compile."""
        self._held.close()


@functools.cache
def _warn_once(reason: str) -> None:
    """Say once, for all functions, why nothing can be kept."""
    log.warning(
        "the compiled sampler cannot be kept (%s), so every start compiles it; set NUMBA_CACHE_DIR to a folder that "
        "can be written",
        reason,
    )


@functools.cache
def _digest() -> str:
    """Return what changes when any source of the compiled code does."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


@contextlib.contextmanager
def _announced() -> Iterator[None]:
    """Report compilation, if there is any, and its progress."""
    listener = _Listener()
    with event.install_listener("numba:compile", listener):
        try:
            yield
        finally:
            listener.close()


class _Listener(event.Listener):  # type: ignore[misc]
    """Counts compiled functions on a progress bar."""

    def __init__(self) -> None:
        self.progress: Progress | None = None
        self.began = 0.0

    def on_start(self, event: Any) -> None:
        """Announce the first function that is compiled."""
        if self.progress is None:
            log.info("compiling the sampler for this processor: up to half a minute; later runs reuse it")
            self.began = time.monotonic()
            self.progress = Progress("compiling", FUNCTIONS, "functions").__enter__()

    def on_end(self, event: Any) -> None:
        """Count a function that is done."""
        if self.progress is not None and self.progress.done < self.progress.total:
            self.progress.advance(1)

    def close(self) -> None:
        """End the bar."""
        if self.progress is not None:
            self.progress.__exit__(None, None, None)
            log.info("compiled in %.1f s", time.monotonic() - self.began)
