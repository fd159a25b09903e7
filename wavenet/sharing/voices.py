"""The voices that come with the package, as a list, and one of them: its model card and what its config knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wavenet.recipe import find
from wavenet.sharing import card
from wavenet.sharing.about import CARD, About, of_folder
from wavenet.text import table


@dataclass(frozen=True)
class Shipped:
    """All voices that come with the package."""

    voices: tuple[About, ...]

    def to_text(self) -> str:
        """Return a line for each."""
        if not self.voices:
            return "no voices come with this package; `wavenet train` makes one"
        lines = table([one.row() for one in self.voices], left=5, most=120)
        return "\n".join(("voices (`wavenet voices NAME` prints a model card):", *(f"  {line}" for line in lines)))

    def to_json(self) -> list[dict[str, Any]]:
        """Return plain values."""
        return [one.to_json() for one in self.voices]


@dataclass(frozen=True)
class Described:
    """A voice and its model card."""

    about: About
    card: str | None

    def to_text(self) -> str:
        """Return the card, and behind it what the config knows."""
        lines = table(self.about.rows(), left=2, most=120)
        told = "\n".join((f"{self.about.name}, as its config.json says:", *(f"  {line}" for line in lines)))
        return f"{self.card or f'{self.about.folder} has no {CARD}.'}\n\n{told}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {**self.about.to_json(), "card": self.card}


def shipped() -> Shipped:
    """Return the voices that come with the package, by their names.

    Raises:
        BundleError: one is damaged.
    """
    return Shipped(tuple(of_folder(find.voice_folder() / name, name) for name in find.voice_names()))


def described(model: str | Path) -> Described:
    """Return a voice and its model card.

    Args:
        model: the name of a voice; or a run or bundle folder.

    Raises:
        BundleError: there is none, or it is damaged.
    """
    from wavenet.model import bundle  # loads NumPy, which a list of names can do without

    folder = bundle.find(str(model))
    name = str(model) if find.named_voice(str(model)) is not None else None
    return Described(of_folder(folder, name), card.read(folder / CARD))
