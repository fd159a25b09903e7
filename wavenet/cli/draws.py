"""The verbs that draw sound: `generate`, `say`, which speaks, and `vocode`, which copies."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wavenet import disk
from wavenet.cli.results import STDOUT_REMEDY, check_target, path_of, show
from wavenet.errors import STOPS, InputError, Terminated, VerificationError
from wavenet.progress import Progress, log
from wavenet.text import many, some

if TYPE_CHECKING:
    from wavenet.generate.voice import Voice
    from wavenet.outputs import Floats

HOW = ("temperature", "top_k", "top_p", "guidance", "backend", "storage", "threads")  # options that all draws share
MOST_LETTERS = 24  # of a value, in the name of a file
SHOWN = 3  # files that one line names

Wanted = Mapping[str, str]


def generate(arguments: argparse.Namespace) -> int:
    """Draw sounds into files, or one to stdout."""
    from wavenet.generate.asked import stretched, unpredicted
    from wavenet.generate.best_of import aim_of
    from wavenet.generate.state import check_memory

    seed = _checked(arguments)
    if arguments.seconds is not None and not arguments.seconds > 0:
        raise InputError(f"--seconds is {arguments.seconds:g}, expected more than 0")
    voice = _loaded(arguments)
    if warning := unpredicted(voice.recipe):
        log.warning(warning)
    if arguments.best_of is not None:
        aim_of(voice.training, voice.name)
    total, streaming = voice.length(arguments.seconds, arguments.samples), arguments.output == "-"
    check_memory(voice.recipe.shape, (arguments.count or 1) * (arguments.best_of or 1))  # before there is a list of all
    wanted = voice.combinations(asked_for(arguments.condition), arguments.count)
    voice.guidance(arguments.guidance, any(wanted))  # refuses what is out of range before anything is said
    if arguments.guidance not in (None, 1.0) and not any(wanted):
        log.warning("--guidance %g has nothing to follow: ask for something, such as --label", arguments.guidance)
    free = arguments.seconds is None and arguments.samples is None  # each is as long as the voice knows such sounds
    free = free and voice.recipe.condition is not None and voice.vocabulary().knows_lengths(wanted)
    if any(wanted) and (warning := stretched(voice.vocabulary(), wanted, None if free else total)):
        log.warning(warning)
    if streaming:
        _check_stream(arguments, len(wanted))
    check_memory(voice.recipe.shape, len(wanted) * (arguments.best_of or 1), 0 if streaming else total)
    paths = [] if streaming else _targets(arguments, f"{voice.name}-s{seed}", wanted)
    prime = None if arguments.prime is None else _prime(arguments.prime, voice.sample_rate)
    chosen = {**_options(arguments, *HOW, "until_silence"), "seed": seed, "prime": prime}
    chosen |= {"samples": None if free else total, "condition": wanted}
    length = f"{len(wanted)} x {many(total, 'sample')}"
    length = f"{many(len(wanted), 'sound')} as long as real ones" if free else length
    each = "" if arguments.best_of is None else f", each the best of {arguments.best_of},"
    log.info("%s: drawing %s%s with seed %d", voice.name, length, each, seed)
    if streaming:
        sound = voice.stream(**chosen, chunk=max(100, voice.sample_rate // 20))
        _stream(voice, sound, None if free or arguments.until_silence else total, f"seed {seed}{_asked(wanted)}")
        return 0
    return _generate(arguments, voice, chosen, paths)


def _generate(arguments: argparse.Namespace, voice: Voice, chosen: dict[str, Any], paths: Sequence[Path]) -> int:
    """Draw sounds into files, and say what they are."""
    wanted = chosen["condition"]
    sound = voice.generate(**chosen, count=len(wanted), verify=arguments.verify, best_of=arguments.best_of)
    sound.save(paths, force=arguments.force)
    for path, choice in zip(paths, sound.choices, strict=False):  # no choices without --best-of
        log.info("%s: kept %s", path, choice)
    for warning in sound.warnings():
        log.warning(warning)
    speed = speed_of(sound.lengths, sound.sample_rate, sound.wall)
    same = _asked(wanted)
    names = [str(path) + ("" if same else _in_brackets(one)) for path, one in zip(paths, wanted, strict=True)]
    show(f"{', '.join(names)}: {speed}, seed {sound.seed}{same}")
    if not sound.complete:
        raise STOPS[str(sound.stopped_by)]
    if sound.difference is not None:
        _judge(sound.difference, sound.storage)
    return 0


def say(arguments: argparse.Namespace) -> int:
    """Say text into a file, or to stdout."""
    from wavenet.audio import files
    from wavenet.generate.say import check_speaker

    seed = _checked(arguments)
    voice = _loaded(arguments)
    check_speaker(voice.recipe, arguments.pitch)
    streaming, wanted = arguments.output == "-", asked_for(arguments.condition)
    if streaming:
        _check_open()
    path = Path(f"{voice.name}-s{seed}.wav") if arguments.output is None else path_of(arguments.output, "-o")
    assert path is not None
    if not streaming:
        check_target(path, "-o", files.WRITTEN, arguments.force)
    text = None if arguments.phones is not None else _text(arguments)
    manner = _options(arguments, "speed", "pitch", "varied")
    manner |= {} if arguments.sentence_silence is None else {"sentence_silence": arguments.sentence_silence}
    speaker = voice.speaker(seed=seed, condition=wanted, **_options(arguments, *HOW), **manner)
    coming, about = speaker.pieces(text, arguments.phones), f"seed {seed}{_asked([wanted])}"
    if streaming:
        log.info("%s: saying it with %s", voice.name, about)
        known, coming = speaker.begun(coming)
        _stream(voice, (part[None] for part in speaker.stream(coming, max(100, voice.sample_rate // 20))), known, about)
        return 0
    found, began = [*coming], time.monotonic()
    total = speaker.samples(found)
    log.info("%s: saying %s with %s", voice.name, many(len(found), "piece"), about)
    with (
        disk.explained(path, "free space or name another place"),
        files.Writer(path, total, voice.sample_rate, voice.bits, files.SOFTWARE) as target,
        Progress("saying", total, "samples") as progress,
    ):
        for wave in speaker.whole(found):
            target.write(wave)
            progress.advance(len(wave))
    show(f"{path}: {speed_of([total], voice.sample_rate, time.monotonic() - began)}, {about}")
    return 0


def _text(arguments: argparse.Namespace) -> str:
    """Return the text that is to be said: an argument, a file's, or that of stdin.

    Raises:
        InputError: it cannot be read, or is not UTF-8.
    """
    if arguments.file is None and arguments.text != "-":
        return str(arguments.text)
    name = "stdin" if arguments.file is None else arguments.file
    try:
        data = sys.stdin.buffer.read() if arguments.file is None else disk.given_path(arguments.file).read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text (byte {error.start:,}); save it as UTF-8") from None
    except (OSError, AttributeError) as error:  # a shell may have closed stdin
        raise InputError(f"{name} cannot be read ({getattr(error, 'strerror', None) or error})") from None


def vocode(arguments: argparse.Namespace) -> int:
    """Copy sounds into files, or one to stdout."""
    from wavenet.generate import originals
    from wavenet.generate.vocode import check_vocoder

    seed = _checked(arguments)
    voice = _loaded(arguments)
    check_vocoder(voice.recipe, streamed=arguments.output == "-")
    wanted = asked_for(arguments.condition)
    if wanted:
        voice.vocabulary().ids([wanted])
    found = originals.listed(arguments.inputs)
    streaming = arguments.output == "-"
    if streaming:
        _check_stream(arguments, len(found))
    paths = [] if streaming else _copies(arguments, found)
    sounds = originals.prepared(voice.recipe, found, path_of(arguments.cache, "--cache"), voice.usual())
    kept = [index for index, one in enumerate(sounds) if one is not None]
    vocoder = voice.vocoder(seed=seed, condition=wanted, **_options(arguments, *HOW, "verify", "level"))
    own = [one for one in sounds if one is not None]
    about = f"seed {seed}{_asked([wanted])}"
    log.info("%s: copying %s with %s", voice.name, many(len(own), "sound"), about)
    if streaming:
        sound = (piece.wave[None] for piece in vocoder.copies(own, chunk=max(100, voice.sample_rate // 20)))
        _stream(voice, sound, own[0].samples, about)
        return 0
    targets = [paths[index] for index in kept]
    began = time.monotonic()
    _written(vocoder.save(own, targets), targets, voice.sample_rate, about)
    if len(own) > 1:
        speed = speed_of([sum(one.samples for one in own)], voice.sample_rate, time.monotonic() - began)
        log.info("%s: %s", many(len(own), "sound"), speed)
    if vocoder.difference is not None:
        _judge(vocoder.difference, vocoder.storage)
    return 0


def _written(copies: Iterator[Any], targets: Sequence[Path], sample_rate: int, about: str) -> None:
    """Say of each copy that it is whole; of the others, where a signal cuts the work short, that they are not."""
    left = dict.fromkeys(targets)
    try:
        with closing(copies):  # type: ignore[type-var]  # a generator, which then leaves no temporary files
            for one in copies:
                del left[one.path]
                show(f"{one.path}: {speed_of([one.samples], sample_rate, one.wall)}, {about}")
    except (KeyboardInterrupt, Terminated):
        log.warning("not whole, so not written: %s", some([str(path) for path in left], SHOWN))
        raise


def _options(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    return {name: getattr(arguments, name) for name in names}


def _checked(arguments: argparse.Namespace) -> int:
    """Return the seed; numbers that no draw has are refused here, before the model is loaded."""
    from wavenet.generate.voice import draw_seed
    from wavenet.outputs import checked_draw

    checked_draw(arguments.temperature, arguments.top_k, arguments.top_p)
    return draw_seed(arguments.seed)


def _loaded(arguments: argparse.Namespace) -> Voice:
    from wavenet.generate import voice as voices

    voice = voices.load(arguments.model)
    for warning in voice.warnings():
        log.warning(warning)
    return voice


def asked_for(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Return the values that options ask for, by field.

    Raises:
        InputError: a field is given twice.
    """
    wanted: dict[str, str] = {}
    for name, value in pairs:
        if name in wanted:
            raise InputError(
                f"the field {name!r:.60} is given as {wanted[name]!r:.40} and as {value!r:.40}; give one, or `all`"
            )
        wanted[name] = value
    return wanted


