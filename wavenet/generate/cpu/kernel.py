"""The whole step in compiled code: many samples of some sequences in one call, and many known inputs of one sequence.

Both are the same arithmetic over *rows*: one row per sequence when samples are drawn, one per instant when they are
known. No memory is asked for within compiled code.

Arrays go in tuples. `network` is what `Panels.arrays` returns, `buffers` what `Panels.buffers` does, and `told` what
`Panels.told` does: rows [N, f, 1 or 3, L * columns of sums], offsets [N] and mixing [hop, 3]; no rows: nothing is
told. They hold the biases too, so that a layer's sums begin with a copy of a row or a mix of two, as fast as with
biases alone.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from wavenet.generate.cpu.drawing import NOT_FINITE, choose, nll
from wavenet.generate.cpu.gates import gate
from wavenet.generate.cpu.jit import compiled
from wavenet.generate.cpu.panels import BIASES, COLUMNS, DILATION, FIRST, INPUTS, KEPT, KERNEL, WEIGHTS
from wavenet.generate.cpu.tiles import (
    LANES,
    PANEL,
    across_2x5,
    panel_2x4,
    panel_2x5,
    panel_2x6,
    tile_1x2,
    tile_1x4,
    tile_1x8,
    tile_2x2,
    tile_2x4,
    tile_3x2,
    tile_3x3,
    tile_4x2,
    tile_4x3,
)

Array = Any

ROWS = 16  # sequences worked on together: enough to share each weight, few enough to stay in the nearest caches
INSTANTS = 64  # of known codes worked on together: weights are fetched a quarter as often as with 16 (LOG.md)
CHAIN = 256  # multiply-adds in one sum before it is added to the others: long chains round badly (LOG.md)
_NOTHING = np.float32(0.0)


def draw(
    network: Any,
    rings: Array,
    clocks: Array,
    members: Array,
    part: Array,
    newest: Array,
    uniforms: Array,
    how: tuple[float, int, float, float],
    codes: Array,
    answers: Array,
    told: Any,
    buffers: Any,
) -> int:
    """Draw samples of some sequences; return how many were drawn before an answer was not finite, else all.

    Args:
        network: what `Panels.arrays` returns.
        rings: [B, rows, padded R] float32, what each sequence remembers; moved on.
        clocks: [B] int64, inputs each has seen; moved on.
        members: [M] int64, sequences; the rows of the arrays below that say M.
        part: [N] int64, which of these rows to draw; N at most ROWS. With guidance the second half is given the codes
            of the first half, and only this one is drawn.
        newest: [B] int64, the code each was given last, or Q for *start*; moved on.
        uniforms: [M, T] float64 in [0, 1).
        how: temperature, top-k, top-p, guidance g; 1 is none.
        codes: [M, T] int64, set.
        answers: [M, T, Q] float32, set to the logits; or empty.
        told: of all members, for these T steps.
        buffers: of N rows.
    """
    entry, layers, Q, first = network[2], network[4], network[5][2], network[5][3]
    x, logits, places, shares = buffers[0], buffers[5], buffers[6], buffers[7]
    (temperature, top_k, top_p, guidance), N, T = how, len(part), codes.shape[1]
    drawn = N if guidance == 1.0 else N // 2
    for t in range(T):
        for i in range(N):
            given = part[i if i < drawn else i - drawn]
            _copy(entry[newest[members[given]]], x[i, first:])
            _find(told, part[i], t, places[i])
        for layer in range(len(layers)):
            for i in range(N):
                m = members[part[i]]
                _push(network, rings[m], layer, clocks[m], x, i, 1)
            _sum(network, layer, told, places, buffers, N)
            _block(network, layer, buffers, N)
        _hide(network, buffers, N)
        _guide(buffers[4], N - drawn, guidance)
        _answer(network, buffers, drawn)
        for i in range(N):
            clocks[members[part[i]]] += 1
        for i in range(drawn):
            m = part[i]
            if answers.size:
                _copy(logits[i], answers[m, t])
            code = choose(logits[i, :Q], uniforms[m, t], temperature, top_k, top_p, shares)
            if code == NOT_FINITE:
                return t
            codes[m, t] = newest[members[m]] = code
    return T


def absorb(
    network: Any,
    ring: Array,
    clock: int,
    codes: Array,
    answers: Array,
    targets: Array,
    nats: Array,
    told: Any,
    buffers: Any,
) -> None:
    """Take known inputs of one sequence in, block by block of instants; set what is asked of the answer to each.

    Without answers and targets it saves skip and head.

    Args:
        network: what `Panels.arrays` returns.
        ring: [rows, padded R] float32, what the sequence remembers; moved on.
        clock: inputs it has seen.
        codes: [T] int64, the codes it is given, or Q for *start*.
        answers: [T, Q] float32, set to the logits; or empty.
        targets: [T] int64, a code for each answer; or empty.
        nats: [T] float32, set to -log p(target), NaN where an answer is not finite; empty where the targets are.
        told: of this sequence, for these T steps.
        buffers: of as many rows as instants are worked on together: INSTANTS, or T where that is less.
    """
    entry, layers, Q, first = network[2], network[4], network[5][2], network[5][3]
    x, logits, places, shares = buffers[0], buffers[5], buffers[6], buffers[7]
    for at in range(0, len(codes), INSTANTS):
        count = min(INSTANTS, len(codes) - at)
        for i in range(count):
            _copy(entry[codes[at + i]], x[i, first:])
            _find(told, 0, at + i, places[i])
        for layer in range(len(layers)):
            _push(network, ring, layer, clock, x, 0, count)
            _sum(network, layer, told, places, buffers, count)
            _block(network, layer, buffers, count)
        clock += count
        if answers.size or targets.size:
            _hide(network, buffers, count)
            _answer(network, buffers, count)
        if answers.size:
            for i in range(count):
                _copy(logits[i], answers[at + i])
        if targets.size:
            for i in range(count):
                nats[at + i] = nll(logits[i, :Q], targets[at + i], shares)


@compiled(inlined=True)
def _copy(source: Array, target: Array) -> None:
    """Copy as much as the target, or the source, holds."""
    for c in range(min(len(source), len(target))):
        target[c] = source[c]


@compiled(inlined=True)
def _push(network: Any, ring: Array, layer: int, clock: int, x: Array, row: int, count: int) -> None:
    """Put the old taps of a layer before its inputs, and store these.

    `count` rows of x, from `row` on, are successive instants of one sequence, from `clock` on.
    """
    layers, R, first = network[4], network[5][0], network[5][3]
    old, dilation = layers[layer, KERNEL] - 1, layers[layer, DILATION]
    begin, kept = layers[layer, FIRST], layers[layer, KEPT]
    for j in range(count):
        for k in range(1, old + 1):
            then = j - k * dilation
            to = x[row + j, first - k * R : first - (k - 1) * R]
            if then >= 0:
                _copy(x[row + then, first : first + R], to)
            else:
                _copy(ring[begin + (clock + then) % kept, :R], to)
    for j in range(max(0, count - kept), count):
        _copy(x[row + j, first : first + R], ring[begin + (clock + j) % kept])


@compiled(inlined=True)
def _find(told: Any, sequence: int, step: int, place: Array) -> None:
    """Set place [3] to where in what is told a step of a sequence is: sequence, frame, sample of the frame."""
    rows, offsets, mixing = told
    if rows.shape[0]:
        at = offsets[sequence] + step
        place[0], place[1], place[2] = sequence, min(at // len(mixing), rows.shape[1] - 1), at % len(mixing)


@compiled(inlined=True)
def _sum(network: Any, layer: int, told: Any, places: Array, buffers: Any, rows: int) -> None:
    """Set the sums of one dilated convolution for some rows, from what is told, inputs and old taps."""
    products, R, first = network[3], network[5][0], network[5][3]
    for row in range(rows):
        _begin(network, layer, told, places[row], buffers[1][row])
    _add_panels(network, 2 * layer, buffers[0], first + R - products[2 * layer, INPUTS], buffers[1], 0, rows)


@compiled(inlined=True)
def _begin(network: Any, layer: int, told: Any, place: Array, y: Array) -> None:
    """Set a layer's sums of one row to its biases and what is told."""
    biases, products, (rows, _, mixing) = network[1], network[3], told
    if rows.shape[0] == 0:
        _copy(biases[products[2 * layer, BIASES] :], y)
        return
    columns = slice(layer * len(y), (layer + 1) * len(y))
    sequence, frame, step = place[0], place[1], place[2]
    if rows.shape[2] == 1:
        _copy(rows[sequence, frame, 0, columns], y)
        return
    low = 0 if mixing[step, 0] > _NOTHING else 1
    earlier, later = rows[sequence, frame, low, columns], rows[sequence, frame, low + 1, columns]
    _mix(mixing[step, low], mixing[step, low + 1], earlier, later, y)


