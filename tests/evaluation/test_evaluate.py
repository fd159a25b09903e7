"""`evaluate`: the scores of a run on its own sound and on other sound, to the last sample, and what it refuses."""

from __future__ import annotations

import json
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import toys

import wavenet
from wavenet import outputs
from wavenet.audio import files
from wavenet.audio.flac_size import FlacSize
from wavenet.errors import BundleError, DivergenceError, InputError
from wavenet.evaluation import held_out, likelihood, statistics_file
from wavenet.evaluation.baselines import Baselines, Statistics
from wavenet.evaluation.evaluate import evaluate, score
from wavenet.evaluation.intervals import interval
from wavenet.evaluation.report import Evaluation
from wavenet.generate import voice as voices
from wavenet.model import bundle
from wavenet.sharing.export import export
from wavenet.text import to_json


@pytest.fixture(scope="module")
def made(trained_run: Path, sound_folder: Path) -> Evaluation:
    return evaluate(trained_run, split="valid")


def plain_bits(run: Path, arrays: dict[str, np.ndarray] | None = None) -> list[float]:
    """Return the bits per sample of each valid file, from the definition."""
    voice, found = voices.load(run), []
    held = held_out.find_sound(run, split="valid")
    for span in held.spans:
        codes = voice.alphabet.encode(held.corpus.sound.read(span.clip, 0, span.last))
        fed = np.append(voice.alphabet.size, codes[:-1])
        logp = toys.forward(voice.recipe, arrays or voice.arrays, fed[None])[0]
        found.append(-np.take_along_axis(logp, codes[:, None], axis=-1).mean() / np.log(2))
    return found


def test_files_total_and_interval_are_those_of_the_definition(made: Evaluation, trained_run: Path) -> None:
    expected = plain_bits(trained_run)
    assert [one.bits for one in made.files] == pytest.approx(expected, abs=1e-4)
    weights = [one.targets for one in made.files]
    assert made.total.bits == pytest.approx(np.average(expected, weights=weights), abs=1e-4)
    assert made.total.low is None or made.total.low <= made.total.bits <= made.total.high
    assert made.total.targets == sum(weights) == round(made.seconds * toys.RATE)


def test_a_voice_with_pre_emphasis_is_scored_on_codes_of_its_own_sound(sound_folder: Path, tmp_path: Path) -> None:
    recipe = toys.recipe(output={"preemphasis": 0.85}, train={"sample_steps": 100})
    run = toys.train(sound_folder, tmp_path / "run", tmp_path / "cache", recipe, max_steps=2)
    made = evaluate(run, split="valid", cache=tmp_path / "cache")
    assert [one.bits for one in made.files] == pytest.approx(plain_bits(run), abs=1e-4)
    assert voices.load(run).training["held_out"]["bits"] == pytest.approx(made.total.bits, abs=1e-4)
    assert made.preemphasis == 0.85 and "sound with pre-emphasis 0.85" in made.to_text()
    alphabet, held = outputs.of(recipe), held_out.find_sound(run, split="valid")
    flac = FlacSize(alphabet)  # of the same codes
    for span in held.spans:
        flac.add(alphabet.encode(held.corpus.sound.read(span.clip, 0, span.last)))
    assert made.baselines["flac"] == flac.bits_per_sample()


@pytest.mark.parametrize("backend", ["torch", "cpu"])
def test_backends_agree(made: Evaluation, trained_run: Path, backend: str) -> None:
    assert evaluate(trained_run, split="valid", backend=backend).total.bits == pytest.approx(made.total.bits, abs=1e-4)


def test_baselines_are_of_the_training_sound_on_the_same_targets(made: Evaluation, trained_run: Path) -> None:
    held, alphabet = held_out.find_sound(trained_run, split="valid"), outputs.of(toys.recipe())
    rivals = Baselines(Statistics.gather(held.corpus.sound, held.corpus.spans, alphabet), alphabet)
    nats = dict.fromkeys(("order0", "order1", "linear"), 0.0)
    for span in held.spans:
        codes = alphabet.encode(held.corpus.sound.read(span.clip, 0, span.last))
        for name, found in rivals.nats(np.zeros(0, np.int64), codes).items():
            nats[name] += float(found.sum())
    for name, total in nats.items():
        assert made.baselines[name] == pytest.approx(total / made.total.targets / np.log(2))
    assert made.baselines["uniform"] == 4.0 and made.baselines["flac"] > 0
    assert made.baselines["order0"] == pytest.approx(voices.load(trained_run).training["order0_bits"])


