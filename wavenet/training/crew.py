"""The processes that `--devices N` starts beside the first: begun together, and all ended when one of them fails.

The first one alone listens to signals and speaks: what another says on stderr becomes its own words. None outlives it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence

from lightning.fabric.plugins.environments.lightning import LightningEnvironment, find_free_network_port
from torch import distributed

from wavenet.errors import HungUp, InputError, Terminated, WavenetError, stop_signals
from wavenet.progress import log

PLACE = "WAVENET_BESIDE"  # what a process is told of its place: rank, size, port, and the process that started it
POLL_SECONDS = 0.2
GRACE_SECONDS = 10.0  # for a process whose neighbour is gone to notice by itself, and for all to come to their end
STOPPED: dict[int, type[BaseException]] = {130: KeyboardInterrupt, 143: Terminated, 129: HungUp}  # by exit code
ERROR = "error: "  # how the command line begins the line of a failure


class Beside(LightningEnvironment):
    """Tells Lightning of processes on this machine that this program starts itself.

    Lightning's own would take any LOCAL_RANK that stands in the environment for its own, and would run the whole
    command line, or whatever script called, once more.

    Args:
        rank: which of them this is.
        size: how many there are.
        port: where they meet; 0 takes a free one.
    """

    def __init__(self, rank: int, size: int = 1, port: int = 0) -> None:
        super().__init__()
        self.rank, self.size = rank, size
        self._main_port = port or find_free_network_port()

    @classmethod
    def detected(cls) -> Beside | None:
        """Return this process's place where another one of this program started it, else None."""
        rank, size, port, leader = (int(part) for part in os.environ.get(PLACE, "0,0,0,0").split(","))
        # what a process was told holds for itself alone, not for what it starts in its turn
        return cls(rank, size, port) if rank and os.getppid() == leader else None

    @property
    def creates_processes_externally(self) -> bool:
        """Return that Lightning has none to start."""
        return True

    @property
    def main_address(self) -> str:
        """Return where the first process is."""
        return "127.0.0.1"

    def local_rank(self) -> int:
        """Return which process this is."""
        return self.rank

    def node_rank(self) -> int:
        """Return which machine this is: there is one."""
        return 0


def follow() -> None:
    """Leave signals to the first process, and end with it, however it ends."""
    for number in stop_signals():
        signal.signal(number, signal.SIG_IGN)
    leader = os.getppid()

    def watch() -> None:
        while os.getppid() == leader:
            time.sleep(POLL_SECONDS)
        os._exit(1)  # the main thread may wait for it in a collective

    threading.Thread(target=watch, daemon=True).start()


class Crew:
    """The processes beside this one.

    Args:
        command: what each of them runs.
        size: how many there are, this one included.
        port: where they meet.
    """

    def __init__(self, command: Sequence[str], size: int, port: int) -> None:
        self.size = size
        self.leaving = threading.Event()  # from here on it is no failure that one ends
        self.lines: dict[int, str] = {}  # why one failed, in its own words
        self.members: dict[int, subprocess.Popen[str]] = {}
        self.readers: dict[int, threading.Thread] = {}
        for rank in range(1, size):
            told = {**os.environ, PLACE: f"{rank},{size},{port},{os.getpid()}"}
            member = subprocess.Popen(
                command, env=told, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, errors="replace"
            )
            self.members[rank] = member
            self.readers[rank] = threading.Thread(target=self._read, args=(rank, member), daemon=True)
            self.readers[rank].start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _read(self, rank: int, member: subprocess.Popen[str]) -> None:
        """Pass on what a process says, but for the line that tells of its failure."""
        assert member.stderr is not None
        with member.stderr as lines:
            for line in lines:
                if line.startswith(ERROR):
                    self.lines[rank] = line.removeprefix(ERROR).strip()
                elif not self.leaving.is_set():
                    with contextlib.suppress(OSError):  # a terminal that was closed: go on reading, or it would wait
                        sys.stderr.write(line)

    def failure(self) -> BaseException | None:
        """Return what ended one of the processes, None where all are well."""
        for rank, member in self.members.items():
            code = member.poll()
            if code is None or code == 0:
                continue
            if code in STOPPED:  # it was told to stop before it had begun to leave that to us
                return STOPPED[code]()
            self.readers[rank].join(1.0)
            name = f"process {rank + 1} of {self.size}"
            if code < 0:
                return WavenetError(
                    f"{name} was killed by signal {-code}, most often for want of memory; what was saved is whole: go "
                    "on with --resume"
                )
            line = self.lines.get(rank, f"ended with exit code {code}; see what it said, then go on with --resume")
            return (InputError if code == InputError.exit_code else WavenetError)(f"{name}: {line}")
        return None

    def _watch(self) -> None:
        """End this process where one failed and the main thread waits for it in a collective."""
        while self.failure() is None:
            if self.leaving.wait(POLL_SECONDS):
                return
        if self.leaving.wait(GRACE_SECONDS):
            return
        error = self.failure()
        self.end(0.0)
        log.error("%s%s", ERROR, error) if isinstance(error, WavenetError) else log.error("stopped")
        logging.shutdown()
        os._exit(130 if isinstance(error, KeyboardInterrupt) else getattr(error, "exit_code", 1))

    def noticed(self) -> BaseException | None:
        """Return `failure`, after the time that a process needs to end: its neighbours hear of that first."""
        until = time.monotonic() + GRACE_SECONDS
        while self.failure() is None and time.monotonic() < until:
            time.sleep(POLL_SECONDS)
        return self.failure()

    def end(self, seconds: float) -> None:
        """Wait for all to end; kill those that do not in time."""
        until = time.monotonic() + seconds
        for member in self.members.values():
            try:
                member.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                member.kill()
                member.wait()
        for reader in self.readers.values():
            reader.join(1.0)  # what a killed one had started holds its pipe a little longer


@contextlib.contextmanager
def beside(command: Sequence[str], place: object) -> Iterator[None]:
    """Start the processes that train beside this one; leave when all have ended.

    Args:
        command: what each of them runs.
        place: who started this process; only the first of a `Beside` starts others.

    Raises:
        WavenetError: one of them failed; InputError where it says so.
    """
    if not isinstance(place, Beside) or place.rank > 0 or place.size == 1:
        yield
        return
    crew = Crew(command, place.size, place.main_port)
    seconds = GRACE_SECONDS
    try:
        yield
    except (WavenetError, KeyboardInterrupt, Terminated):
        seconds = 0.0
        raise
    except BaseException:
        error = crew.noticed()
        seconds = 0.0
        if error is not None:
            raise error from None
        raise
    finally:
        crew.leaving.set()
        crew.end(seconds)
        if distributed.is_initialized():  # else the next run of this process would wait for these
            distributed.destroy_process_group()
