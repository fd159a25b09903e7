"""Tiles of a matrix product whose sums stay in registers: vector code that a plain loop is not compiled to.

A tile adds ``x[rows, inputs] @ w[inputs, columns]`` to ``y[rows, columns]`` for a few rows and some columns. Each
sum is one chain of multiply-adds over the inputs in order, from zero, and then added: no result depends on the tile it
was computed in.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8  # columns of a vector: 256 bits, which every x86 since 2013 has
PANEL = 8 * LANES  # columns that one row's tile takes at once: eight vectors of sums hide the latency of an addition
AHEAD = 4096  # bytes by which the weights of one or two rows are fetched beforehand: up to a quarter faster (LOG.md)
LINE = 64  # bytes of a cache line

_BYTE, _WORD, _INDEX = ir.IntType(8), ir.IntType(32), ir.IntType(64)
_FLOAT, _HALF = ir.FloatType(), ir.HalfType()
_FLOATS, _HALVES = ir.VectorType(_FLOAT, LANES), ir.VectorType(_HALF, LANES)
_FUSED = ("contract",)  # a product and the sum it goes to may become one instruction


def _tile(rows: int, groups: int, stride: int | None = None, near: int | None = None) -> Any:
    """Return a function of compiled code: a tile of `rows` x (8 x `groups`).

    `stride` is how many numbers lie from one input's weights to the next one's, where that is known beforehand. Where
    only the first `near` vectors of weights lie in one panel, `wide` says how far behind it the next one lies.
    """

    @intrinsic
    def tile(  # type: ignore[no-untyped-def]
        context, w, at, wide, x, row, first, y, column, count
    ):  # weights, offset, stride; x [., .], its first row, its first input; y [., .], its first column; inputs
        i = types.intp
        signature = types.void(w, i, i, x, i, i, y, i, i)
        return signature, _Tile(rows, groups, stride, near, half=w.dtype == types.uint16)

    return tile


class _Tile:
    """Writes the code of one tile."""

    def __init__(self, rows: int, groups: int, stride: int | None, near: int | None, half: bool) -> None:
        self.rows, self.groups, self.stride, self.near, self.half = rows, groups, stride, near, half

    def __call__(self, context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        w, at, wide, x, row, first, y, column, count = values
        rows = [builder.add(row, _index(r)) for r in range(self.rows)]
        columns = [builder.add(column, _index(LANES * g)) for g in range(self.groups)]
        kinds = signature.args
        given = [_element(context, builder, kinds[3], x, r, first) for r in rows]
        places = [_element(context, builder, kinds[6], y, r, c) for r in rows for c in columns]
        weights = _element(context, builder, kinds[0], w, at)
        sums = [ir.Constant(_FLOATS, [0.0] * LANES)] * len(places)
        offsets = self._offsets(builder, wide)
        step = wide if self.stride is None else _index(self.stride)
        with _loop(builder, count, sums) as (i, running, following):
            line = builder.gep(weights, [builder.mul(i, step)])
            if self.stride is not None:
                self._fetch(builder, line)
            parts = [self._weights(builder, builder.gep(line, [offset])) for offset in offsets]
            for r in range(self.rows):
                spread = _spread(builder, builder.load(builder.gep(given[r], [i])))
                for part, held in zip(parts, running[r * self.groups :], strict=False):
                    following.append(builder.fadd(held, builder.fmul(spread, part, flags=_FUSED), flags=_FUSED))
        for place, total in zip(places, following, strict=True):
            more = builder.fadd(_load(builder, place, _FLOATS, 4), total)
            builder.store(more, builder.bitcast(place, _FLOATS.as_pointer()), align=4)
        return context.get_dummy_value()

    def _offsets(self, builder: Any, wide: Any) -> list[Any]:
        """Return how far behind the first vector of an input's weights each one lies."""
        near = self.groups if self.near is None else self.near
        beyond = builder.sub(wide, _index(PANEL))
        offsets = [_index(LANES * g) for g in range(self.groups)]
        return [*offsets[:near], *(builder.add(beyond, offset) for offset in offsets[near:])]

    def _weights(self, builder: Any, address: Any) -> Any:
        if self.half:
            return builder.fpext(_load(builder, address, _HALVES, 2), _FLOATS)
        return _load(builder, address, _FLOATS, 4)

    def _fetch(self, builder: Any, line: Any) -> None:
        """Ask for the cache lines that lie AHEAD of the weights of one input; past the end it asks in vain."""
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _WORD, _WORD, _WORD])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        read, near, data = (ir.Constant(_WORD, number) for number in (0, 2, 1))
        size = 2 if self.half else 4
        for offset in range(0, LANES * self.groups, LINE // size):
            address = builder.gep(line, [_index(AHEAD // size + offset)])
            builder.call(fetch, [builder.bitcast(address, _BYTE.as_pointer()), read, near, data])


def _index(number: int) -> Any:
    return ir.Constant(_INDEX, number)


def _element(context: Any, builder: Any, kind: Any, array: Any, *at: Any) -> Any:
    """Return the address of an element of a contiguous array of one or two dimensions."""
    view = cgutils.create_struct_proxy(kind)(context, builder, value=array)
    if len(at) == 1:
        return builder.gep(view.data, [at[0]])
    width = cgutils.unpack_tuple(builder, view.shape, 2)[1]
    return builder.gep(view.data, [builder.add(builder.mul(at[0], width), at[1])])


def _load(builder: Any, address: Any, kind: Any, align: int) -> Any:
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=align)


def _spread(builder: Any, number: Any) -> Any:
    """Return a vector of one number."""
    nothing = ir.Constant(_FLOATS, ir.Undefined)
    one = builder.insert_element(nothing, number, ir.Constant(_WORD, 0))
    return builder.shuffle_vector(one, nothing, ir.Constant(ir.VectorType(_WORD, LANES), [0] * LANES))


class _loop:  # noqa: N801  (a context manager that reads like a statement)
    """A loop over 0 .. count - 1, count at least 1, that carries values; the body puts the next ones in a list."""

    def __init__(self, builder: Any, count: Any, values: Sequence[Any]) -> None:
        self.builder, self.count, self.values = builder, count, values
        self.following: list[Any] = []

    def __enter__(self) -> tuple[Any, list[Any], list[Any]]:
        b = self.builder
        before, self.body, self.after = b.block, b.append_basic_block("body"), b.append_basic_block("after")
        b.branch(self.body)
        b.position_at_end(self.body)
        self.i = b.phi(_INDEX)
        self.i.add_incoming(_index(0), before)
        self.running = [b.phi(value.type) for value in self.values]
        for phi, value in zip(self.running, self.values, strict=True):
            phi.add_incoming(value, before)
        return self.i, self.running, self.following

    def __exit__(self, *error: object) -> None:
        if error[0] is not None:
            return
        b = self.builder
        for phi, value in zip(self.running, self.following, strict=True):
            phi.add_incoming(value, self.body)
        further = b.add(self.i, _index(1))
        self.i.add_incoming(further, self.body)
        b.cbranch(b.icmp_signed("<", further, self.count), self.body, self.after)
        b.position_at_end(self.after)


# a name says rows x vectors; twelve vectors of sums, one of weights and three of inputs fill sixteen registers
tile_1x8, tile_1x4, tile_1x2 = _tile(1, 8, PANEL), _tile(1, 4), _tile(1, 2)
tile_2x4, tile_2x2 = _tile(2, 4), _tile(2, 2)
panel_2x4, panel_2x5, panel_2x6 = _tile(2, 4, PANEL), _tile(2, 5, PANEL), _tile(2, 6, PANEL)
across_2x5 = _tile(2, 5, PANEL, 2)  # two vectors of one panel, three of the next
tile_3x3, tile_3x2 = _tile(3, 3), _tile(3, 2)
tile_4x3, tile_4x2 = _tile(4, 3), _tile(4, 2)


@intrinsic
def as_bits(context, number):  # type: ignore[no-untyped-def]
    """Return the 32 bits of a float32 as an int32."""

    def code(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        return builder.bitcast(values[0], _WORD)

    return types.int32(types.float32), code


@intrinsic
def as_float(context, bits):  # type: ignore[no-untyped-def]
    """Return the float32 that 32 bits stand for."""

    def code(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        return builder.bitcast(values[0], _FLOAT)

    return types.float32(types.int32), code


@intrinsic
def multiply_adds(context, x, y, count):  # type: ignore[no-untyped-def]
    """Return a sum of `count` rounds of 12 x 8 multiply-adds that never leave the registers: the processor's limit."""

    def code(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        x, y, count = values
        factor, term = _spread(builder, x), _spread(builder, y)
        sums = [_spread(builder, builder.fadd(y, ir.Constant(_FLOAT, float(k)))) for k in range(12)]
        with _loop(builder, count, sums) as (_, running, following):
            following += [
                builder.fadd(term, builder.fmul(factor, held, flags=_FUSED), flags=_FUSED) for held in running
            ]
        return _total(builder, following)

    return types.float32(types.float32, types.float32, types.intp), code


@intrinsic
def read_through(context, memory):  # type: ignore[no-untyped-def]
    """Return the sum of float32 memory [n], n a multiple of 64, read once in order: the memory's limit."""

    def code(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        view = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=values[0])
        rounds = builder.sdiv(view.nitems, _index(PANEL))
        nothing = ir.Constant(_FLOATS, [0.0] * LANES)
        with _loop(builder, rounds, [nothing] * (PANEL // LANES)) as (i, running, following):
            line = builder.gep(view.data, [builder.mul(i, _index(PANEL))])
            for g, held in enumerate(running):
                part = _load(builder, builder.gep(line, [_index(LANES * g)]), _FLOATS, 4)
                following.append(builder.fadd(held, part))
        return _total(builder, following)

    return types.float32(memory), code


def _total(builder: Any, vectors: Sequence[Any]) -> Any:
    """Return one lane of the sum of some vectors: enough to keep them from being optimised away."""
    total = vectors[0]
    for vector in vectors[1:]:
        total = builder.fadd(total, vector)
    return builder.extract_element(total, ir.Constant(_WORD, 0))
