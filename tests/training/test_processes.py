"""Held: N processes learn what one with an N times larger batch does; one writes; they end and resume together."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import toys
import yaml

from wavenet.errors import HungUp, InputError, Terminated, WavenetError
from wavenet.training import checkpoint, processes
from wavenet.training.metrics import TIME_COLUMNS, read
from wavenet.training.processes import RUN_ID, Group

TORCHRUN = {RUN_ID: "x", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8", "RANK": "5", "LOCAL_RANK": "1"}
SLURM = {"SLURM_NTASKS": "6", "SLURM_NTASKS_PER_NODE": "3", "SLURM_PROCID": "4", "SLURM_LOCALID": "1"}
SLURM |= {"SLURM_JOB_NAME": "voice", "SLURM_STEP_NUM_TASKS": "6"}


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*TORCHRUN, *SLURM):
        monkeypatch.delenv(name, raising=False)


def put(patch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        patch.setenv(name, value)


# --- who is who ------------------------------------------------------------------------------------------------------


def test_without_others_a_process_leads_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, {"LOCAL_RANK": "1", "RANK": "1"})  # what something else left behind silences nobody
    one, two = processes.find_group(None), processes.find_group(2)
    assert one == Group(1, 1, 0, 0, "--devices") and one.leads and one.size == 1
    assert two == Group(2) and two.leads and two.size == 2
    assert "strategy" not in one.trainer_arguments() and "strategy" in two.trainer_arguments()


def test_torchrun_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, TORCHRUN)
    found = processes.find_group(None)
    assert found == Group(4, 2, 5, 1, "torchrun") == processes.find_group(4)
    assert found.size == 8 and not found.leads
    with pytest.raises(InputError, match="--devices is 2, but torchrun started 4 on this machine; leave"):
        processes.find_group(2)
    put(monkeypatch, {RUN_ID: f"{processes.OURS}{os.getppid()}"})
    assert processes.find_group(4).started_by == "--devices"


def test_slurm_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    put(monkeypatch, SLURM)
    assert processes.find_group(None) == Group(3, 2, 4, 1, "Slurm")
    (place,) = processes.find_group(None).trainer_arguments()["plugins"]
    assert not place.auto_requeue
    for name, value, words in (
        ("SLURM_NTASKS", "7", "7 processes, 3 on this machine"),
        ("SLURM_NTASKS_PER_NODE", None, "without --ntasks-per-node"),
        ("SLURM_STEP_NUM_TASKS", None, "write srun wavenet train"),
    ):
        with monkeypatch.context() as patch, pytest.raises(InputError, match=words):
            patch.delenv(name) if value is None else patch.setenv(name, value)
            processes.find_group(None)
    for name, value in (("SLURM_JOB_NAME", "bash"), ("SLURM_NTASKS", "1")):  # a shell that Slurm lent; a single task
        monkeypatch.setenv(name, value)
        assert processes.find_group(None).size == 1


def test_more_devices_than_there_are_is_one_line_before_anything(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (sound_folder, tmp_path / "run", tmp_path / "cache")
    with pytest.raises(InputError, match=r"--devices is 1000, expected at most"):
        toys.train(*place, devices=1000)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    processes.check_devices(Group(3), "cuda")
    with pytest.raises(InputError, match="4 processes on this machine need as many CUDA devices, but each sees 3"):
        processes.check_devices(Group(4), "cuda")
    assert not list(tmp_path.iterdir())


def test_resuming_with_another_number_is_refused(tmp_path: Path, sound_folder: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    toys.train(sound_folder, run, cache, max_steps=3)
    before = (run / "checkpoints" / checkpoint.LAST).read_bytes()
    for devices, words in ((2, r"with 1 device, got 2.*--devices 1"), (0, "devices is 0")):
        with pytest.raises(InputError, match=words):
            toys.train(sound_folder, run, cache, resume=True, devices=devices)
    assert (run / "checkpoints" / checkpoint.LAST).read_bytes() == before


def test_one_that_is_not_the_first_of_its_machine_decodes_and_writes_nothing(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(monkeypatch, TORCHRUN)
    toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", dry_run=True)
    assert not list(tmp_path.iterdir())


# --- what they agree on ----------------------------------------------------------------------------------------------


def test_alone_everything_is_agreed_at_once() -> None:
    cpu = torch.device("cpu")
    assert not processes.together()
    assert [value.item() for value in processes.summed(torch.tensor(2.5), torch.tensor(3))] == [2.5, 3.0]
    assert processes.agreed(True, cpu) and not processes.agreed(False, cpu)
    processes.check_same(3, cpu)


def test_processes_at_different_steps_do_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "together", lambda: True)
    monkeypatch.setattr(
        processes.distributed, "all_reduce", lambda ends, how: ends.copy_(ends.max(torch.tensor([1_000, -1_000])))
    )
    with pytest.raises(WavenetError, match=r"different steps, 500 to 1,000"):
        processes.check_same(500, torch.device("cpu"))


# --- ends ------------------------------------------------------------------------------------------------------------

LOST = RuntimeError("[gloo/tcp/pair.cc:547] Connection closed by peer")
SAYS = "import sys; print('words', file=sys.stderr); print('error: no space', file=sys.stderr); sys.exit({})"
SLEEPS = "import time; time.sleep(600)"


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


@pytest.fixture
def members(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[subprocess.Popen[bytes]]]:
    """Return the processes that are started from here on; none is left in the end."""
    found: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def watched(*arguments: object, **named: object) -> subprocess.Popen[bytes]:
        found.append(popen(*arguments, **named))  # type: ignore[call-overload]
        return found[-1]

    monkeypatch.setattr(processes.subprocess, "Popen", watched)
    monkeypatch.setenv("RANK", "what stood here before")
    yield found
    assert found and all(one.poll() is not None for one in found)
    assert os.environ["RANK"] == "what stood here before" and "WORLD_SIZE" not in os.environ


@pytest.mark.parametrize(
    ("program", "kind", "line"),
    [
        (SAYS.format(1), WavenetError, "process 2 of 2: no space"),
        (SAYS.format(2), InputError, "process 2 of 2: no space"),
        ("import os; os.kill(os.getpid(), 9)", WavenetError, "process 2 of 2 was killed by signal 9, often for lack"),
        ("import os; os._exit(3)", WavenetError, "process 2 of 2 ended with exit code 3"),
    ],
)
def test_why_another_failed_becomes_our_line_and_code(
    members: list[object], capfd: pytest.CaptureFixture[str], program: str, kind: type[WavenetError], line: str
) -> None:
    with pytest.raises(WavenetError) as caught, processes.started(python(program), Group(2)):
        raise LOST
    assert type(caught.value) is kind and str(caught.value).startswith(line)
    assert ("words" in str(caught.value.__cause__)) == ("words" in program)  # for -v
    assert capfd.readouterr().err == ""


def test_one_that_only_lost_its_neighbour_is_not_the_reason(members: list[object]) -> None:
    program = f"""
