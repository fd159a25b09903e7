"""Numbers, lists and errors as words; plain values as JSON."""

from __future__ import annotations

import json
import math
import reprlib
from collections.abc import Sequence
from typing import Any


def printable(name: str) -> str:
    """Return a file's name as one line that any terminal can show: line ends and undecodable bytes are escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in name)


def some(names: Sequence[str], most: int = 1) -> str:
    """Return the first of some names, and how many more there are: ``"a.wav, and 2 more"``."""
    more = f", and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(map(printable, names[:most])) + more


def many(count: int, unit: str) -> str:
    """Return a count with its unit, which is given in the singular: ``"1 file"``, ``"2,000 files"``."""
    return f"{count:,} {unit}{'' if count == 1 else 'es' if unit.endswith(('s', 'x', 'ch', 'sh')) else 's'}"


def clock(seconds: float) -> str:
    """Return a duration as people say it: ``"42 s"``, ``"3 min 05 s"`` or ``"2 h 10 min"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def duration(seconds: float) -> str:
    """Return how long some sound lasts, in the unit that suits: ``"85 ms"``, ``"3.1 seconds"``, ``"21.9 minutes"``."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    for size, unit in ((1, "seconds"), (60, "minutes")):
        if round(seconds / size, 1) < 60:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds / 3600:,.1f} hours"


def gib(count: int) -> str:
    """Return bytes as GiB, such as ``1,234.5 GiB``."""
    return f"{count / 2**30:,.1f} GiB"


def one_line(text: object, most: int = 300) -> str:
    """Return an object's text on one line; a long one loses its middle, an empty one becomes the name of its type."""
    try:
        line = " ".join(str(text).split())
    except (ValueError, RecursionError):  # Python refuses to print whole numbers of thousands of digits
        line = ""
    line = line or type(text).__name__
    return line if len(line) <= most else f"{line[: most * 2 // 3]} ... {line[-(most // 3 - 5) :]}"


class _Short(reprlib.Repr):
    """Shows the beginning of a value: YAML can nest lists beyond memory, and write numbers that Python will not."""

    def repr_int(self, x: int, level: int) -> str:
        """Return a whole number."""
        bits = x.bit_length()
        return str(x) if bits <= 128 else f"a whole number of {bits} bits"

    def repr_bool(self, x: bool, level: int) -> str:
        """Return true or false, as YAML has them."""
        return str(x).lower()


def shown(value: Any) -> str:
    """Return the beginning of a value as an error shows it: ``"'text'"``, ``"7"``, ``"[1, 2]"``, ``"empty"``."""
    return "empty" if value is None else f"{_Short().repr(value):.60}"


def to_json(value: Any, indent: int | None = None) -> str:
    """Return plain values as JSON; a number that is not finite, for which JSON has no word, becomes null."""
    try:
        return json.dumps(value, indent=indent, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {_finite(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