def _asked(wanted: Sequence[Wanted]) -> str:
    """Return what all sounds are asked for, in words behind a comma; nothing where they differ."""
    from wavenet.generate.asked import described

    same = bool(wanted[0]) and all(one == wanted[0] for one in wanted)
    return f", {described(wanted[0])}" if same else ""


def _in_brackets(wanted: Wanted) -> str:
    from wavenet.generate.asked import described

    return f" ({described(wanted)})" if wanted else ""


# --- files and streams -----------------------------------------------------------------------------------------------


def _targets(arguments: argparse.Namespace, name: str, wanted: Sequence[Wanted]) -> list[Path]:
    """Return where each sound goes: without -o, its name says what was asked for."""
    from wavenet.audio import files
    from wavenet.generate.sound import numbered

    out = path_of(arguments.output, "-o")
    paths = numbered(Path(f"{name}.wav"), len(wanted)) if out is None else numbered(out, len(wanted))
    if out is None and wanted[0]:
        paths = [Path(f"{stem}.wav") for stem in named(name, wanted)]
    for path in paths:
        check_target(path, "-o", files.WRITTEN, arguments.force)
    return paths


def named(name: str, wanted: Sequence[Wanted]) -> list[str]:
    """Return a name for each sound that says what was asked for; sounds that were asked for alike are numbered.

    >>> named("digits-s5", [{"speaker": "jackson", "label": "7"}])
    ['digits-s5-jackson-7']
    """
    stems = ["-".join([name, *map(_letters, one.values())]) for one in wanted]
    counts, seen = Counter(stem.casefold() for stem in stems), Counter[str]()
    several = max(counts.values()) > 1
    for index, stem in enumerate(stems):
        stems[index] = f"{stem}-{seen[stem.casefold()]}" if several else stem
        seen[stem.casefold()] += 1
    return stems


