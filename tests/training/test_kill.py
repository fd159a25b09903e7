"""Law 6 by force: killed with -9, or told to stop, at any instant and resumed, a run ends as if it never had been."""

from __future__ import annotations

import collections
import os
import random
import re
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from moments import Moment, Server, Unhurt, phase

from wavenet.cli import main
from wavenet.training import checkpoint


def moments(rng: random.Random, unhurt: Unhurt, act: str) -> Iterator[Moment]:
    """Yield endless instants: one at an event, every phase in turn, then one at any time."""
    phases: dict[str, list[int]] = collections.defaultdict(list)
    for index, event in enumerate(unhurt.ending.events):
        phases[phase(event)].append(index)
    order: list[str] = []
    while True:
        order = order or rng.sample(sorted(phases), len(phases))
        yield Moment(act, event=rng.choice(phases[order.pop()]), share=rng.random())
        yield Moment(act, after=rng.uniform(0.0, unhurt.ending.seconds))


def killed_and_resumed(server: Server, unhurt: Unhurt, place: Path, seed: int, kills: int) -> None:
    """Kill so many runs, some of them again while they go on, and compare each in the end."""
    rng = random.Random(seed)
    instants, hits, again, equal = moments(rng, unhurt, "kill"), collections.Counter[str](), 0, 0
    while hits.total() < kills:
        root = place / "root"
        ending = unhurt.again(server, root, next(instants))
        if ending.code == -signal.SIGKILL:  # else it was done before its time had come
            hits[phase(ending.during)] += 1
            for _ in range(rng.choice((0, 0, 0, 1, 2))):
                again += unhurt.again(server, root, next(instants)).code == -signal.SIGKILL
            last = unhurt.again(server, root)
            assert last.code == 0, (ending.during, last.words)
            assert unhurt.differs(root) == [], (ending.during, last.words)
            equal += 1
        shutil.rmtree(root)
    told = ", ".join(f"{name} {count}" for name, count in sorted(hits.items()))
    print(f"seed {seed}: {kills} kills ({told}), {again} more while resuming, {equal} equal ends")
    assert equal == kills


def test_killed_and_resumed(server: Server, unhurt: Unhurt, tmp_path: Path) -> None:
    killed_and_resumed(server, unhurt, tmp_path, seed=0, kills=3)


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(1, 5))
def test_killed_and_resumed_a_hundred_times(server: Server, unhurt: Unhurt, tmp_path: Path, seed: int) -> None:
    killed_and_resumed(server, unhurt, tmp_path, seed, kills=25)


# --- told to stop ----------------------------------------------------------------------------------------------------

CODES = {"int": 130, "term": 143, "hup": 129}


def stopped_and_resumed(server: Server, unhurt: Unhurt, place: Path, act: str, seed: int, stops: int) -> None:
    instants, hits = moments(random.Random(seed), unhurt, act), collections.Counter[str]()
    while hits.total() < stops:
        root = place / "root"
        ending = unhurt.again(server, root, next(instants))
        if ending.code != 0 and ending.events:  # else it was done before, or had not begun to look after signals
            assert ending.code == CODES[act] and "Traceback" not in ending.words, (ending.during, ending.words)
            told = re.search(r"stopped at step (\d+) of 14, saved in .*; go on with --resume", ending.words)
            saved = root / "run" / "checkpoints" / "last.safetensors"
            steps = sum(event == "step" for event in ending.events)
            assert told or "finished" in ending.words or not steps, ending.words
            assert told is None or checkpoint.load(saved).step == int(told[1]) >= steps - 1
            last = unhurt.again(server, root)
            assert last.code == 0 and unhurt.differs(root) == [], (ending.words, last.words)
            hits[phase(ending.events[-1]) if told is None else f"at step {told[1]}"] += 1
        shutil.rmtree(root)
    print(f"{act}, seed {seed}: {stops} stops ({dict(sorted(hits.items()))}), exit {CODES[act]}, all ends equal")


@pytest.mark.parametrize("act", ["int", "term"])
def test_stopped_and_resumed(server: Server, unhurt: Unhurt, tmp_path: Path, act: str) -> None:
    stopped_and_resumed(server, unhurt, tmp_path, act, seed=0, stops=1)


@pytest.mark.campaign
@pytest.mark.parametrize("act", ["int", "term", "hup"])
def test_stopped_and_resumed_ten_times(server: Server, unhurt: Unhurt, tmp_path: Path, act: str) -> None:
    stopped_and_resumed(server, unhurt, tmp_path, act, seed=1, stops=10)


def test_stopped_again_while_a_record_is_made_up_for(server: Server, unhurt: Unhurt, tmp_path: Path) -> None:
    for _ in range(2):  # at a sound, which leaves its step's record undone; then while that is being made up for
        ending = unhurt.again(server, tmp_path / "root", Moment("term", event="sound"))
        assert ending.code == 143 and "stopped at step 7 of 14" in ending.words
    assert unhurt.again(server, tmp_path / "root").code == 0
    assert unhurt.differs(tmp_path / "root") == []


@pytest.mark.parametrize("during", [pytest.param("counting", marks=pytest.mark.slow), "scoring"])
def test_stopped_again_while_the_last_step_is_evaluated(
    server: Server, unhurt: Unhurt, tmp_path: Path, during: str
) -> None:
    for _ in range(2):
        ending = unhurt.again(server, tmp_path / "root", Moment("int", event=f"evaluation: {during}"))
        assert ending.code == 130 and "stopped at step 14 of 14" in ending.words
    assert unhurt.again(server, tmp_path / "root").code == 0
    assert unhurt.differs(tmp_path / "root") == []


@pytest.mark.slow  # test_train.py holds it in one process
def test_stops_by_max_steps_leave_no_trace(server: Server, unhurt: Unhurt, tmp_path: Path) -> None:
    run = tmp_path / "root" / "run"
    run.parent.mkdir()
    for steps in (4, 8, 13):  # each is evaluated
        ending = server.run(run.parent, [*unhurt.command, "--out", run, "--max-steps", steps])
        assert ending.code == 0 and "valid split: " in ending.words
    assert unhurt.again(server, run.parent).code == 0
    assert unhurt.differs(run.parent) == []


# --- two at once -----------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="whether a process stands still is read from /proc")
def test_a_second_process_is_refused_until_the_first_is_gone(
    server: Server, unhurt: Unhurt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "root" / "run"
    run.parent.mkdir()
    command = [*unhurt.command, "--set", "train.workers=2", "--out", run]
    first = server.begin(run.parent, command, Moment("stop", event="sound"))
    while Path(f"/proc/{first}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.01)
    try:
        before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()}
        plain = [part for part in command if part != "--resume"]
        for second in (command, plain, [*plain, "--force"]):
            assert main([str(part) for part in second]) == 2
            assert capsys.readouterr().err.splitlines() == [
                f"error: another process is training in {run}; wait for it, or name another --out"
            ]
        after = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.rglob("*") if path.is_file()}
        assert before == after
    finally:
        os.kill(first, signal.SIGKILL)
        ending = server.end()
    assert ending.code == -signal.SIGKILL
    last = server.run(run.parent, command)  # at once: data workers of the first are still there
    assert last.code == 0, last.words
    checkpoints = {f"run/checkpoints/{name}.safetensors" for name in ("best", "good", "last")}
    named = {"run/config.yaml", "run/model/config.json", *checkpoints}
    assert set(unhurt.differs(run.parent)) == named  # these carry train.workers
