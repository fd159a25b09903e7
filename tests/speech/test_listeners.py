"""Processes answer in order, one for each core at most; one that ends is replaced, and all end with the work."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator

import pytest
import spoken_toys

from wavenet.errors import InputError, SoundError
from wavenet.speech import english, listeners
from wavenet.speech.listeners import Listener, cores, heard

THREE = [("three", [["TH", "R", "IY"]])]


@pytest.fixture
def listener() -> Iterator[Listener]:
    spoken_toys.needs_an_aligner()
    one = Listener()
    yield one
    one.close()


def pcm() -> bytes:
    return english.pcm(spoken_toys.spoken(["three"])[0])


def test_a_process_that_ends_is_named_and_replaced(listener: Listener) -> None:
    found = listener.find(THREE, pcm())
    assert [name for name, word, *_ in found if word == 0] == ["TH", "R", "IY"]
    listener.interrupt()
    with pytest.raises(SoundError, match=r"pocketsphinx ended over it \(exit -9\)"):
        listener.find(THREE, pcm())
    assert listener.find(THREE, pcm()) == found


def test_what_is_not_said_is_an_error(listener: Listener) -> None:
    with pytest.raises(SoundError, match="its text was not found in it"):
        listener.find(40 * THREE, pcm())


def test_without_pocketsphinx_what_to_install_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install 'wavenet-audio\\[speech\\]'"):
        Listener().find(THREE, b"")


def test_no_more_processes_than_cores_and_threads_that_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda number: {0, 1, 2}, raising=False)
    for told, count in (("1", 1), ("2", 2), ("8", 3), ("", 3), ("0", 1), ("many", 3)):
        monkeypatch.setenv("OMP_NUM_THREADS", told)
        assert cores() == count


def test_answers_come_in_order_from_as_many_as_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listeners, "cores", lambda: 3)
    for count, expected in ((40, 3), (2 * listeners.LEAST, 2), (3, 1), (0, 0)):
        asked = list(heard(lambda listener, at: (at, id(listener)), range(count)))
        assert [at for at, _ in asked] == [*range(count)]
        assert len({who for _, who in asked}) <= expected


def test_an_error_ends_all_of_them() -> None:
    spoken_toys.needs_an_aligner()
    used = list[Listener]()

    def ask(listener: Listener, at: int) -> None:
        used.append(listener)
        listener.find(THREE, pcm())
        if at == 1:
            raise InputError("no more")

    with pytest.raises(InputError, match="no more"):
        list(heard(ask, range(500)))
    assert len(used) < 500 and all(one.close() is None for one in used)  # there is no process left to close