def _letters(value: str) -> str:
    """Return what of a value can be part of a file's name."""
    return re.sub(r"[^\w.+]+", "_", value)[:MOST_LETTERS]


def _copies(arguments: argparse.Namespace, found: Sequence[Any]) -> list[Path]:
    """Return where each copy goes: a file, or files in a folder."""
    from wavenet.audio import files

    out = path_of(arguments.output, "-o")
    assert out is not None
    folder = arguments.output.endswith(("/", os.sep)) or out.is_dir() or len(found) > 1 or found[0].within
    if folder and not out.is_dir() and (out.is_file() or out.suffix.lower() in files.WRITTEN):
        raise InputError(f"-o {out} is a file, but there may be several sounds; name a folder")
    paths = [out / f"{one.stem}.wav" for one in found] if folder else [out]
    inputs, seen = {os.path.realpath(one.path) for one in found}, dict[str, Any]()
    for path, one in zip(paths, found, strict=True):
        other = seen.setdefault(str(path).casefold(), one)
        if other is not one:
            raise InputError(f"the copies of {other.path} and {one.path} would both be {path}; copy them one by one")
        if os.path.realpath(path) in inputs:
            raise InputError(f"-o {path} is one of the sounds that are copied; name another place")
        check_target(path, "-o", files.WRITTEN, arguments.force)
    return paths