import os, sys, time
if os.environ["RANK"] == "1":
    sys.exit("error: {processes.NEIGHBOUR}")
time.sleep(0.5)
sys.exit("error: no space")
"""
    with pytest.raises(WavenetError, match=r"^process 3 of 3: no space$"), processes.started(python(program), Group(3)):
        raise LOST


@pytest.mark.parametrize("error", [WavenetError("our own"), KeyboardInterrupt(), Terminated(), HungUp(), LOST])
def test_our_own_end_is_theirs(members: list[object], monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.1)
    with pytest.raises(type(error)) as caught, processes.started(python(SLEEPS), Group(3)):
        raise error
    assert caught.value is error


def test_all_come_to_their_end(members: list[subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    with processes.started(python("pass"), Group(2)):
        pass
    monkeypatch.setattr(processes, "GRACE_SECONDS", 0.1)
    with processes.started(python(SLEEPS), Group(2)):
        pass
    assert [one.returncode for one in members] == [0, -signal.SIGKILL]


def test_only_the_first_of_its_own_devices_starts_others_and_words_tell_of_a_lost_neighbour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    set_to: dict[signal.Signals, signal.Handlers] = {}
    monkeypatch.setattr(processes.signal, "signal", set_to.__setitem__)
    for group in (Group(), Group(2, 1, 0, 0, "torchrun"), Group(2, 2, 1, 1, "Slurm")):
        with processes.started(["/does/not/exist"], group):
            pass
    assert set_to[signal.SIGTERM] == signal.SIG_DFL  # so that one that waits for the first can be ended
    for error, words in ((LOST, "another process of this training has ended"), (RuntimeError("other"), "^other$")):
        with pytest.raises(Exception, match=words), processes.started([], Group(2, 1, 0, 0, "torchrun")):
            raise error


FIRST = """
import logging, sys, time
from wavenet.training import processes
logging.getLogger("wavenet").addHandler(logging.StreamHandler())
processes.GRACE_SECONDS = 0.1
with processes.started([sys.executable, "-c", {program!r}], processes.Group(2)):
    print("inside", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_one_that_waits_in_a_collective_is_ended() -> None:
    done = subprocess.run(python(FIRST.format(program=SAYS.format(2))), capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stderr) == (2, "error: process 2 of 2: no space\n")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="whether a process is there is read from /proc")
