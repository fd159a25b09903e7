"""What a network is fed: codes, and what conditions it."""

from __future__ import annotations

from dataclasses import dataclass

from wavenet.outputs.draw import Codes, Floats


@dataclass(frozen=True)
class Condition:
    """What sequences depend on besides their own past, as every layer's gates take it.

    Args:
        gates: [B, L, 2G] float32: V c of the paper's equations 2.5, added to filter and gate of each layer before tanh
            and sigmoid, at every sample.
    """

    gates: Floats

    def of(self, sequences: Codes) -> Condition:
        """Return the condition of some of these sequences, in this order."""
        return Condition(self.gates[sequences])


@dataclass(frozen=True)
class Feed:
    """Codes with their condition.

    Args:
        codes: [B, T] int64, or [T] of one sequence; the alphabet's size stands for *start*.
        condition: of these sequences; None costs nothing.
    """

    codes: Codes
    condition: Condition | None = None
