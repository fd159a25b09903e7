"""Processes that hear where phones lie, one for each core; `decoder.py` is what runs in them."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import queue
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from wavenet.errors import InputError, SoundError
from wavenet.speech import decoder
from wavenet.speech.decoder import Found, Ways
from wavenet.text import to_json

MISSING = "speech is aligned with its text by pocketsphinx: pip install 'wavenet-audio[speech]'"
LEAST = 8  # recordings that are worth a process of their own

T = TypeVar("T")


class Listener:
    """A process that is asked about one recording after the other, and started anew should it end over one."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def find(self, words: Sequence[tuple[str, Ways]], pcm: bytes) -> Found:
        """Return the phones of words in 16-bit samples at 16 kHz, in frames of 10 ms (`Decoder.find`).

        Raises:
            SoundError: the recording does not say these words, or nothing can be said of it.
            InputError: pocketsphinx is not installed.
        """
        process = self._started()
        question = to_json({"words": words, "bytes": len(pcm)}).encode() + b"\n"
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write(question + pcm)
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:
            answer = b""
        if not answer.endswith(b"\n"):
            code = self.close()
            raise SoundError(f"pocketsphinx ended over it (exit {code})")
        found = json.loads(answer)
        if found is None:
            raise SoundError("its text was not found in it")
        return [(str(name), *map(int, rest)) for name, *rest in found]  # type: ignore[misc]

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            if importlib.util.find_spec("pocketsphinx") is None:
                raise InputError(MISSING)
            command = [sys.executable, "-P", str(decoder.__file__)]  # -P: its folder has no modules that it needs
            pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
            self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=nowhere)
        return self._process

    def interrupt(self) -> None:
        """End the process, whatever it is doing; `find` in another thread then raises."""
        if self._process is not None:
            self._process.kill()

    def close(self) -> int | None:
        """Wait for the process to end, which it does without questions, and return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None
        for stream in filter(None, (process.stdin, process.stdout)):
            with contextlib.suppress(OSError):  # nobody reads it any more
                stream.close()
        return process.wait()


def cores() -> int:
    """Return how many processes may work at once: the cores that this one may use, OMP_NUM_THREADS at most."""
    have = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    told = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, min(have, int(told))) if told.isdecimal() else have


def heard(ask: Callable[[Listener, int], T], indices: Sequence[int]) -> Iterator[T]:
    """Yield what `ask` returns for each of some recordings, in their order, as many at once as there are cores.

    Args:
        ask: is called in threads with a listener and one of the indices.
        indices: of the recordings.
    """
    count = max(1, min(cores(), len(indices) // LEAST))
    free: queue.SimpleQueue[Listener] = queue.SimpleQueue()
    listeners = [Listener() for _ in range(count)]
    for listener in listeners:
        free.put(listener)

    def one(index: int) -> T:
        listener = free.get()
        try:
            return ask(listener, index)
        finally:
            free.put(listener)

    try:
        with ThreadPoolExecutor(count) as pool:
            results = pool.map(one, indices)
            try:
                yield from results
            finally:  # also when an error or Ctrl-C ends it early
                results.close()  # type: ignore[attr-defined]  # a generator: what has not begun is given up
                for listener in listeners:
                    listener.interrupt()
    finally:
        for listener in listeners:
            listener.close()
