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
    every: int = 1  # samples between two uses of it

    @property
    def weight(self) -> tuple[int, int]:
        """The shape of the weight as torch stores it: [out, in], of a table [rows, out]."""
        return (self.inputs, self.outputs) if self.looked_up else (self.outputs, self.inputs)
