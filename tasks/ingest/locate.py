"""Finds rows again in a CSV file: from a row's number among the readable ones to its line and its bytes.

DuckDB numbers the rows it read, not the lines they stood on; quoted line breaks, blank lines and rejected rows lie
between. One pass over the bytes, in memory that does not grow with the file, and only when there is a row to find.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

BLOCK: Final = 16 << 20
RAW_MAX: Final = 2000  # characters of a line that quarantine repeats
FEED, RETURN, QUOTE = 10, 13, 34


@dataclass(frozen=True)
class Place:
    """Where a row begins: its byte offset and its line, counted from 1."""

    offset: int
    line: int


def data_rows(path: Path, *, quoted: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (offsets, lines) of the rows after the header, block by block; blank lines are no rows.

    A line break inside an odd number of quotes belongs to a value. Offsets count bytes, lines count from 1.
    """
    base, lines_before, inside, header_seen = 0, 0, False, False
    begin: tuple[int, int] | None = (0, 1)  # the row that begins before the block at hand
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            data = np.frombuffer(block, dtype=np.uint8)
            feeds = np.flatnonzero(data == FEED)
            ends = feeds
            if quoted:
                quotes = np.cumsum(data == QUOTE, dtype=np.int64) + inside
                ends = feeds[quotes[feeds] % 2 == 0]
                inside = bool(quotes[-1] % 2)
            starts = ends + 1
            lines = lines_before + np.searchsorted(feeds, ends, side="right") + 1
            if begin is not None:
                starts, lines = np.r_[begin[0] - base, starts], np.r_[begin[1], lines]
            whole = starts < len(data)
            begin = None if whole.all() else (base + int(starts[~whole][0]), int(lines[~whole][0]))
            starts, lines = starts[whole], lines[whole]
            filled = _is_filled(data, starts)
            offsets, lines = base + starts[filled], lines[filled]
            if not header_seen and len(offsets):
                offsets, lines, header_seen = offsets[1:], lines[1:], True
            yield offsets, lines
            base += len(data)
            lines_before += len(feeds)


def _is_filled(data: np.ndarray, starts: np.ndarray) -> np.ndarray:
    first = data[starts]
    blank = (first == FEED) | ((first == RETURN) & (data[np.minimum(starts + 1, len(data) - 1)] == FEED))
    filled: np.ndarray = ~blank
    return filled


def places(
    path: Path, ordinals: Sequence[int], rejected: Sequence[int], *, quoted: bool
) -> tuple[dict[int, Place], dict[int, Place], int]:
    """Return where wanted readable rows are (by ordinal), where rejected ones are (by offset), and the count of all."""
    wanted, offsets_of_rejected = (
        np.unique(np.asarray(ordinals, dtype=np.int64)),
        np.asarray(sorted(rejected), np.int64),
    )
    readable: dict[int, Place] = {}
    refused: dict[int, Place] = {}
    seen = total = 0
    for offsets, lines in data_rows(path, quoted=quoted):
        is_rejected = np.isin(offsets, offsets_of_rejected)
        refused |= {
            int(o): Place(int(o), int(n)) for o, n in zip(offsets[is_rejected], lines[is_rejected], strict=True)
        }
        good_offsets, good_lines = offsets[~is_rejected], lines[~is_rejected]
        low, high = np.searchsorted(wanted, [seen, seen + len(good_offsets)])
        for ordinal in wanted[low:high].tolist():
            at = ordinal - seen
            readable[ordinal] = Place(int(good_offsets[at]), int(good_lines[at]))
        seen += len(good_offsets)
        total += len(offsets)
    return readable, refused, total


def record(path: Path, offset: int, *, quoted: bool) -> str:
    """Return the row that begins at an offset, without its line end, at most `RAW_MAX` characters of it."""
    with path.open("rb") as file:
        file.seek(offset)
        text = file.read(RAW_MAX * 4).decode("utf-8", errors="ignore")
    inside, end = False, len(text)
    for at, character in enumerate(text):
        if quoted and character == '"':
            inside = not inside
        elif character == "\n" and not inside:
            end = at
            break
    return text[:end].rstrip("\r")[:RAW_MAX]