@compiled({"contract"})
def _mix(a: float, b: float, earlier: Array, later: Array, y: Array) -> None:
    """Set y to shares of two rows."""
    for c in range(len(y)):
        y[c] = a * earlier[c] + b * later[c]


@compiled({"contract"})
def _guide(hidden: Array, count: int, guidance: float) -> None:
    """Move the first rows away from as many behind them, of the same codes without being told anything."""
    g, less = np.float32(guidance), np.float32(guidance - 1.0)
    for i in range(count):
        for c in range(hidden.shape[1]):
            hidden[i, c] = g * hidden[i, c] - less * hidden[count + i, c]


@compiled(inlined=True)
def _block(network: Any, layer: int, buffers: Any, rows: int) -> None:
    """Go on in one residual block from its sums: gates, and the next layer's inputs."""
    products, layers, G, first = network[3], network[4], network[5][1], network[5][3]
    x, y, gates = buffers[0], buffers[1], buffers[2]
    half = products[2 * layer, COLUMNS] // 2
    for row in range(rows):
        gate(y[row, :G], y[row, half : half + G], gates[row, layer * G : (layer + 1) * G])
    if layer < len(layers) - 1:
        _product(network, 2 * layer + 1, gates, layer * G, x, first, rows, True)


@compiled(inlined=True)
def _hide(network: Any, buffers: Any, rows: int) -> None:
    """Go from the gates of all layers to the hidden layer of the head for some rows."""
    products, gates, skip, hidden = network[3], buffers[2], buffers[3], buffers[4]
    last = len(products) - 1
    _product(network, last - 2, gates, 0, skip, 0, rows, False)
    _rectify(skip, rows)
    _product(network, last - 1, skip, 0, hidden, 0, rows, False)
    _rectify(hidden, rows)