def test_a_voice_in_half_precision_is_scored_by_its_name_beside_the_same_baselines(
    trained_run: Path, shipped: Path, tmp_path: Path
) -> None:
    export(trained_run, shipped / "bell", force=True)
    folder = toys.write_sounds(tmp_path / "sounds", 2)
    whole, half = evaluate(trained_run / "model", folder), evaluate("bell", folder)
    assert half.baselines == whole.baselines and {"order1", "linear"} <= set(half.baselines)
    assert 0 < abs(half.total.bits - whole.total.bits) < 1e-3


def test_without_the_file_of_statistics_they_are_made_anew(
    made: Evaluation, trained_run: Path, tmp_path: Path, said: list[str]
) -> None:
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    (run / "model" / statistics_file.NAME).write_bytes(b"damaged")
    assert evaluate(run, split="valid").baselines == made.baselines
    assert len(said) == 1 and "statistics.safetensors is not used" in said[0]
    shutil.copytree(run / "model", tmp_path / "alone")
    folder = toys.write_sounds(tmp_path / "sounds", 2)
    (tmp_path / "alone" / statistics_file.NAME).unlink()
    alone = evaluate(tmp_path / "alone", folder).baselines
    assert set(alone) == {"uniform", "order0", "flac"}
    assert alone["order0"] == pytest.approx(evaluate(run, folder).baselines["order0"])
    assert any("need the training sound, which is not here" in line for line in said)


def test_raw_weights_are_those_before_averaging(trained_run: Path) -> None:
    raw = bundle.raw_weights(str(trained_run), toys.recipe().shape)
    made = evaluate(trained_run, split="valid", raw=True)
    weights = [one.targets for one in made.files]
    assert made.raw == pytest.approx(np.average(plain_bits(trained_run, raw), weights=weights), abs=1e-4)
    assert made.raw != made.total.bits
    with pytest.raises(BundleError, match="has no checkpoints"):
        evaluate(trained_run / "model", trained_run.parent, raw=True)


def test_surprisal_holds_the_bits_of_every_sample(made: Evaluation, trained_run: Path, tmp_path: Path) -> None:
    target = tmp_path / "bits.npy"
    evaluate(trained_run, split="valid", surprisal=target)
    bits, at = np.load(target), 0
    assert bits.dtype == np.float32 and len(bits) == made.total.targets
    for one in made.files:
        assert bits[at : at + one.targets].mean() == pytest.approx(one.bits, abs=1e-4)
        at += one.targets
    with pytest.raises(InputError, match=r"exists; .* overwrite it with force=True"):
        evaluate(trained_run, split="valid", surprisal=target)
    with pytest.raises(InputError, match=r"goes to a \.npy file, got .*bits\.txt"):
        evaluate(trained_run, split="valid", surprisal=tmp_path / "bits.txt")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["bits.npy"]


