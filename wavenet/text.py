"""Numbers, lists and errors as words; plain values as JSON."""

from __future__ import annotations

import dataclasses
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


def joined(names: Sequence[str]) -> str:
    """Return some names as people list them: ``"speaker"``, ``"speaker, label and clock"``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


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


def plain(value: Any) -> Any:
    """Return a record as plain values: what its own `to_json` says, else its fields by their names."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if dataclasses.is_dataclass(value):
        return {name: plain(inner) for name, inner in vars(value).items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {_finite(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def finite(value: Any) -> float | None:
    """Return a finite number of a record that others may have written, None in place of anything else."""
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:  # JSON has whole numbers of any length
        return None


def number(value: int, most: int = 10**8) -> str:
    """Return a whole number with commas, from `most` on in three digits: ``"49,000,001"``, ``"4.9e+09"``."""
    return f"{value:,}" if abs(value) < most else f"{value:.3g}"


def percent(share: float) -> str:
    """Return a share in per cent, ``"over 99.9%"`` where only rounding would make it 100."""
    text = f"{share:.1%}"
    return "over 99.9%" if text == "100.0%" and share < 1.0 else text


def times(sizes: Sequence[int]) -> str:
    """Return sizes along several axes: ``"224"``, ``"1,080 x 1,920"``."""
    return " x ".join(f"{size:,}" for size in sizes)


def milliseconds(samples: float, rate: int | None) -> float | None:
    """Return how long samples last; None where no sample rate is known."""
    return None if rate is None else 1000 * samples / rate


def lasting(samples: int, rate: int | None, unit: str = "sample") -> str:
    """Return samples and how long they last: ``"2,047 samples, 255.9 ms at 8,000 Hz"``; without a rate the first."""
    ms = milliseconds(samples, rate)
    return many(samples, unit) + ("" if ms is None else f", {ms:,.1f} ms at {rate:,} Hz")


def table(rows: Sequence[Sequence[str | float | None]], left: int = 1, most: int = 100) -> list[str]:
    """Return the lines of a table, as narrow as `most` characters where its cells can be.

    Args:
        rows: cells: text as it is, whole numbers with commas, others with one decimal, nothing for None.
        left: so many columns begin at the left, the others end at the right.
        most: of characters in a line.
    """
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    gap = " " * max(1, min(4, (most - sum(widths)) // max(1, len(widths) - 1)))
    line = gap.join(f"{{:{'<' if i < left else '>'}{width}}}" for i, width in enumerate(widths))
    return [line.format(*row).rstrip() for row in cells]


def _cell(value: str | float | None) -> str:
    if isinstance(value, int):
        return number(value, 10**10)
    return f"{value:,.1f}" if isinstance(value, float) else value or ""
