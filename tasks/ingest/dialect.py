"""What a CSV file says about itself: delimiter, header, which column is which, long or wide."""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from tasks.ingest.dates import looks_like_date
from tasks.ingest.intake import refuse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tasks.ingest.types import DatasetType

SAMPLE_BYTES: Final = 1 << 18
SAMPLE_ROWS: Final = 200
DELIMITERS: Final = (",", ";", "\t", "|")
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
COMMA_NUMBER: Final = re.compile(r"[+-]?\d{1,3}(\.\d{3})*,\d+|[+-]?\d+,\d+")


@dataclass(frozen=True)
class Sample:
    """The first rows of a CSV file, split."""

    delimiter: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def column(self, index: int) -> list[str]:
        """Return the sampled values of one column that are not empty."""
        return [row[index].strip() for row in self.rows if index < len(row) and row[index].strip()]


@dataclass(frozen=True)
class Layout:
    """Which header means which canonical column; for `wide`, `symbols` are the headers that name symbols."""

    shape: Literal["long", "wide"]
    columns: Mapping[str, str]
    symbols: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


def take_sample(path: Path, delimiter: str | None) -> Sample:
    """Read the head of a CSV file and split it, detecting the delimiter unless it is declared."""
    with path.open("rb") as file:
        head = file.read(SAMPLE_BYTES)
    text = head.decode("utf-8-sig", errors="ignore")
    lines = [line for line in text.splitlines() if line.strip()]
    if len(head) == SAMPLE_BYTES and len(lines) > 1:
        lines = lines[:-1]
    if not lines:
        raise refuse("The file holds no text: a header and at least one row are needed.")
    chosen = delimiter or detect_delimiter(lines[:SAMPLE_ROWS])
    rows = [tuple(row) for row in csv.reader(lines[: SAMPLE_ROWS + 1], delimiter=chosen)]
    header = [name.strip() for name in rows[0]]
    if header[0] == "" and "date" not in header[1:]:
        header[0] = "date"  # an index column written without its name, as R and pandas do
    sample = Sample(chosen, tuple(header), tuple(rows[1:]))
    _check_header(sample)
    return sample


def detect_delimiter(lines: Sequence[str]) -> str:
    """Return the delimiter that splits every line into equally many parts, the most parts winning."""
    splits = {sign: Counter(len(row) for row in csv.reader(lines, delimiter=sign)) for sign in DELIMITERS}
    header = {sign: len(next(csv.reader(lines[:1], delimiter=sign))) for sign in DELIMITERS}
    fitting = [sign for sign in DELIMITERS if header[sign] > 1]
    if not fitting:
        raise refuse(
            "No delimiter splits the header into columns; declare `delimiter` (comma, semicolon, tab or bar).",
            "/params/delimiter",
        )
    return max(fitting, key=lambda sign: (splits[sign][header[sign]] / len(lines) > 0.5, header[sign]))  # noqa: PLR2004 - most lines agree


def _check_header(sample: Sample) -> None:
    """Refuse a header that can't name columns: numbers or dates in it, blanks, doubles, twins in another case."""
    names = sample.header
    if sum(bool(NUMBER.fullmatch(name) or looks_like_date(name)) for name in names) * 2 >= len(names):
        raise refuse(f"The first line is not a header but data ({', '.join(names[:4])} …); put column names there.")
    blank = [i + 1 for i, name in enumerate(names) if not name]
    if blank:
        raise refuse(f"Column {blank[0]} of the header has no name; name it, or remove the column.")
    for count in (Counter(names), Counter(name.casefold() for name in names)):
        twice = [name for name, times in count.items() if times > 1]
        if twice:
            raise refuse(f"The header names {twice[0]!r} more than once (capital letters do not tell columns apart).")


def plain(name: str) -> str:
    """Return a header name as it is compared: lower case, letters and digits only."""
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def find_layout(
    header: Sequence[str], dataset_type: DatasetType, declared: Mapping[str, str], *, first_is_date: bool, numeric: bool
) -> Layout:
    """Match headers to canonical columns: declared ones first, then exact names, then known synonyms.

    A file of prices or factor returns without a column of names (symbols, factors) whose first column holds dates and
    whose other columns hold numbers is wide.
    """
    columns = _declared(header, dataset_type, declared)
    for field in dataset_type.fields:
        if field.name in columns:
            continue
        names = (plain(field.name), *field.also)
        found = next((h for n in names for h in header if plain(h) == n and h not in columns.values()), None)
        if found is not None:
            columns[field.name] = found
    if dataset_type.name == "prices" and "close" not in columns:
        columns |= _adjusted_close(header)
    if _is_wide(header, dataset_type, columns, first_is_date=first_is_date, numeric=numeric):
        return Layout("wide", {"date": header[0]}, symbols=tuple(header[1:]))
    missing = [field.name for field in dataset_type.fields if field.required and field.name not in columns]
    if missing:
        raise refuse(
            f"No column for {', '.join(missing)} among {', '.join(map(repr, header[:20]))}; "
            f'say which it is: "columns": {{"{missing[0]}": "…"}}.',
            "/params/columns",
        )
    return Layout("long", columns, ignored=tuple(h for h in header if h not in columns.values()))


def _declared(header: Sequence[str], dataset_type: DatasetType, declared: Mapping[str, str]) -> dict[str, str]:
    known = [field.name for field in dataset_type.fields]
    for name, source in declared.items():
        if name not in known:
            raise refuse(
                f"{name!r} is not a column of {dataset_type.name}; it has {', '.join(known)}.", "/params/columns"
            )
        if source not in header:
            raise refuse(
                f"The file has no column {source!r}; it has {', '.join(header[:20])}.", f"/params/columns/{name}"
            )
    return dict(declared)


def _adjusted_close(header: Sequence[str]) -> dict[str, str]:
    found = next((h for h in header if plain(h) in ("adjclose", "adjustedclose")), None)
    return {} if found is None else {"close": found}


def _is_wide(
    header: Sequence[str], dataset_type: DatasetType, columns: Mapping[str, str], *, first_is_date: bool, numeric: bool
) -> bool:
    return (
        dataset_type.cells is not None
        and dataset_type.names not in columns
        and dataset_type.cells not in columns
        and len(header) > 1
        and first_is_date
        and numeric
    )
