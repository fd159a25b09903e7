"""What is said of measured speeds: tables that fit, shares and gains that are the ratios they claim to be."""

from __future__ import annotations

import dataclasses
import json

import toys

from wavenet.bench.speeds import GROUPS, Benchmark, Speed

ONE = Speed(
    group="main",
    backend="cpu",
    dtype="float32",
    batch=8,
    threads=1,
    residual=64,
    skip=256,
    layers=20,
    samples_per_second=30_000.0,
    slowest=29_000.0,
    fastest=32_000.0,
    real_time=3.75,
    us_per_step=266.7,
    gflops=51.9,
    gbytes=13.0,
    roofline_share=0.519,
    bandwidth_share=0.13,
    memory_bytes=7_600_000,
    bits_per_sample=4.5,
)


TOLD = tuple(
    dataclasses.replace(ONE, group="told", told=told, guidance=guidance, samples_per_second=speed)
    for told, guidance, speed in (("nothing", 1.0, 30_000.0), ("linear", 1.0, 28_500.0), ("linear", 1.5, 19_000.0))
)


def made(**changes: object) -> Benchmark:
    two = dataclasses.replace(ONE, batch=16, threads=2, samples_per_second=57_000.0)
    half = dataclasses.replace(ONE, dtype="float16", bits_per_sample=4.49999)
    slow = dataclasses.replace(
        ONE, backend="reference", roofline_share=None, bandwidth_share=None, bits_per_sample=None
    )
    scored = dataclasses.replace(ONE, group="score", gbytes=None, bandwidth_share=None, bits_per_sample=None)
    plain: dict[str, object] = {
        "name": "toy",
        "shape": toys.recipe().shape,
        "processor": "A Processor",
        "cores": 2,
        "operations": {1: 1e11, 2: 2e11},
        "bytes_read": {1: 7e10, 2: 1.3e11},
        "speeds": (
            slow,
            ONE,
            two,
            half,
            scored,
            *(dataclasses.replace(ONE, group=one) for one in ("batch", "size", "say")),
            *TOLD,
        ),
        "targets": 1000,
        "busy": None,
    }
    return Benchmark(**{**plain, **changes})  # type: ignore[arg-type]


def test_the_text_has_every_case_and_fits() -> None:
    lines = made().to_text().splitlines()
    assert max(map(len, lines)) <= 120
    assert sum(line.startswith(("cpu ", "reference ")) for line in lines) == 11
    place = lines.index("scoring known sound, one sequence in each thread:")
    assert lines[place + 1].startswith("backend") and lines[place + 2].split()[-5:] == ["51.9", "52%", "-", "-", "7.6"]
    assert [line for line in lines if line.endswith(":") and line[:-1] in GROUPS.values()] == [
        f"{title}:" for title in GROUPS.values()
    ]
    row = next(line for line in lines if line.startswith("cpu")).split()
    assert " ".join(row) == "cpu float32 - 64 256 20 8 1 30,000 10% 3.75 266.7 51.9 52% 13.0 13% 7.6"
    assert next(line for line in lines if line.startswith("reference")).split()[-4:] == ["-", "13.0", "-", "7.6"]
    assert "at best, 2 threads: 200.0 GFLOP/s in registers, 130.0 GB/s read" in lines


def test_what_threads_gain_is_set_against_what_they_could() -> None:
    assert (
        "2 threads gain 1.90 x in float32; as many copies of the loop in registers gain 2.00 x: 95% of it"
        in made().to_text()
    )
    assert "threads gain" not in made(speeds=(ONE,)).to_text()


def test_what_half_precision_costs_is_told() -> None:
    told = made().to_text()
    assert "held-out bits/sample over 1,000 targets: float32 4.50000, float16 4.49999 (-0.000010)" in told
    without = dataclasses.replace(ONE, bits_per_sample=None)
    assert "held-out bits/sample: not measured" in made(speeds=(without,)).to_text()


def test_whether_text_is_said_in_real_time_is_told_plainly() -> None:
    said = dataclasses.replace(ONE, group="say", told="phones", real_time=9.431, first_sound=0.874)
    lines = made(speeds=(ONE, said)).to_text().splitlines()
    assert "text is said in real time on one core: yes, 9.43 x; a fresh process sounds after 0.87 s" in lines
    assert lines[lines.index("saying a sentence, from its text on:") + 2].split()[:3] == ["cpu", "float32", "phones"]
    slow = dataclasses.replace(said, real_time=0.99, first_sound=None)
    assert "text is said in real time on one core: no, 0.99 x" in made(speeds=(slow,)).to_text().splitlines()
    assert "text is said" not in made(speeds=(ONE,)).to_text()


def test_json_is_a_list_of_cases() -> None:
    cases = json.loads(json.dumps(made().to_json()))
    assert len(cases) == 11
    assert {"backend", "dtype", "batch", "threads", "samples_per_second", "real_time", "roofline_share"} <= set(
        cases[0]
    )
    assert cases[0]["roofline_share"] is None and cases[1]["bits_per_sample"] == 4.5


def test_what_being_told_and_guidance_cost_is_said() -> None:
    lines = made().to_text().splitlines()
    assert "of the speed of a network that is told nothing: linear 0.95" in lines
    assert "guidance (linear) takes 1.50 x the time of drawing without" in lines
    assert sum("linear" in line.split()[:3] for line in lines) == 2
    own = tuple(dataclasses.replace(one, told="its own") for one in TOLD[1:])
    alone = made(speeds=own).to_text()
    assert "told nothing:" not in alone and "guidance (its own) takes 1.50 x" in alone
    assert "guidance (" not in made(speeds=(ONE,)).to_text()
