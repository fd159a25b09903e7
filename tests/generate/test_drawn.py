"""What is drawn is the same in pieces and whole, and what an interruption cuts short is kept."""

from __future__ import annotations

import numpy as np
import pytest
import toys

from wavenet.generate.voice import Voice


def made(**output: float) -> Voice:
    recipe = toys.recipe(output=output)
    return Voice(recipe, toys.arrays(recipe))


@pytest.mark.parametrize("share", [0.0, 0.85])
@pytest.mark.parametrize("prime", [None, toys.wave(0.02, 0)], ids=["from start", "behind a prime"])
def test_streaming_gives_what_generating_gives(prime: np.ndarray | None, share: float) -> None:
    voice = made(preemphasis=share)
    common = {"samples": 75, "seed": 3, "count": 2, "temperature": 0.8, "prime": prime}
    parts = list(voice.stream(**common, chunk=10))
    assert [part.shape[1] for part in parts] == [10] * 7 + [5]
    whole = voice.generate(**common).samples
    assert np.array_equal(np.concatenate(parts, axis=1), whole)


def test_sound_with_pre_emphasis_goes_on_from_the_sound_of_its_prime() -> None:
    voice, plain = made(preemphasis=0.85), made()
    primed = voice.encode(toys.wave(0.02, 0))
    source = plain.sampler(3, 4)  # the same network, whose sound says its codes
    source.prime(primed)
    (drawn,) = source.generate(90)
    sound = voice.generate(samples=90, seed=4, count=3, prime=toys.wave(0.02, 0))
    for wave, codes in zip(sound.samples, drawn.codes, strict=True):
        assert np.array_equal(wave, voice.alphabet.decode(np.append(primed, codes))[len(primed) :])
    assert not np.array_equal(sound.samples, voice.alphabet.decode(drawn.codes))


def test_a_stream_without_length_is_endless() -> None:
    stream = made().stream(seed=1, chunk=10)
    assert sum(next(stream).shape[1] for _ in range(50)) == 500


@pytest.mark.parametrize("backend", ["reference", "cpu"])
def test_an_interruption_keeps_what_was_made(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    voice = made()
    source = voice.engine
    calls = 0

    def interrupting(*arguments: object) -> object:
        engine = source(*arguments)  # type: ignore[arg-type]
        draw = engine.draw

        def counted(*inner: object) -> object:
            nonlocal calls
            calls += 1
            if calls > 2:
                raise KeyboardInterrupt
            return draw(*inner)  # type: ignore[arg-type]

        engine.draw = counted  # type: ignore[method-assign, assignment]
        return engine

    monkeypatch.setattr(voice, "engine", interrupting)
    sound = voice.generate(samples=1000, seed=1, backend=backend)
    assert sound.stopped_by == "SIGINT" and not sound.complete
    assert sound.samples.shape == (1, 400)
    with pytest.raises(KeyboardInterrupt):  # nothing was made yet
        voice.generate(samples=1000, seed=1, backend=backend)
    for until_silence in (False, True):
        calls = -1
        sound = voice.generate(samples=1000, seed=1, count=3, backend=backend, until_silence=until_silence)
        assert sound.stopped_by == "SIGINT" and sound.lengths == (600,) * 3
