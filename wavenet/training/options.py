"""How a recipe is trained, beside the recipe itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wavenet.errors import InputError, did_you_mean


@dataclass(frozen=True)
class Options:
    """What `train` takes beside a recipe and its sound; it says what each of these means."""

    out: str | Path | None = None
    max_steps: int | None = None
    max_seconds: float | None = None
    resume: bool = False
    force: bool = False
    init: str | Path | None = None
    device: str = "auto"
    devices: int | None = None
    precision: str = "32"
    compiled: bool = False
    cache: str | Path | None = None
    dry_run: bool = False

    def check(self) -> None:
        """Raise InputError where a choice is none of those there are, or two contradict each other."""
        if self.resume and self.force:
            raise InputError("--resume goes on with a run and --force removes it; give one of them")
        if self.devices is not None and self.devices < 1:
            raise InputError(f"devices is {self.devices}, expected at least 1")
        for name, known in (("device", ("auto", "cpu", "cuda")), ("precision", ("32", "bf16"))):
            value = getattr(self, name)
            if value not in known:
                guess = did_you_mean(str(value), known)
                raise InputError(f"{name} is {value!r}, expected one of {', '.join(known)}{guess}")