@compiled(inlined=True)
def _answer(network: Any, buffers: Any, rows: int) -> None:
    """Go from the hidden layer of the head to the logits of some rows."""
    _product(network, len(network[3]) - 1, buffers[4], 0, buffers[5], 0, rows, False)


@compiled(inlined=True)
def _rectify(x: Array, rows: int) -> None:
    """Set what is below zero to zero."""
    for row in range(rows):
        for c in range(x.shape[1]):
            x[row, c] = _NOTHING if x[row, c] < _NOTHING else x[row, c]


@compiled(inlined=True)
def _product(network: Any, index: int, x: Array, first: int, y: Array, to: int, rows: int, added: bool) -> None:
    """Set y[rows, to : to + columns] to x[rows, first : first + inputs] times weights, plus bias.

    With `added`, add that to what is in y.
    """
    biases, products = network[1], network[3]
    columns = products[index, COLUMNS]
    bias = biases[products[index, BIASES] : products[index, BIASES] + columns]
    for row in range(rows):
        sums = y[row, to : to + columns]
        for c in range(len(bias)):
            sums[c] = bias[c] + sums[c] if added else bias[c]
    _add_panels(network, index, x, first, y, to, rows)


@compiled(inlined=True)
def _add_panels(network: Any, index: int, x: Array, first: int, y: Array, to: int, rows: int) -> None:
    """Add x[rows, first : first + inputs] times weights to y[rows, to : to + columns], panel by panel."""
    weights, products = network[0], network[3]
    at, inputs, columns = products[index, WEIGHTS], products[index, INPUTS], products[index, COLUMNS]
    pairs = columns // (2 * PANEL) if rows == 2 else 0
    for pair in range(pairs):
        _two_rows_of_two(weights, at, x, first, y, to + 2 * PANEL * pair, inputs)
        at += 2 * PANEL * inputs
    for left in range(2 * PANEL * pairs, columns, PANEL):
        wide = min(PANEL, columns - left)
        for done in range(0, inputs, CHAIN):
            length = min(CHAIN, inputs - done)
            _panel(weights, at, wide, x, first + done, y, to + left, length, rows)
            at += wide * length


