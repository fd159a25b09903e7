"""Print a table of what this libsndfile writes and what is kept of it: `python tests/format_table.py`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import sound_toys
import soundfile


def rows(folder: Path) -> list[str]:
    """Return the lines of the table, in Markdown: each file is written, decoded and told of."""
    lines = [
        "| format | subtype | channels: kept (rate in Hz) | not written by libsndfile | dropped |",
        "|---|---|---|---|---|",
    ]
    told: dict[tuple[str, str], tuple[list[str], list[str], list[str]]] = {}
    for kind in sound_toys.kinds():
        kept, unwritten, dropped = told.setdefault((kind.format, kind.subtype), ([], [], []))
        content = sound_toys.written(kind)
        if content is None:
            unwritten.append(str(kind.channels))
            continue
        path = folder / f"a{sound_toys.SUFFIX[kind.format]}"
        path.write_bytes(content)
        entry, _ = sound_toys.decoded(sound_toys.clip(path))
        if entry.reason is None:
            kept.append(f"{entry.channels} ({entry.source_rate})")
        else:
            dropped.append(f"{kind.channels}: {entry.reason}")
    for (form, subtype), columns in told.items():
        lines.append(f"| {form} | {subtype} | {' | '.join(', '.join(column) or '-' for column in columns)} |")
    return lines


if __name__ == "__main__":
    print(f"libsndfile {soundfile.__libsndfile_version__}", file=sys.stderr)
    with tempfile.TemporaryDirectory() as place:
        print("\n".join(rows(Path(place))))
