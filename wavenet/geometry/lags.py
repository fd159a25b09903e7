"""Sets of lags as Python integers: bit ``i`` stands for lag ``i``, 0 for the newest input that an output sees."""

from __future__ import annotations

from collections.abc import Iterator

Hole = tuple[int, int, int]  # first missing lag, last missing lag, step between them


def lag_list(lags: int) -> list[int]:
    """Return the members of a bit set of lags, ascending."""
    bits = bin(lags)[:1:-1]
    found, at = [], bits.find("1")
    while at >= 0:
        found.append(at)
        at = bits.find("1", at + 1)
    return found


def holes(lags: int) -> list[Hole]:
    """Return the lags inside the receptive field that are not reached, as (first, last, step), ascending.

    Neighbours make one hole of step 1. Single lags with an equal gap between them, three or more, make one hole of
    that step (dilations 2, 4, 8 lose every odd lag: one hole of step 2).
    """
    full = (1 << lags.bit_length()) - 1
    found: list[Hole] = []
    singles: list[int] = []  # equally spaced single lags that may become one hole

    def close() -> None:
        if len(singles) >= 3:
            found.append((singles[0], singles[-1], singles[1] - singles[0]))
        else:
            found.extend((lag, lag, 1) for lag in singles)
        singles.clear()

    for first, last in _runs(full & ~lags):
        if len(singles) >= 2 and (first != last or first - singles[-1] != singles[1] - singles[0]):
            if len(singles) == 2 and first == last:  # the newer of two may begin a row that the older spoils
                lag = singles.pop(0)
                found.append((lag, lag, 1))
            else:
                close()
        if first == last:
            singles.append(first)
        else:
            close()
            found.append((first, last, 1))
    close()
    return found


def _runs(bits: int) -> Iterator[tuple[int, int]]:
    """Yield the maximal runs of ones as (first, last), ascending, in time linear in the number of bits."""
    text = bin(bits)[:1:-1]
    at = text.find("1")
    while at >= 0:
        end = text.find("0", at)
        end = len(text) if end < 0 else end
        yield at, end - 1
        at = text.find("1", end)
