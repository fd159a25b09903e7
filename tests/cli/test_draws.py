"""`generate` of what is asked for, and `vocode`: names, lines, streams and refusals."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import feature_toys
import numpy as np
import pytest
import soundfile
import toys
from feature_toys import logarithms

import wavenet
from wavenet import cli
from wavenet.audio import files
from wavenet.cli.draws import named
from wavenet.errors import Terminated
from wavenet.generate import originals, vocode
from wavenet.model import bundle
from wavenet.model.bundle import Bundle


def run(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def streamed(monkeypatch: pytest.MonkeyPatch, here: Path, *arguments: object) -> np.ndarray:
    """Return what a command writes to stdout, as a reader of sound files gets it."""
    with (here / "stream.wav").open("w") as stdout, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        assert run(*arguments, "-o", "-") == 0
    return soundfile.read(here / "stream.wav")[0]


# --- generate --------------------------------------------------------------------------------------------------------


def test_every_value_in_turn_is_named_in_files_and_in_the_closing_line(
    told_run: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", told_run, "--speaker", "bob", "--label", "all", "--seed", 5) == 0
    told = capsys.readouterr()
    names = [f"toy-s5-bob-{label}.wav" for label in ("high", "low", "middle")]
    assert sorted(path.name for path in here.iterdir()) == names
    shown = [f"{name} (speaker bob, label {name[11:-4]})" for name in names]
    assert told.out.startswith(f"{', '.join(shown)}: 0.1") and told.out.endswith("seed 5\n")
    assert "toy: drawing 3 sounds as long as real ones with seed 5" in told.err
    lengths = {soundfile.info(name).frames - 40 for name in names}  # without the tail of silence
    assert lengths <= {360 + 40 * word + 17 * take for word in range(3) for take in (1, 2)} and len(lengths) > 1
    assert run("generate", told_run, "--speaker", "bob", "--label", "all", "--seed", 5) == 2
    assert run("generate", told_run, "--condition", "speaker=bob", "--label", "low", "--seed", 5, "--samples", 80) == 2


def test_a_voice_told_what_nothing_predicts_says_so_once(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = feature_toys.recipe(mel=feature_toys.MEL)
    about = {"told": {"fields": {}, "durations": []}}
    bundle.save(here / "voice", Bundle(made, toys.arrays(made), about, {"valid_bits": 1.0, "order0_bits": 2.0}))
    assert run("generate", here / "voice", "--samples", 20, "--backend", "reference", "--seed", 1) == 0
    told = capsys.readouterr().err
    assert told.count("is told a mel spectrogram, which `generate` does not have: expect babble; `wavenet vocode`") == 1


def test_names_of_files_for_more_sounds_than_combinations_or_with_o(
    told_run: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("generate", told_run, "--samples", 50, "--seed", 1)
    assert run(*common, "--label", "low", "-n", 2) == 0
    assert capsys.readouterr().out.endswith("seed 1, label low\n")
    assert sorted(path.name for path in here.iterdir()) == ["toy-s1-low-0.wav", "toy-s1-low-1.wav"]
    assert run(*common, "--label", "all", "-n", 4, "-o", "out.wav") == 0
    assert "out-3.wav (label high): 0.01 s" in capsys.readouterr().out
    assert run(*common, "--label", "all", "-n", 2, "-o", "some.flac") == 0
    assert {path.name for path in here.glob("some*")} == {"some-0.flac", "some-1.flac"}
    assert named("a", [{"x": "../b c"}, {"x": "B_C"}, {"x": "y" * 99}]) == ["a-.._b_c", "a-B_C", f"a-{'y' * 24}"]
    assert named("a", [{"x": "É"}, {"x": "é"}]) == ["a-É-0", "a-é-1"]


def test_a_stream_of_what_is_asked_for_is_the_file(
    told_run: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("generate", told_run, "--label", "low", "--seed", 3)
    assert run(*common, "-o", "a.wav") == 0
    assert np.array_equal(streamed(monkeypatch, here, *common), soundfile.read("a.wav")[0])
    assert "seed 3, label low\n" in capsys.readouterr().err
    assert run(*common[:2], "--label", "all", "-o", "-") == 2
    assert "-o - streams one sound (got 3)" in capsys.readouterr().err
    assert len(streamed(monkeypatch, here, "generate", told_run)) == 3 * toys.RATE  # nothing asked for: three seconds


def test_conditions_work_beside_the_other_options(
    told_run: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from wavenet.generate import silence
    from wavenet.generate.watch import Gathering

    bundle = Path(shutil.copytree(told_run / "model", here / "judged"))
    config = json.loads((bundle / "config.json").read_text())
    voice = wavenet.load(bundle)
    windows = Gathering(voice.alphabet, toys.RATE).ranges().to_json()
    config["training"]["held_out"] = {"clips": {"middle": 3.0}, "windows": windows}
    (bundle / "config.json").write_text(json.dumps(config))
    files.write(here / "prime.wav", toys.wave(0.1, 1), toys.RATE)
    monkeypatch.setattr(silence, "SECONDS", 0.01)
    monkeypatch.setattr(silence, "DBFS", 0.0)  # all of it is silent, once a louder frame has been
    common = ("generate", bundle, "--speaker", "ann", "--label", "all", "--seed", 2)
    assert run(*common, "--verify", "--prime", "prime.wav", "-o", "a.wav") == 0
    assert run(*common, "--best-of", 2, "--until-silence", "-o", "b.wav") == 0
    told = capsys.readouterr()
    assert "verified, weights as float16" in told.err and told.err.count("kept sequence") == 3
    assert "drawing 3 sounds as long as real ones, each the best of 2, with seed 2" in told.err
    assert len(list(here.glob("[ab]-?.wav"))) == 6


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--speaker", "anne"), "the model knows no speaker 'anne' (did you mean 'ann'?); it knows ann, bob"),
        (("--condition", "lable=low"), "the model has no field 'lable' (did you mean 'label'?)"),
        (("--speaker", "ann", "--condition", "speaker=bob"), "'speaker' is given as 'ann' and as 'bob'; give one"),
    ],
)
def test_what_is_not_known_is_exit_2(
    told_run: Path, here: Path, options: tuple[str, ...], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write(here / "a.wav", toys.wave(0.1, 1), toys.RATE)
    for command in (("generate", told_run), ("vocode", told_run, "a.wav", "-o", "b.wav")):
        assert run(*command, *options) == 2
        said = capsys.readouterr().err
        assert words in said.splitlines()[-1] and not (here / "b.wav").exists()


@pytest.mark.parametrize("options", [(), ("--label", "all")])
def test_more_sounds_than_memory_holds_are_refused_at_once(
    told_run: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("generate", told_run, "-n", 10**12, *options) == 2
    assert "the queues of 1,000,000,000,000 sequences need" in capsys.readouterr().err


def test_a_voice_that_is_told_nothing_says_so(trained_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("generate", trained_run, "--speaker", "ann") == 2
    assert "toy is told nothing but the past of its sound; leave conditions out" in capsys.readouterr().err
    assert run("vocode", trained_run, "a.wav", "-o", "b.wav") == 2
    assert "toy is told nothing but the past of its sound: a copy is made of mel" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["pitch", "=60", "pitch=", ""])
def test_a_condition_is_a_field_and_a_value(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run("generate", "x", "--condition", wrong)
    assert ended.value.code == 2 and "expected FIELD=VALUE such as pitch=60" in capsys.readouterr().err


def test_guidance_reaches_draws_of_all_kinds(
    told_run: Path, trained_run: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    files.write(here / "in.wav", toys.wave(0.1, 1), toys.RATE)
    generate = ("generate", told_run, "--speaker", "ann", "--label", "low", "--seed", 2)
    for name, common in (("a", generate), ("b", ("vocode", told_run, "in.wav", "--seed", 2))):
        made = [
            run(*common, "-o", f"{name}{guidance}.wav", "--verify", "--guidance", guidance) for guidance in (0, 1, 8)
        ]
        assert made == [0, 0, 0] and capsys.readouterr().err.count("verified, weights as float16") == 3
        assert run(*common, "-o", f"{name}.wav") == 0
        none, one, most, plain = (soundfile.read(f"{name}{guidance}.wav")[0] for guidance in (0, 1, 8, ""))
        assert np.array_equal(one, plain) and not np.array_equal(most, plain) and not np.array_equal(none, most)
        assert np.array_equal(streamed(monkeypatch, here, *common, "--guidance", 8), most)
        capsys.readouterr()
        assert run(*common, "-o", "x.wav", "--guidance", 11) == 2
        refused = capsys.readouterr().err
        assert "the guidance is 11.0, expected a number from 0 to 10" in refused and "drawing" not in refused
    free = ("generate", told_run, "--samples", 50, "--seed", 2)
    assert run(*free, "-o", "free.wav") == 0 == run(*free, "-o", "free8.wav", "--guidance", 8)
    assert Path("free.wav").read_bytes() == Path("free8.wav").read_bytes()
    assert "warning: --guidance 8 has nothing to follow" in capsys.readouterr().err
    assert run("generate", trained_run, "-o", "x.wav", "--guidance", 2) == 2
    assert "this network is told nothing; leave it at 1" in capsys.readouterr().err


# --- vocode ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def takes(here: Path) -> Path:
    """Return a folder of two sounds of other rates and formats, one of them in a folder of its own."""
    (here / "takes" / "deep").mkdir(parents=True)
    soundfile.write(here / "takes" / "one.flac", toys.wave(0.2, 1, 8_000), 8_000)
    soundfile.write(here / "takes" / "deep" / "two.wav", np.tile(toys.wave(0.1, 2, 44_100)[:, None], 2), 44_100)
    return here / "takes"


def test_folders_and_files_are_copied_under_their_names(
    told_run: Path, takes: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("vocode", told_run, "--seed", 3)
    assert run(*common, takes, "-o", "copies", "--speaker", "ann", "--cache", "kept") == 0
    told = capsys.readouterr()
    assert "toy: copying 2 sounds with seed 3, speaker ann" in told.err and "2 sounds: 0.30 s" in told.err
    lines = told.out.splitlines()
    assert lines[0].startswith("copies/deep/two.wav: 0.10 s at 4000 Hz in ") and "x real time), seed 3, sp" in lines[0]
    assert lines[1].startswith("copies/one.wav: 0.20 s at 4000 Hz") and (here / "kept").is_dir()
    assert [soundfile.info(f"copies/{name}").frames for name in ("one.wav", "deep/two.wav")] == [800, 400]
    assert run(*common, takes / "one.flac", "-o", "copies", "--speaker", "ann") == 2
    assert "copies/one.wav exists" in capsys.readouterr().err
    assert run(*common, takes / "one.flac", "-o", "alone.flac", "--speaker", "ann") == 0
    assert np.array_equal(soundfile.read("alone.flac")[0], soundfile.read("copies/one.wav")[0])
    assert run(*common, takes / "one.flac", "-o", "copies/", "--force") == 0  # told no speaker
    assert not np.array_equal(soundfile.read("alone.flac")[0], soundfile.read("copies/one.wav")[0])


def test_a_stream_of_a_copy_is_the_file_and_so_is_that_of_its_mel(
    told_run: Path, takes: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave = toys.wave(0.2, 1)
    wave[-400:] = 0.0
    files.write(here / "a.wav", wave, toys.RATE)
    voice = wavenet.load(told_run)
    one = originals.of_one(voice.recipe, here / "a.wav")
    np.save(here / "a.npy", logarithms(one.tracks.read(0, 0, 20)[:, 9:], 1e-3))
    common = ("vocode", told_run, "--seed", 3, "--level", "voice", "--temperature", 0.7, "--top-k", 9, "--top-p", 0.9)
    assert run(*common, "a.wav", "-o", "b.wav", "--backend", "cpu", "--threads", 1, "--storage", "float32") == 0
    more = ("--backend", "cpu", "--threads", 2, "--storage", "float32")
    for given in ("a.wav", "a.npy"):
        assert np.array_equal(streamed(monkeypatch, here, *common, given, *more), soundfile.read("b.wav")[0])
    assert run(*common, "a.npy", takes / "one.flac", "-o", "both", *more, "--verify") == 0
    assert np.array_equal(soundfile.read("both/a.wav")[0], soundfile.read("b.wav")[0])


def test_draws_of_copies_are_those_that_were_asked_for(told_run: Path, takes: Path, here: Path) -> None:
    def copy(name: str, *options: object) -> np.ndarray:
        assert run("vocode", told_run, takes / "one.flac", "-o", f"{name}.wav", "--seed", 3, *options) == 0
        return soundfile.read(f"{name}.wav", dtype="int16")[0]

    plain = copy("plain", "--level", "voice")
    assert len(set(copy("cold", "--level", "voice", "--temperature", 0).tolist())) < len(set(plain.tolist()))
    assert np.array_equal(
        copy("greedy", "--level", "voice", "--top-k", 1), copy("colder", "--level", "voice", "--temperature", 0)
    )
    assert len(set(copy("few", "--level", "voice", "--top-p", 0.3).tolist())) < len(set(plain.tolist()))
    loud = copy("loud")
    assert not np.array_equal(loud, plain) and np.argmax(np.abs(loud)) == np.argmax(np.abs(plain))
    reference = copy("reference", "--level", "voice", "--backend", "reference", "--storage", "float16")
    assert np.array_equal(reference[:50], plain[:50])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("takes/one.flac", "-o", "copy.mp3"), "got the suffix '.mp3', expected .wav or .flac"),
        (("takes", "-o", "copy.wav"), "-o copy.wav is a file, but there may be several sounds; name a folder"),
        (("takes", "-o", "-"), "-o - streams one sound (got 2)"),
        (("takes/one.flac", "-o", "-", "--verify"), "-o - streams one sound and cannot verify it"),
        (("takes", "takes/one.flac", "-o", "x"), "would both be x/one.wav; copy them one by one"),
        (("takes/deep/two.wav", "-o", "takes/deep/", "--force"), "is one of the sounds that are copied; name another"),
        (("takes/on.flac", "-o", "x.wav"), "there is no takes/on.flac (did you mean"),
        (("mel.npy", "-o", "x.wav"), "mel.npy holds NaN or infinity in frame 0; compute it anew"),
        (("bad.wav", "takes", "-o", "x"), "bad.wav cannot be copied: "),
        (("takes", "-o", "x", "--temperature", "nan"), "temperature"),
        (("takes", "-o", "x", "--seed", "-1"), "the seed is -1"),
    ],
)
def test_what_cannot_be_copied_is_one_sentence_and_exit_2(
    told_run: Path, takes: Path, here: Path, words: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(here / "mel.npy", np.full((4, 6), np.nan, np.float32))
    (here / "bad.wav").write_text("no sound")
    before = sorted(here.rglob("*.*"))
    assert run("vocode", told_run, *words) == 2
    told = capsys.readouterr()
    assert said in told.err.splitlines()[-1] and told.out == "" and sorted(here.rglob("*.*")) == before


def test_what_was_whole_before_a_signal_stays_and_the_rest_is_named(
    told_run: Path, takes: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pieces = vocode.Vocoder._batch

    def stopped(self: vocode.Vocoder, rows: list[int], *rest: object) -> object:
        if rows == [0]:
            raise Terminated
        yield from pieces(self, rows, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(vocode, "BATCH", 1)
    monkeypatch.setattr(vocode.Vocoder, "_batch", stopped)
    files.write(here / "long.wav", toys.wave(0.5, 3), toys.RATE)
    assert run("vocode", told_run, takes, "long.wav", "-o", "copies") == 143
    told = capsys.readouterr()
    assert told.out.count("\n") == 2 and "warning: not whole, so not written: copies/deep/two.wav\n" in told.err
    assert sorted(path.name for path in (here / "copies").rglob("*.*")) == ["long.wav", "one.wav"]


def test_help_says_what_a_mel_must_be(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run("vocode", "--help")
    told = capsys.readouterr().out
    for words in ("hop_samples", "natural logarithms", "Tacotron 2 and FastPitch", "--speaker NAME", "--level"):
        assert words in told