@compiled(inlined=True)
def _panel(w: Array, at: int, wide: int, x: Array, first: int, y: Array, to: int, inputs: int, rows: int) -> None:
    """Add one panel, or as many of its inputs, for some rows: by fours and what is left."""
    row = 0
    while row + 4 <= rows:
        _four_rows(w, at, wide, x, row, first, y, to, inputs)
        row += 4
    if rows - row == 3:
        _three_rows(w, at, wide, x, row, first, y, to, inputs)
    elif rows - row == 2:
        _two_rows(w, at, wide, x, row, first, y, to, inputs)
    elif rows - row == 1:
        _one_row(w, at, wide, x, row, first, y, to, inputs)


@compiled(inlined=True)
def _one_row(w: Array, at: int, wide: int, x: Array, row: int, first: int, y: Array, to: int, inputs: int) -> None:
    """Add one panel, an even number of vectors wide, for one row: all at once, or by four vectors and two."""
    if wide == PANEL:
        tile_1x8(w, at, wide, x, row, first, y, to, inputs)
        return
    column = 0
    while column + 4 * LANES <= wide:
        tile_1x4(w, at + column, wide, x, row, first, y, to + column, inputs)
        column += 4 * LANES
    if column < wide:
        tile_1x2(w, at + column, wide, x, row, first, y, to + column, inputs)


@compiled()
def _two_rows(w: Array, at: int, wide: int, x: Array, row: int, first: int, y: Array, to: int, inputs: int) -> None:
    """Add one panel for two rows: by four vectors and two."""
    if wide == PANEL:
        for half in range(0, PANEL, 4 * LANES):
            panel_2x4(w, at + half, wide, x, row, first, y, to + half, inputs)
        return
    column = 0
    while column + 4 * LANES <= wide:
        tile_2x4(w, at + column, wide, x, row, first, y, to + column, inputs)
        column += 4 * LANES
    if column < wide:
        tile_2x2(w, at + column, wide, x, row, first, y, to + column, inputs)


@compiled()
def _two_rows_of_two(w: Array, at: int, x: Array, first: int, y: Array, to: int, inputs: int) -> None:
    """Add two panels for the only two rows: by six, five and five vectors, since four are too few sums at once."""
    beyond = PANEL * inputs
    for done in range(0, inputs, CHAIN):
        length = min(CHAIN, inputs - done)
        panel_2x6(w, at, PANEL, x, 0, first + done, y, to, length)
        across_2x5(w, at + 6 * LANES, beyond, x, 0, first + done, y, to + 6 * LANES, length)
        panel_2x5(w, at + beyond + 3 * LANES, PANEL, x, 0, first + done, y, to + 11 * LANES, length)
        at += PANEL * length


@compiled()
def _three_rows(w: Array, at: int, wide: int, x: Array, row: int, first: int, y: Array, to: int, inputs: int) -> None:
    """Add one panel for three rows: by three vectors and two."""
    column = 0
    while column < wide:
        vectors = _next(wide - column)
        if vectors == 3:
            tile_3x3(w, at + column, wide, x, row, first, y, to + column, inputs)
        else:
            tile_3x2(w, at + column, wide, x, row, first, y, to + column, inputs)
        column += vectors * LANES


@compiled()
def _four_rows(w: Array, at: int, wide: int, x: Array, row: int, first: int, y: Array, to: int, inputs: int) -> None:
    """Add one panel for four rows: by three vectors and two."""
    column = 0
    while column < wide:
        vectors = _next(wide - column)
        if vectors == 3:
            tile_4x3(w, at + column, wide, x, row, first, y, to + column, inputs)
        else:
            tile_4x2(w, at + column, wide, x, row, first, y, to + column, inputs)
        column += vectors * LANES


@compiled(inlined=True)
def _next(left: int) -> int:
    """Return how many of the vectors that are left come next, so that threes and twos add up: 8 = 3 + 3 + 2."""
    return 2 if left in (2 * LANES, 4 * LANES) else 3
