"""Decides how a CSV file is to be read: delimiter, layout, date format, column types. Detection ends here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tasks.ingest.dates import NUMBERED, DateFormat, detect, looks_like_date
from tasks.ingest.dialect import COMMA_NUMBER, NUMBER, Layout, Sample, find_layout, take_sample
from tasks.ingest.engine import literal, quoted
from tasks.ingest.intake import refuse
from tasks.ingest.types import FACTOR_RETURNS, PRICES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tasks.ingest.intake import Intake
    from tasks.ingest.types import DatasetType

CODE: Final = re.compile(r"0\d")
LARGE_RETURN: Final = 0.2
MOST_DATES: Final = 200_000  # distinct dates looked at to tell days from months


@dataclass(frozen=True)
class Plan:
    """How a CSV file is to be read, all detection done."""

    sample: Sample
    layout: Layout
    dates: DateFormat | None
    decimal: str
    dated: frozenset[str]  # headers of date columns
    numeric: frozenset[str]  # headers of number columns

    @property
    def date_name(self) -> str | None:
        """The date format as reported, or None for a file without dates."""
        return self.dates.name if self.dates else None


def plan_csv(db: Any, intake: Intake, dataset_type: DatasetType, params: Mapping[str, Any]) -> Plan:
    """Decide from the head of the file and what was declared; raises DataUnusable where neither tells."""
    sample = take_sample(intake.path, params["delimiter"])
    if not sample.rows:
        raise refuse("The file has a header but no rows.")
    layout = find_layout(
        sample.header,
        dataset_type,
        params["columns"],
        first_is_date=_mostly_dates(sample),
        numeric=_mostly_numbers(sample),
    )
    of_type = {
        kind: [layout.columns[f.name] for f in dataset_type.fields if f.type == kind and f.name in layout.columns]
        for kind in ("date", "number")
    }
    numeric = [*layout.symbols, *of_type["number"]]
    if dataset_type.numbers:
        numeric += [name for name in layout.ignored if _holds_numbers(sample, name)]
    _check_decimal(sample, numeric, params["decimal"])
    if layout.shape == "wide" and dataset_type is PRICES:
        _check_prices(sample, numeric)
    if dataset_type is FACTOR_RETURNS:
        _check_fractions(sample, numeric)
    dates = _date_format(db, intake, sample, of_type["date"], params["date_format"])
    return Plan(sample, layout, dates, params["decimal"], frozenset(of_type["date"]), frozenset(numeric))


def _mostly_dates(sample: Sample) -> bool:
    first = sample.column(0)
    return bool(first) and sum(map(looks_like_date, first)) * 2 > len(first)


def _mostly_numbers(sample: Sample) -> bool:
    values = [v for i in range(1, len(sample.header)) for v in sample.column(i)]
    numbers = sum(bool(NUMBER.fullmatch(v) or COMMA_NUMBER.fullmatch(v)) for v in values)
    return bool(values) and numbers * 2 > len(values)


def _holds_numbers(sample: Sample, name: str) -> bool:
    """Say whether a column holds numbers and nothing else; codes with leading zeros are not numbers."""
    values = sample.column(sample.header.index(name))
    return bool(values) and all(NUMBER.fullmatch(v) and not CODE.match(v) for v in values)


def _numbers(sample: Sample, numeric: Sequence[str]) -> list[str]:
    return [v for name in numeric for v in sample.column(sample.header.index(name))]


def _check_decimal(sample: Sample, numeric: Sequence[str], decimal: str) -> None:
    """Ask when numbers are mostly written with a decimal comma and none was declared."""
    values = _numbers(sample, numeric)
    commas = [v for v in values if COMMA_NUMBER.fullmatch(v) and not NUMBER.fullmatch(v)]
    if decimal == "." and len(commas) * 2 > len(values):
        raise refuse(
            f"Numbers such as {commas[0]} seem to have a decimal comma, or thousands separators; "
            'declare "decimal": "," or write plain numbers.',
            "/params/decimal",
        )


def _check_prices(sample: Sample, numeric: Sequence[str]) -> None:
    """Refuse a wide file of returns: many negative numbers are no prices."""
    values = [v for v in _numbers(sample, numeric) if NUMBER.fullmatch(v)]
    negative = sum(v.startswith("-") for v in values)
    if negative * 5 > len(values):
        raise refuse(
            f"{negative} of the first {len(values)} numbers are negative: these look like returns, not prices.",
            "/params/as",
        )


def _check_fractions(sample: Sample, numeric: Sequence[str]) -> None:
    """Refuse returns in percent: no factor moves by a fifth of its value in most periods."""
    sizes = sorted(abs(float(v)) for v in _numbers(sample, numeric) if NUMBER.fullmatch(v))
    if sizes and (middle := sizes[len(sizes) // 2]) > LARGE_RETURN:
        raise refuse(f"Half of the first returns are beyond {middle:g}: these look like percents; divide them by 100.")


def _date_format(
    db: Any, intake: Intake, sample: Sample, headers: Sequence[str], declared: str | None
) -> DateFormat | None:
    """Return the one format of all date columns, as declared or detected on the first that holds a date."""
    if not headers:
        return None
    if declared is not None:
        return DateFormat(declared)
    for header in headers:
        values = sample.column(sample.header.index(header))
        if values and sum(bool(NUMBERED.fullmatch(v)) for v in values) * 2 > len(values):
            values = _all_values(db, intake, sample, header)
        if values:
            return detect(values, header)
    return DateFormat("%Y-%m-%d")


def _all_values(db: Any, intake: Intake, sample: Sample, header: str) -> list[str]:
    """Return a column's distinct texts from the whole file: what tells day from month may stand anywhere."""
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in sample.header)
    found = db.execute(
        f"SELECT DISTINCT {quoted(header)} FROM read_csv({literal(str(intake.path))}, auto_detect=false, header=true, "
        f"delim={literal(sample.delimiter)}, quote='\"', escape='\"', ignore_errors=true, columns={{{columns}}}) "
        f"LIMIT {MOST_DATES}"
    ).fetchall()
    return [row[0] for row in found if row[0]]