def _check_stream(arguments: argparse.Namespace, count: int) -> None:
    """Raise InputError where what is asked for cannot be streamed to stdout."""
    if count != 1 or arguments.verify:
        got = f" (got {count:,})" if count != 1 else ""
        raise InputError(f"-o - streams one sound{got} and cannot verify it; give a name for more and for --verify")
    if getattr(arguments, "best_of", None) is not None:
        raise InputError("-o - streams a sound as it is made, --best-of keeps one of several made; give a file name")
    _check_open()


def _check_open() -> None:
    if sys.stdout.name == os.devnull:
        raise InputError("-o - needs an open stdout, which was closed; give a file name")


def _prime(text: str, sample_rate: int) -> Floats:
    """Return the sound of a file, or of stdin."""
    from wavenet.generate import priming

    if text == "-":
        return priming.from_pipe(getattr(sys.stdin, "buffer", None), sample_rate)  # a shell may have closed it
    return priming.mono(text, sample_rate)


def _stream(voice: Voice, sound: Iterable[Floats], total: int | None, about: str) -> None:
    """Write WAV bytes to stdout as sound is made [1, n], the header saying `total`; and say how long that took."""
    from wavenet.audio import files

    pipe, began, made = sys.stdout.buffer, time.monotonic(), 0
    with disk.explained("stdout", STDOUT_REMEDY):
        pipe.write(files.wav_header(voice.sample_rate, total, voice.bits, files.SOFTWARE))
        for part in sound:
            pipe.write(files.wav_bytes(part[0], voice.bits))
            pipe.flush()
            made += part.shape[1]
    log.info("stdout: %s, %s", speed_of([made], voice.sample_rate, time.monotonic() - began), about)


def speed_of(lengths: Sequence[int], sample_rate: int, wall: float) -> str:
    """Return how long some sounds are, each in samples, and how long they took to make, in words."""
    from wavenet.generate.sound import seconds

    times = sum(lengths) / sample_rate / wall if wall > 0 else 0.0
    return f"{seconds(lengths, sample_rate)} at {sample_rate} Hz in {wall:.2f} s ({times:.2f} x real time)"


def _judge(difference: float, storage: str) -> None:
    from wavenet.generate.verify import BOUND

    verdict = f"log-probabilities of sampler and training graph differ by at most {difference:.2e} nats"
    if not difference <= BOUND:  # NaN is not agreement either
        raise VerificationError(f"{verdict}, expected at most {BOUND:g}; please report this with the model")
    log.info("verified, weights as %s: %s (bound %g)", storage, verdict, BOUND)
