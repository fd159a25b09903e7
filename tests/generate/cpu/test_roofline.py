"""The limits are counted rightly: work grows with time, and what is read has been written."""

from __future__ import annotations

import numpy as np
import pytest

from wavenet.generate.cpu import roofline
from wavenet.generate.cpu.roofline import OPERATIONS, Limits


@pytest.mark.parametrize("threads", [1, 2])
def test_rates_are_work_over_time(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Limits(1 << 16, threads)
    calls: list[tuple[str, int]] = []
    monkeypatch.setattr(made, "_compute", lambda rounds: calls.append(("compute", rounds)))
    monkeypatch.setattr(made, "_read", lambda memory, times: calls.append(("read", memory.nbytes * times)))
    ticks = iter([0.0, 2.0, 10.0, 14.0])
    monkeypatch.setattr(roofline.time, "perf_counter", lambda: next(ticks))
    operations, read = made.operations(0.001), made.bytes_read(0.001)
    assert operations == sum(work for kind, work in calls if kind == "compute") * OPERATIONS / 2.0
    assert read == sum(work for kind, work in calls if kind == "read") / 4.0
    assert len(calls) == 2 * threads


def test_a_machine_can_do_something() -> None:
    made = Limits(1 << 18, 2)
    assert made.operations(0.001) > 1e8 and made.bytes_read(0.001) > 1e8


def test_memory_is_written_so_that_it_is_really_read() -> None:
    memories = Limits(1 << 16, 2).memories
    assert all(memory.nbytes == 1 << 16 and np.count_nonzero(memory) == memory.size for memory in memories)
    assert not np.array_equal(memories[0], memories[1])
