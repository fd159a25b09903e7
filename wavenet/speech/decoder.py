"""Where the phones of a sentence lie in English speech: pocketsphinx, in a process of its own.

It needs one: pocketsphinx holds Python's lock while it works, so that threads would wait for each other, and what it
cannot go on from ends its process. `listeners.py` starts this file and asks, over stdin and stdout: a line of JSON and
16-bit samples at 16 kHz, answered by a line of JSON. Hence nothing of the house is imported here.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import IO, Any

BEAM = 1e-64  # how much likelier the best path may be than one that is kept; 1e-48 and 1e-100 gave the same phones
MARK = "="  # before a word's own spelling, so that it is none of pocketsphinx's own dictionary
PAUSES = ("SIL", "+NSN+", "+SPN+")  # its silence and noises; none is a phone of a word

Ways = Sequence[Sequence[str]]  # to say a word, each a sequence of phones
Found = list[tuple[str, int, int, int, int]]  # phone, its word (-1: a pause), first frame, frames, log probability


class Decoder:
    """pocketsphinx with its English model, told how each word can be said."""

    def __init__(self) -> None:
        import pocketsphinx

        # the best path through a lattice of words would lose the phones; and with beams of different widths a path is
        # found whose phones are not
        beams = dict.fromkeys(("beam", "wbeam", "pbeam"), BEAM)
        self._decoder = pocketsphinx.Decoder(lm=None, bestpath=False, loglevel="FATAL", **beams)

    def find(self, words: Sequence[tuple[str, Ways]], pcm: bytes) -> Found | None:
        """Return the phones of words in 16-bit samples at 16 kHz, in frames of 10 ms; None where no path was found.

        Args:
            words: each with the ways to say it.
            pcm: the samples, with some silence at both ends.
        """
        decoder = self._decoder
        try:
            for word, ways in words:
                self._learn(word, ways)
            decoder.set_align_text(" ".join(_mark(word) for word, _ in words))
            self._listen(pcm)
            decoder.set_alignment()  # of the words that were found: now their phones
            self._listen(pcm)
            alignment = decoder.get_alignment()
        except RuntimeError:
            return None
        found, at = list[tuple[str, int, int, int, int]](), -1
        for word in alignment or ():
            said = word.name.startswith(MARK)
            at += said
            found += [(one.name, at if said else -1, one.start, one.duration, one.score) for one in word]
        whole = at + 1 == len(words) and all(name in PAUSES for name, of, *_ in found if of < 0)
        return found if whole else None

    def _learn(self, word: str, ways: Ways) -> None:
        for number, way in enumerate(ways, 1):
            entry = _mark(word) + (f"({number})" if number > 1 else "")
            if self._decoder.lookup_word(entry) is None:
                self._decoder.add_word(entry, " ".join(way), False)

    def _listen(self, pcm: bytes) -> None:
        self._decoder.reinit_feat()  # forgets the noise of the recording before: else answers hang on the order
        self._decoder.start_utt()
        self._decoder.process_raw(pcm, full_utt=True)
        self._decoder.end_utt()


def _mark(word: str) -> str:
    """Return a word as the decoder knows it, without what its dictionary takes for another way to say one."""
    return MARK + word.replace("(", "[").replace(")", "]")


def serve(questions: IO[bytes], answers: IO[bytes]) -> None:
    """Answer until there are no more questions."""
    decoder = Decoder()
    while line := questions.readline():
        question: dict[str, Any] = json.loads(line)
        found = decoder.find(question["words"], questions.read(question["bytes"]))
        answers.write(json.dumps(found).encode() + b"\n")
        answers.flush()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the end of stdin ends this one
    own = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the library prints is no answer
    serve(sys.stdin.buffer, own)