def test_a_file_of_the_users_is_scored_once_and_its_extremes_are_told(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes, plain = [], likelihood.teacher_forced
    monkeypatch.setattr(likelihood, "teacher_forced", lambda *given: passes.append(given) or plain(*given))
    quiet = np.concatenate([toys.wave(1.0, 1), np.random.default_rng(0).uniform(-1, 1, 4_000).astype(np.float32)])
    files.write(tmp_path / "mine.wav", np.concatenate([quiet, toys.wave(2.0, 2)]), toys.RATE)
    made = wavenet.evaluate(trained_run, tmp_path / "mine.wav")
    assert made.split == "all" and len(made.files) == 1 and made.total.low is None and len(passes) == 1
    assert made.extremes is not None and made.excerpt is None
    assert 0.9 <= made.extremes.worst.start <= 1.1
    assert json.loads(to_json(made.to_json()))["extremes"]["worst"]["bits"] > made.total.bits
    assert "worst second: from" in made.to_text()


def test_of_many_files_the_most_surprising_is_kept_to_be_drawn(made: Evaluation, trained_run: Path) -> None:
    again = evaluate(trained_run, split="valid", excerpt=True)
    worst = max(again.files, key=lambda one: one.bits)
    assert again.excerpt is not None and again.excerpt.path == worst.path
    assert again.excerpt.usual == pytest.approx(made.total.bits, abs=1e-4)
    assert len(again.excerpt.wave) == len(again.excerpt.bits) == worst.targets
    assert made.excerpt is None or len(made.files) == 1


def test_speakers_and_labels_have_scores_of_their_own(trained_run: Path, tmp_path: Path) -> None:
    folder = toys.write_sounds(tmp_path / "named", 4)
    rows = ["path,speaker,label", *(f"sound{i}.wav,{'ab'[i % 2]},x" for i in range(4))]
    (folder / "metadata.csv").write_text("\n".join(rows), encoding="utf-8")
    made = evaluate(trained_run, folder)
    assert [(one.name, one.files) for one in made.speakers] == [("a", 2), ("b", 2)] and not made.labels
    own = [one for one in made.files if one.speaker == "a"]
    total = sum(one.bits * one.targets for one in own) / sum(one.targets for one in own)
    assert made.speakers[0].bits == pytest.approx(total)
    nats, targets = zip(*((one.bits * one.targets * np.log(2), one.targets) for one in made.files), strict=True)
    assert (made.total.low, made.total.high) == pytest.approx(interval(np.array(nats), np.array(targets)))


def test_generated_sound_is_examined_where_that_is_asked_for(trained_run: Path) -> None:
    made = evaluate(trained_run, split="valid", sound=2, seed=3)
    assert made.generated is not None and made.generated.seed == 3 and made.generated.health.generated == 2
    assert made.generated.to_text()[0] in made.to_text()
    assert json.loads(to_json(made.to_json()))["generated"]["clips"] == 2


def test_a_limit_bounds_what_is_scored_and_what_was_trained_on_is_told(
    trained_run: Path, sound_folder: Path, said: list[str]
) -> None:
    assert evaluate(trained_run, sound_folder, limit=0.5).seconds == pytest.approx(0.5, abs=0.05)
    assert said.pop().startswith("the model was trained on 1 of these 2 files (sound0.wav)") and not said


def test_pieces_leave_no_mark_on_scores_or_baselines(
    made: Evaluation, trained_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(likelihood, "teacher_forced", partial(likelihood.teacher_forced, size=100))
    again = evaluate(trained_run, split="valid")
    assert again.total.bits == pytest.approx(made.total.bits, abs=1e-5)
    assert again.baselines == pytest.approx(made.baselines, rel=1e-9)


def test_baselines_of_other_sound_are_those_of_the_models_own(trained_run: Path, tmp_path: Path) -> None:
    folder = toys.write_sounds(tmp_path / "other", 5)
    (folder / "metadata.csv").write_text(
        "path,split\n"
        + "".join(f"sound{i}.wav,{'train' if i < 3 else 'valid' if i < 4 else 'test'}\n" for i in range(5))
    )
    made = evaluate(trained_run, folder)
    run = tmp_path / "run"
    shutil.copytree(trained_run, run)
    (run / "model" / statistics_file.NAME).unlink()
    assert made.split == "test" and evaluate(run, folder).baselines == made.baselines


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "tets"}, "no split 'tets'.*did you mean 'test'"),
        ({"backend": "gpu"}, "no backend 'gpu'.*expected auto, cpu, torch"),
        ({"limit": 0.0}, "the limit is 0.0, expected a number of seconds above 0"),
        ({"limit": "5s"}, "the limit is '5s', expected a number of seconds"),
        ({"split": 3}, "no split 3; expected one of test, valid, all"),
    ],
)
def test_wrong_options_are_one_sentence(trained_run: Path, options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        evaluate(trained_run, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_likelihoods_that_are_not_finite_name_the_file(trained_run: Path, sound_folder: Path, value: float) -> None:
    held, alphabet = held_out.find_sound(trained_run, sound_folder), outputs.of(toys.recipe())

    def judge(clip: int, past: np.ndarray, codes: np.ndarray, first: int) -> np.ndarray:
        return np.full(len(codes), value if clip == 3 else 1.0, np.float32)

    with pytest.raises(DivergenceError, match=r"toy gives samples of sound3\.wav no finite likelihood"):
        score("toy", held, judge, alphabet, None)
