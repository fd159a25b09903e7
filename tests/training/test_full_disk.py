"""A disk that is full at any write: one clear line, the last good state whole, nothing temporary left behind."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import toys
from moments import WRITING, Ending, Moment, Server, Unhurt

from wavenet.evaluation.evaluate import evaluate
from wavenet.generate.voice import load

NEEDED = {  # what training cannot do without, and what its line begins with
    "run": "the run folder ROOT/run cannot be written",
    "cache": "the sound cache in ROOT/cache cannot be written",
    "run/train.log": "ROOT/run/train.log cannot be written",
    "run/environment.json": "ROOT/run/environment.json cannot be written",
    "run/manifest.csv": "ROOT/run/manifest.csv cannot be written",
    "run/config.yaml": "ROOT/run/config.yaml cannot be written",
    "run/metrics.csv": "ROOT/run/metrics.csv cannot be written",
    "run/model": "the bundle ROOT/run/model cannot be written",
    "run/checkpoints/best.safetensors": "the checkpoint ROOT/run/checkpoints/best.safetensors cannot be written",
    "run/checkpoints/last.safetensors": "the checkpoint ROOT/run/checkpoints/last.safetensors cannot be written",
    "run/checkpoints": "the checkpoint ROOT/run/checkpoints/good.safetensors cannot be written",
}


def line_for(event: str) -> str | None:
    """Return how the error line begins when the disk is full from an event on; None where nothing needs it."""
    path = event.partition(" ")[2]
    fits = [name for name in NEEDED if path.startswith(name)]
    return NEEDED[max(fits, key=len)] if fits else None


def errors(ending: Ending, root: Path) -> list[str]:
    lines = re.sub("[0-9a-f]{24}", "KEY", ending.words.replace(str(root), "ROOT")).splitlines()
    return [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]


def cases(unhurt: Unhurt) -> list[tuple[int, str]]:
    """Return the first and the last time that each thing is written, synced or put in place."""
    kinds = (*WRITING, "rename")
    last = {event: index for index, event in enumerate(unhurt.ending.events) if event.split()[0] in kinds}
    return sorted({(index, event) for event in last for index in (unhurt.ending.events.index(event), last[event])})


def full_at(server: Server, unhurt: Unhurt, root: Path, index: int, event: str) -> None:
    """Fill the disk at one event; look at what is said and left; free it and go on."""
    ending = unhurt.again(server, root, Moment("full", event=index, share=0.5))
    told, path = errors(ending, root), event.partition(" ")[2]
    assert "Traceback" not in ending.words and len(told) <= 1, ending.words
    temporary = [found.name for found in root.rglob("*") if re.search(r"\.tmp|unfinished", found.name)]
    assert temporary == [], (event, temporary)
    if index == len(unhurt.ending.events) - 1:  # the last word in train.log
        assert ending.code == 0 and unhurt.differs(root) == []
        return
    assert ending.code == 1 and len(told) == 1, (event, ending.words)
    print(f"{index:4} {event:50} {told[0]}")
    if event != "write run/train.log" and "samples" not in path:
        begins = line_for(event)
        assert begins is not None and told[0].startswith(begins), (event, told)
    if "samples" in path:
        assert "training goes on" in ending.words, ending.words
    assert "free space" in told[0] or "name another" in told[0], told
    if (root / "run" / "checkpoints" / "last.safetensors").exists():
        assert load(root / "run").training["steps"] >= 3  # the bundle is whole
    last = unhurt.again(server, root)
    assert last.code == 0 and unhurt.differs(root) == [], (event, unhurt.differs(root), last.words)


def test_a_full_disk_while_a_checkpoint_is_written(server: Server, unhurt: Unhurt, tmp_path: Path) -> None:
    event = "write run/checkpoints/last.safetensors.tmp"
    full_at(server, unhurt, tmp_path / "root", max(index for index, name in cases(unhurt) if name == event), event)


@pytest.mark.campaign
@pytest.mark.parametrize("part", range(3))
def test_a_full_disk_at_any_write(server: Server, unhurt: Unhurt, tmp_path: Path, part: int) -> None:
    found = cases(unhurt)
    assert {line_for(event) for _, event in found} >= set(NEEDED.values())
    for index, event in found[part::3]:
        full_at(server, unhurt, tmp_path / f"root{index}", index, event)


def test_a_sound_that_cannot_be_written_is_a_warning(server: Server, unhurt: Unhurt, tmp_path: Path) -> None:
    root, name = tmp_path / "root", "run/samples/step-000007-0.wav"
    ending = unhurt.again(server, root, Moment("full", event=f"write {name}.tmp", share=0.5, lasting=False))
    assert ending.code == 0
    assert [line for line in ending.words.splitlines() if "warning" in line] == [
        f"warning: {root / name} cannot be written (No space left on device); training goes on"
    ]
    assert unhurt.differs(root) == [name.replace(".wav", ".png"), name]


# --- other verbs -----------------------------------------------------------------------------------------------------


def refused(server: Server, root: Path, target: Path, *command: object) -> None:
    """Fill the disk at each event of a command that writes one file; what was there before has to stay."""
    if not root.exists():
        root.mkdir()
    whole = server.run(root, [*command, "--force"])
    assert whole.code == 0, whole.words
    assert len(whole.events) >= 4, whole.events
    before = target.read_bytes()
    for index in range(len(whole.events)):
        ending = server.run(root, [*command, "--force"], Moment("full", event=index, share=0.5))
        told = errors(ending, root)
        print(f"{whole.events[index]:50} {told}")
        assert ending.code == 1 and len(told) == 1 and "Traceback" not in ending.words, ending.words
        assert told[0].startswith(f"ROOT/{target.name} cannot be written (No space left on device); free space")
        assert [path.name for path in root.iterdir()] == [target.name] and target.read_bytes() == before


@pytest.mark.parametrize("suffix", [".wav", pytest.param(".flac", marks=pytest.mark.slow)])
def test_a_full_disk_while_a_sound_is_written(server: Server, trained_run: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "root" / f"a{suffix}"
    refused(server, out.parent, out, "generate", trained_run, "--samples", 50, "--seed", 1, "-o", out)


def test_a_full_disk_while_surprisal_is_written(server: Server, trained_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "root" / "a.npy"
    evaluate(trained_run, split="valid", cache=tmp_path / "cache")  # decodes
    where = ["--split", "valid", "--cache", tmp_path / "cache", "--surprisal", out]
    refused(server, out.parent, out, "evaluate", trained_run, *where)


@pytest.mark.campaign
@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_a_full_disk_while_a_sheet_is_drawn(server: Server, trained_run: Path, tmp_path: Path, suffix: str) -> None:
    out = tmp_path / "root" / f"a{suffix}"
    refused(server, out.parent, out, "inspect", trained_run, "--plot", out)


def test_a_full_disk_while_speeds_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wavenet import cli, pictures
    from wavenet.bench import cases

    class Measured:
        busy, name, processor = None, "toy", "this one"

        def group(self, name: str) -> list[object]:
            return []

        def to_text(self) -> str:
            return "measured"

    def full(path: Path, *_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cases, "bench_model", lambda *_: Measured())
    monkeypatch.setattr(pictures, "speed_picture", full)
    assert cli.main(["bench", "--plot", str(tmp_path / "a.png")]) == 1
    told = capsys.readouterr()
    assert told.out == "measured\n" and told.err == (
        f"error: {tmp_path / 'a.png'} cannot be written (No space left on device); "
        "free space, or name another file with --plot\n"
    )


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_results_that_cannot_be_written_are_one_line(server: Server, trained_run: Path, tmp_path: Path) -> None:
    line = "stdout cannot be written (No space left on device); free space where it goes, or send it elsewhere"
    sound = ["generate", trained_run, "--samples", 500, "--seed", 1, "-o", "-"]
    for command in (sound, ["inspect", trained_run], ["inspect", trained_run, "--json"], ["recipes"], ["doctor"]):
        (tmp_path / "root").mkdir(exist_ok=True)
        ending = server.run(tmp_path / "root", command, stdout="/dev/full")
        assert ending.code == 1 and errors(ending, tmp_path) == [line], ending.words
    with open("/dev/full", "w") as full:  # noqa: PTH123  (what Python itself does with stdout at its end)
        command = [sys.executable, "-m", "wavenet", "recipes"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (1, f"error: {line}\n")


def test_a_state_that_cannot_be_saved_leaves_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from wavenet.generate.voice import Voice

    made = toys.recipe()
    sampler = Voice(made, toys.arrays(made)).sampler(seed=1, backend="reference")
    path = tmp_path / "state.safetensors"
    sampler.save(path)
    before, write = path.read_bytes(), Path.write_bytes

    def half(self: Path, data: bytes) -> int:
        write(self, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    list(sampler.generate(20))
    with pytest.raises(OSError, match="No space left on device"):
        sampler.save(path)
    assert path.read_bytes() == before and [found.name for found in tmp_path.iterdir()] == [path.name]
    sampler.load(path)
