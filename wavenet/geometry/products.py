"""One row of the table of weights."""

from __future__ import annotations

from typing import NamedTuple


class ProductShape(NamedTuple):
    """A matrix product, or a table that rows are looked up in."""

    name: str  # of its module in the network; its arrays are called NAME.weight and NAME.bias
    inputs: int  # channels in, or rows of the table
    outputs: int  # channels out
    bias: bool  # whether it has one
    looked_up: bool = False  # whether it is a table; a look-up costs no multiply-adds
    every: int | None = 1  # samples between two uses of it; None: it is used once a sound, or once a chunk of it

    @property
    def macs(self) -> int:
        """Multiply-adds of one use; a look-up has none."""
        return 0 if self.looked_up else self.inputs * self.outputs

    @property
    def macs_per_sample(self) -> int:
        """Multiply-adds per sample; those of a frame are shared out, those of a whole sound count nothing."""
        return 0 if self.every is None else self.macs // self.every

    @property
    def weight(self) -> tuple[int, int]:
        """The shape of the weight as torch stores it: [out, in], of a table [rows, out]."""
        return (self.inputs, self.outputs) if self.looked_up else (self.outputs, self.inputs)
