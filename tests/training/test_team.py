"""Held: N processes learn what one with an N times larger batch does; one writes; they stop and resume together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import toys
import yaml
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

from wavenet.errors import InputError, WavenetError
from wavenet.training import checkpoint, crew, team
from wavenet.training.metrics import TIME_COLUMNS, read

TRAIN = {"steps": 20, "save_steps": 7, "validate_steps": 10, "sample_steps": 25, "log_steps": 5}
ENVIRONMENT = (
    "LOCAL_RANK",
    "RANK",
    "WORLD_SIZE",
    "LOCAL_WORLD_SIZE",
    "TORCHELASTIC_RUN_ID",
    "SLURM_NTASKS",
    crew.PLACE,
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)


# --- who is who ------------------------------------------------------------------------------------------------------


def test_without_anybody_else_a_process_leads_itself() -> None:
    one = team.gather(None)
    assert (one.devices, one.nodes, one.rank, one.size, one.leads) == (1, 1, 0, 1, True)
    assert "strategy" not in one.trainer_arguments()
    two = team.gather(2)
    assert two.size == 2 and two.leads and "strategy" in two.trainer_arguments()


def test_a_process_that_another_started_knows_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(crew.PLACE, f"1,2,20000,{os.getppid()}")
    second = team.gather(2)
    assert (second.rank, second.size, second.leads) == (1, 2, False)
    assert second.environment.local_rank() == 1 and second.environment.main_port == 20_000
    monkeypatch.setenv(crew.PLACE, f"1,2,20000,{os.getpid()}")  # what was said to somebody else
    assert team.gather(None).leads


def test_a_rank_that_something_else_left_behind_silences_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCAL_RANK", "RANK"):
        monkeypatch.setenv(name, "1")
    alone = team.gather(None)
    assert alone.leads and (alone.rank, alone.size) == (0, 1) and alone.environment.local_rank() == 0


def test_torchrun_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8", "RANK": "5", "LOCAL_RANK": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    found = team.gather(None)
    assert (found.devices, found.nodes, found.rank, found.size, found.leads) == (4, 2, 5, 8, False)
    assert team.gather(4).size == 8
    with pytest.raises(InputError, match="--devices is 2, but torchrun started 4 on this machine; leave"):
        team.gather(2)


def test_slurm_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"SLURM_NTASKS": "6", "SLURM_NTASKS_PER_NODE": "3", "SLURM_PROCID": "0", "SLURM_JOB_NAME": "voice"}
    told["SLURM_STEP_NUM_TASKS"] = "6"
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    found = team.gather(None)
    assert (found.devices, found.nodes, found.rank, found.leads) == (3, 2, 0, True)
    assert isinstance(found.environment, SLURMEnvironment) and not found.environment.auto_requeue
    for name, value, words in (
        ("SLURM_NTASKS", "7", "7 processes, 3 on a machine"),
        ("SLURM_NTASKS_PER_NODE", None, "ask for --ntasks-per-node"),
        ("SLURM_STEP_NUM_TASKS", None, "write srun wavenet train"),
    ):
        with monkeypatch.context() as patch, pytest.raises(InputError, match=words):
            patch.delenv(name) if value is None else patch.setenv(name, value)
            team.gather(None)
    for name, value in (("SLURM_JOB_NAME", "bash"), ("SLURM_NTASKS", "1")):  # a shell that Slurm lent; a single task
        monkeypatch.setenv(name, value)
        assert team.gather(None).size == 1


def test_more_devices_than_there_are_is_one_line_before_anything(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = (sound_folder, tmp_path / "run", tmp_path / "cache")
    with pytest.raises(InputError, match=r"--devices is 1000, expected at most"):
        toys.train(*place, devices=1000)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    team.check_devices(team.gather(3), "cuda")
    with pytest.raises(InputError, match="4 processes on this machine need as many CUDA devices, but each sees 3"):
        team.check_devices(team.gather(4), "cuda")
    assert not list(tmp_path.iterdir())


def test_a_neighbour_that_is_gone_is_one_line() -> None:
    by_torchrun = team.Team(1, 2, 1, LightningEnvironment())
    with pytest.raises(WavenetError, match="another process of this training is gone"), team.explained(by_torchrun):
        raise RuntimeError("[gloo/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:2")
    for who in (by_torchrun, team.gather(None)):
        with pytest.raises(RuntimeError, match="other"), team.explained(who):
            raise RuntimeError("other")


def test_processes_at_different_steps_do_not_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    team.check_same(3, torch.device("cpu"))  # alone

    def reduce(value: torch.Tensor, how: object) -> None:
        value.fill_(500 if how == team.distributed.ReduceOp.MIN else 1_000)

    monkeypatch.setattr(team, "together", lambda: True)
    monkeypatch.setattr(team.distributed, "all_reduce", reduce)
    with pytest.raises(WavenetError, match=r"different steps, 500 to 1,000"):
        team.check_same(500, torch.device("cpu"))


def test_alone_everything_is_agreed_at_once() -> None:
    assert not team.together()
    assert [value.item() for value in team.summed(torch.tensor(2.5), torch.tensor(3))] == [2.5, 3.0]
    assert team.agreed(True, torch.device("cpu")) and not team.agreed(False, torch.device("cpu"))


def test_a_dry_run_of_a_process_that_does_not_lead_ends_at_once(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(crew.PLACE, f"1,2,20000,{os.getppid()}")
    monkeypatch.setattr(crew, "follow", lambda: None)
    toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", devices=2, dry_run=True)
    assert not (tmp_path / "run").exists()


def test_resuming_with_another_number_is_refused(tmp_path: Path, sound_folder: Path) -> None:
    run, cache = tmp_path / "run", tmp_path / "cache"
    toys.train(sound_folder, run, cache, max_steps=3)
    assert checkpoint.load(run / "checkpoints" / "last.safetensors").devices == 1
    before = (run / "checkpoints" / "last.safetensors").read_bytes()
    with pytest.raises(InputError, match=r"begun with 1 device, got 2.*--devices 1"):
        toys.train(sound_folder, run, cache, resume=True, devices=2)
    assert (run / "checkpoints" / "last.safetensors").read_bytes() == before
    with pytest.raises(InputError, match="devices is 0"):
        toys.train(sound_folder, run, cache, resume=True, devices=0)


# --- together --------------------------------------------------------------------------------------------------------


def command(folder: Path, sounds: Path, out: str, *options: str, batch: int = 2, steps: int = 20) -> list[str]:
    recipe = folder / f"{out}.yaml"
    recipe.write_text(yaml.safe_dump(toys.tree(train={**TRAIN, "batch_size": batch, "steps": steps})))
    place = ["--data", str(sounds), "--out", str(folder / out), "--cache", str(folder / "cache"), "--device", "cpu"]
    return ["wavenet", "train", str(recipe), *place, *options]


def run(words: list[str], *launcher: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *launcher, *words], capture_output=True, text=True, timeout=300)


def record(folder: Path) -> list[dict[str, str]]:
    return [
        {name: text for name, text in row.items() if name not in TIME_COLUMNS} for row in read(folder / "metrics.csv")
    ]


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
def test_two_processes_are_one_with_the_doubled_batch(tmp_path: Path, sound_folder: Path) -> None:
    done = run(command(tmp_path, sound_folder, "two", "--devices", "2"))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("receptive field") == done.stderr.count("finished 20 steps") == 1
    assert "2 x cpu" in done.stderr
    assert run(command(tmp_path, sound_folder, "one", batch=4)).returncode == 0
    assert files(tmp_path / "two") == files(tmp_path / "one")
    ours, theirs = (checkpoint.load(tmp_path / name / "checkpoints" / "last.safetensors") for name in ("two", "one"))
    for part in ("network", "averaged"):
        for name, value in getattr(theirs, part).items():
            assert float((getattr(ours, part)[name] - value).norm() / value.norm()) < 1e-5, name
    for one, other in zip(record(tmp_path / "two"), record(tmp_path / "one"), strict=True):
        assert one["valid_bits"] == other["valid_bits"] and one["step"] == other["step"]
        assert float(one["train_bits"]) == pytest.approx(float(other["train_bits"]), abs=1e-4)


@pytest.mark.slow
def test_two_processes_resume_to_the_same_end_and_torchrun_starts_them_too(tmp_path: Path, sound_folder: Path) -> None:
    assert run(command(tmp_path, sound_folder, "whole", "--devices", "2")).returncode == 0
    assert run(command(tmp_path, sound_folder, "parted", "--devices", "2", "--max-steps", "9")).returncode == 0
    assert run(command(tmp_path, sound_folder, "parted", "--devices", "2", "--resume")).returncode == 0
    launcher = ("torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m")
    done = run(command(tmp_path, sound_folder, "spun"), *launcher)
    assert done.returncode == 0, done.stderr
    weights = {(tmp_path / name / "model" / "model.safetensors").read_bytes() for name in ("whole", "parted", "spun")}
    assert len(weights) == 1
    assert record(tmp_path / "whole") == record(tmp_path / "parted") == record(tmp_path / "spun")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_all_and_saves(tmp_path: Path, sound_folder: Path, number: signal.Signals, code: int) -> None:
    words = command(tmp_path, sound_folder, "long", "--devices", "2", steps=100_000)
    child = subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert child.stderr is not None
    assert any("step 5:" in line for line in child.stderr)
    if number == signal.SIGINT:
        os.killpg(child.pid, number)  # as a terminal does
    else:
        child.send_signal(number)
    _, told = child.communicate(timeout=120)
    assert child.returncode == code and "stopped at step" in told
    assert checkpoint.load(tmp_path / "long" / "checkpoints" / "last.safetensors").step >= 5


PLANTED = """
import os, signal
if os.environ.get("WAVENET_BESIDE"):
    from wavenet.training.module import WaveNetModule
    step = WaveNetModule.training_step
    def planted(self, batch, index):
        if self.step == 9 and os.environ["PLANTED"] == "memory":
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        if self.step == 9:
            os.kill(os.getpid(), signal.SIGKILL)
        return step(self, batch, index)
    WaveNetModule.training_step = planted
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fault", "line"),
    [("memory", "process 2 of 2: out of memory on cpu; lower"), ("kill", "process 2 of 2 was killed by signal 9")],
)
def test_a_failing_process_ends_all_with_one_line_and_the_run_goes_on(
    tmp_path: Path, sound_folder: Path, monkeypatch: pytest.MonkeyPatch, fault: str, line: str
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(PLANTED)
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
        patch.setenv("PLANTED", fault)
        done = run(command(tmp_path, sound_folder, "run", "--devices", "2"))
    told = [words for words in done.stderr.splitlines() if "rror" in words or "Traceback" in words]
    assert done.returncode == 1 and len(told) == 1 and told[0].startswith(f"error: {line}"), done.stderr
    assert checkpoint.load(tmp_path / "run" / "checkpoints" / "last.safetensors").step == 7
    done = run(command(tmp_path, sound_folder, "run", "--devices", "2", "--resume"))
    assert done.returncode == 0 and "finished 20 steps" in done.stderr, done.stderr
