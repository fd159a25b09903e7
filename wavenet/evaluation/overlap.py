"""Which files a model was trained on: a list that its bundle keeps, so that they are not scored as new sound."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from wavenet.audio.decode import Entry
from wavenet.audio.splits import Span

DIGITS = 10  # of the digest of a file's samples: of 40,000 files one in 25 million others is taken for one of them
WORD = re.compile(r"([0-9a-f]{10})(?::([0-9]{1,15}))?")


def listed(entries: Sequence[Entry], trained: Sequence[Span]) -> str:
    """Return the digests of the files that are trained on, each with where that ends if it is not the file's end.

    Args:
        entries: the files that were kept.
        trained: the spans of the training split, by their indices.
    """
    words = []
    for span in trained:
        entry = entries[span.clip]
        words.append(entry.digest[:DIGITS] + (f":{span.last}" if span.last < entry.length else ""))
    return " ".join(sorted(words))


def trained_on(known: object, entries: Sequence[Entry], spans: Sequence[Span]) -> list[int] | None:
    """Return which of some spans, by their indices, hold samples that were trained on; None where it isn't known.

    Args:
        known: what `listed` returned, as a bundle gives it.
        entries: the files that were kept, decoded as the training was.
        spans: of these files.
    """
    if not isinstance(known, str):
        return None
    until = defaultdict[str, int](int)
    for found in filter(None, map(WORD.fullmatch, known.split())):
        until[found[1]] = max(until[found[1]], int(found[2] or 10**15))  # a divided file may have a twin that is not
    return [index for index, span in enumerate(spans) if span.first < until[entries[span.clip].digest[:DIGITS]]]
