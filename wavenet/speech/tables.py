"""Tables that are written as people read them."""

from __future__ import annotations

import re


def table(text: str) -> dict[str, str]:
    """Return names with what they stand for, of ``name = words`` with ``;`` or line ends between."""
    rows = (row.partition(" = ") for row in re.split(r"[;\n]", text) if row.strip())
    return {name.strip(): words.strip() for name, _, words in rows}


def either(names: dict[str, str]) -> str:
    """Return a pattern for any of some names, the longest first; spaces in them may be any white space."""
    return "|".join(re.escape(name).replace(r"\ ", r"\s+") for name in sorted(names, key=len, reverse=True))