def test_none_outlives_the_first_and_only_that_one_hears_signals() -> None:
    other = f"""
import os
from wavenet.training import processes
with processes.started([], processes.find_group(2)):
    print(os.getpid(), flush=True)
    {SLEEPS}
"""
    first = subprocess.Popen(python(FIRST.format(program=other)), stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    with first.stdout as lines:
        assert lines.readline() == "inside\n"
        number = int(lines.readline())
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(number, sent)
    time.sleep(0.5)
    assert Path(f"/proc/{number}").exists()
    first.kill()
    first.wait()
    while Path(f"/proc/{number}").exists():
        time.sleep(0.05)


# --- together --------------------------------------------------------------------------------------------------------

PLANTED = """
import atexit, os, signal, time
from pathlib import Path
def note(name, text):
    with open(Path(os.environ["COUNT"]).with_name(name), "a") as file:
        file.write(text + " ")
def end():
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    note("threads", str(sum("gloo" in name for name in names)))
    note("order", "gone-" + os.environ["SLURM_PROCID"])
if "SLURM_PROCID" in os.environ:
    atexit.register(end)
if os.environ["FAULT"] == "late" and os.environ["SLURM_PROCID"] == "0":
    from wavenet.training.record import Recorder
    save = Recorder.save
    def late(self, module):
        save(self, module)
        time.sleep(3)
        note("order", "saved")
    Recorder.save = late
from wavenet.audio import cache
made = cache._made
def counted(*arguments):
    with open(os.environ["COUNT"], "a") as file:
        file.write("decoded ")
    return made(*arguments)
cache._made = counted
if "1" in (os.environ.get("RANK"), os.environ.get("SLURM_PROCID")):
    from wavenet.training.module import WaveNetModule
    step = WaveNetModule.training_step
    def planted(self, batch, index):
        if self.step == 9 and os.environ["FAULT"] == "memory":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        if self.step == 9 and os.environ["FAULT"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, batch, index)
    WaveNetModule.training_step = planted
"""


class Place:
    """A folder of runs: each command trains there, with a cache of its own, and notes when it decodes."""

    def __init__(self, folder: Path, sounds: Path) -> None:
        self.folder, self.sounds = folder, sounds
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(PLANTED)

    def words(self, name: str, *options: str, batch: int = 2, steps: int = 20) -> list[str]:
        recipe = self.folder / f"{name}.yaml"
        train = {"steps": steps, "save_steps": 7, "validate_steps": 10, "sample_steps": 25, "log_steps": 5}
        recipe.write_text(yaml.safe_dump(toys.tree(train={**train, "batch_size": batch})))
        words = ["wavenet", "train", str(recipe), "--data", str(self.sounds), "--out", str(self.folder / name)]
        return [*words, "--cache", str(self.folder / f"{name}-cache"), "--device", "cpu", *options]

    def start(self, words: list[str], *launcher: str, **variables: str) -> subprocess.Popen[str]:
        path = f"{self.folder / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        environment = {**os.environ, "FAULT": "", "COUNT": str(self.folder / "count"), "PYTHONPATH": path, **variables}
        return subprocess.Popen(
            [sys.executable, "-m", *launcher, *words],
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def run(self, words: list[str], *launcher: str, code: int = 0, **variables: str) -> str:
        child = self.start(words, *launcher, **variables)
        said = child.communicate(timeout=300)[1]
        assert child.returncode == code, said
        return said

    def pair(self, words: list[str], *launcher: str, **variables: str) -> tuple[list[int], list[str]]:
        """Return the exit codes and words of two that something else starts: Slurm, or a launcher on two machines."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        there = {"SLURM_NTASKS": "2", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS_PER_NODE": "1", "SLURM_LOCALID": "0"}
        there |= {"SLURM_JOB_NAME": "voice", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, **variables}
        launch = [*launcher, "--nnodes", "2", "--master-addr", "127.0.0.1", "--master-port", port]
        children = [
            self.start(words, *launch, "--node-rank", str(rank), "-m")
            if launcher
            else self.start(words, **there, SLURM_PROCID=str(rank), SLURM_NODEID=str(rank))
            for rank in (0, 1)
        ]
        said = [child.communicate(timeout=300)[1] for child in children]
        return [child.returncode for child in children], said

    def noted(self, name: str) -> list[str]:
        """Return what the processes of Slurm noted under this name, and forget it."""
        path = self.folder / name
        words = path.read_text().split()
        path.unlink()
        return words

    def decoded(self) -> int:
        count = self.folder / "count"
        return count.read_text().count("decoded") if count.exists() else 0

    def step(self, name: str) -> int:
        return int(checkpoint.load(self.folder / name / "checkpoints" / checkpoint.LAST).step)

    def record(self, name: str) -> list[dict[str, str]]:
        rows = read(self.folder / name / "metrics.csv")
        return [{column: text for column, text in row.items() if column not in TIME_COLUMNS} for row in rows]

    def end(self, name: str) -> tuple[bytes, list[dict[str, str]]]:
        return (self.folder / name / "model" / "model.safetensors").read_bytes(), self.record(name)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, sound_folder: Path) -> Place:
    return Place(tmp_path_factory.mktemp("together"), sound_folder)


@pytest.fixture(scope="module")
def whole(place: Place) -> str:
    before = place.decoded()
    said = place.run(place.words("whole", "--devices", "2"))
    assert said.count("receptive field") == said.count("finished 20 steps") == 1 and "2 x cpu" in said
    assert place.decoded() == before + 1
    return "whole"


@pytest.mark.slow
def test_two_processes_are_one_with_the_doubled_batch(place: Place, whole: str) -> None:
    place.run(place.words("one", batch=4))
    names = [
        {path.relative_to(place.folder / name) for path in (place.folder / name).rglob("*")} for name in (whole, "one")
    ]
    assert names[0] == names[1]
    ours, theirs = (checkpoint.load(place.folder / name / "checkpoints" / checkpoint.LAST) for name in (whole, "one"))
    for part in ("network", "averaged"):
        for name, value in getattr(theirs, part).items():
            assert float((getattr(ours, part)[name] - value).norm() / value.norm()) < 1e-5, name
    for one, other in zip(place.record(whole), place.record("one"), strict=True):
        assert one["valid_bits"] == other["valid_bits"] and one["step"] == other["step"]
        assert float(one["train_bits"]) == pytest.approx(float(other["train_bits"]), abs=1e-4)


@pytest.mark.slow
def test_two_processes_resume_to_the_same_end(place: Place, whole: str) -> None:
    place.run(place.words("parted", "--devices", "2", "--max-steps", "9"))
    place.run(place.words("parted", "--devices", "2", "--resume"))
    assert place.end("parted") == place.end(whole)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["torchrun", "two-machines", "slurm"])
def test_others_may_start_the_processes(place: Place, whole: str, way: str) -> None:
    before, words = place.decoded(), place.words(way)
    if way == "torchrun":
        place.run(words, "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
        assert place.decoded() == before + 1  # once for both
    else:
        codes, said = place.pair(words, *(["torch.distributed.run"] if way == "two-machines" else []))
        assert codes == [0, 0], said
        assert "".join(said).count("finished 20 steps") == 1
    if way == "slurm" and sys.platform == "linux":
        assert place.noted("threads") == ["0", "0"]  # one that is there when Python ends may abort the process
    assert place.end(way) == place.end(whole)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_others_wait_until_the_first_has_saved_and_none_waits_for_one_that_failed(place: Place) -> None:
    assert place.pair(place.words("late", "--max-steps", "3"), FAULT="late")[0] == [0, 0]
    order = place.noted("order")
    assert order[-3] == "saved" and sorted(order[-2:]) == ["gone-0", "gone-1"]
    place.noted("threads")
    codes, said = place.pair(place.words("short"), FAULT="memory")
    assert codes == [1, 1] and "out of memory on cpu; lower" in said[1] and "has ended, see its message" in said[0]
    assert place.noted("threads") == ["0", "0"]


IN_FLIGHT = """
import os, time, torch
from torch import distributed
from wavenet.training import processes
processes.GRACE_SECONDS = 0.2
distributed.init_process_group("gloo")
distributed.barrier()
if os.environ["RANK"] == "1":
    time.sleep(600)
with processes.started([], processes.Group(2, 1, 0, 0, "torchrun")):
    waits = distributed.all_reduce(torch.ones(3), async_op=True)
    raise ValueError("own")
"""


@pytest.mark.slow
def test_one_that_fails_while_others_wait_does_not_wait_for_them() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        there = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free.getsockname()[1]), "WORLD_SIZE": "2"}
    first, other = (
        subprocess.Popen(
            python(IN_FLIGHT), env={**os.environ, **there, "RANK": rank}, stderr=subprocess.PIPE, text=True
        )
        for rank in "01"
    )
    try:
        assert first.communicate(timeout=100)[1].splitlines()[-1].endswith("ValueError: own")
        assert first.returncode == 1 and other.poll() is None
    finally:
        for child in (first, other):
            child.kill()
            child.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_all_and_saves(place: Place, number: signal.Signals, code: int) -> None:
    child = place.start(place.words(number.name, "--devices", "2", steps=100_000))
    assert child.stderr is not None
    assert any("step 5:" in line for line in child.stderr)
    os.killpg(child.pid, number)  # as a terminal does, and Slurm
    _, said = child.communicate(timeout=120)
    assert child.returncode == code and said.count("stopped at step") == 1
    assert place.step(number.name) >= 5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "line"),
    [("memory", "process 2 of 2: out of memory on cpu; lower"), ("kill", "process 2 of 2 was killed by signal 9")],
)
def test_a_failing_process_ends_all_with_one_line_and_the_run_goes_on(
    place: Place, whole: str, fault: str, line: str
) -> None:
    said = place.run(place.words(fault, "--devices", "2"), code=1, FAULT=fault)
    told = [words for words in said.splitlines() if "rror" in words or "Traceback" in words]
    assert len(told) == 1 and told[0].startswith(f"error: {line}"), said
    assert place.step(fault) == 7
    if fault == "kill":
        place.run(place.words(fault, "--devices", "2", "--resume"))
        assert place.end(fault) == place.end(whole)
