"""What a network is fed: codes, and what conditions it."""

from __future__ import annotations

from dataclasses import dataclass

from wavenet.outputs.draw import Codes, Floats


@dataclass(frozen=True)
class Condition:
    """What sequences depend on besides their own past: V c of the paper's equations 2.5, at every sample."""

    gates: Floats  # [B, L, 2G], added to filter and gate of each layer before tanh and sigmoid

    def of(self, sequences: Codes) -> Condition:
        """Return the condition of some of these sequences, in this order."""
        return Condition(self.gates[sequences])


@dataclass(frozen=True)
class Feed:
    """Codes with their condition."""

    codes: Codes  # [B, T], or [T] of one sequence; the alphabet's size stands for *start*
    condition: Condition | None = None  # of these sequences; None costs nothing
