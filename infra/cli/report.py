"""What the demo shows at its end: the statistics, the files with their links, what to try next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PERCENT: Final = "{:.1%}".format
PLAIN: Final = "{:.2f}".format
KPIS: Final = (
    ("Annual return", "annual_return", PERCENT),
    ("Annual volatility", "annual_volatility", PERCENT),
    ("Sharpe ratio", "sharpe", PLAIN),
    ("Sortino ratio", "sortino", PLAIN),
    ("Calmar ratio", "calmar", PLAIN),
    ("Maximum drawdown", "max_drawdown", PERCENT),
    ("Hit rate", "hit_rate", PERCENT),
    ("VaR 95 %, one day", "var_95", PERCENT),
    ("Annual turnover, one-way", "annual_turnover", PERCENT),
    ("Average gross exposure", "average_gross", PERCENT),
    ("Probabilistic Sharpe", "probabilistic_sharpe", PERCENT),
)
AGAINST: Final = (("Beta", "beta", PLAIN), ("Alpha, annual", "alpha", PERCENT))


def results(steps: Mapping[str, Any], saved: Mapping[str, tuple[Path, str]], source: Path, seconds: float) -> None:
    """Print what was read, the statistics, and where the files are."""
    console, read, tested = Console(soft_wrap=True), steps["prices"]["result"], steps["backtest"]["result"]
    console.print(
        f"\n{source.name}: {read['rows_read']:,} rows read, {read['rows_kept']:,} kept, "
        f"{read['rows_quarantined']:,} quarantined, {read['rows_duplicate']:,} duplicate; {read['symbols']} symbols, "
        f"{read['start']} to {read['end']};"
        f" health {_number(read['score'], PLAIN)} of 100",
        highlight=False,
    )
    for warning in read.get("warnings", []):
        console.print(f"  {warning}", highlight=False, markup=False)
    console.print(kpi_table(tested))
    for note in tested.get("notes", []):
        console.print(f"  note: {note}", highlight=False, markup=False)
    for step, (path, url) in saved.items():
        console.print(f"{step:<10} {path}", highlight=False)
        console.print(f"           {url}", highlight=False, markup=False)
    console.print(f"\nDone in {seconds:.1f} s.", highlight=False)


def as_object(
    url: str, steps: Mapping[str, Any], saved: Mapping[str, tuple[Path, str]], seconds: float
) -> dict[str, Any]:
    """Return the same for a program to read."""
    return {
        "url": url,
        "jobs": {name: job["id"] for name, job in steps.items()},
        "read": steps["prices"]["result"],
        "backtest": steps["backtest"]["result"],
        "files": {name: {"path": str(path), "url": link} for name, (path, link) in saved.items()},
        "seconds": round(seconds, 3),
    }


def kpi_table(result: Mapping[str, Any]) -> Table:
    """Return the statistics of a backtest as a table."""
    table = Table(title=f"Backtest {result['start']} to {result['end']}, {result['rebalances']} rebalances")
    table.add_column("")
    table.add_column("value", justify="right")
    for label, name, form in KPIS:
        table.add_row(label, _number(result.get(name), form))
    for label, name, form in AGAINST if result.get("benchmark") else ():
        table.add_row(label, _number(result["benchmark"].get(name), form))
    return table


def what_next(url: str, key: str, steps: Mapping[str, Any], *, stop: str | None) -> None:
    """Print commands that work as they stand, on this Floor if it stays; `stop` is the command that stops it."""
    console = Console(soft_wrap=True)

    def line(text: str) -> None:
        console.print(text, highlight=False, markup=False)

    if stop is None:
        line("\nFloor stops now, and the links with it. To look around, run  make demo KEEP=1  and then try:")
        line("  the API's pages      <address>/docs")
        line("  your own prices      make demo DATA=path/to/prices.csv ACTIONS=path/to/corporate_actions.csv")
        line("  a Floor that stays   make up")
        return
    job = steps["backtest"]["id"]
    body = json.dumps({"kind": "backtest", "params": _variant(steps["backtest"]["params"])})
    line(f"\nFloor runs on; the links above work for an hour. The API's pages: {url}/docs. Try:")
    line(f'  curl -H "Authorization: Bearer {key}" {url}/v1/jobs/{job}')
    line(f'  curl -H "Authorization: Bearer {key}" {url}/v1/jobs/{job}/artifacts')
    line(f'  curl -L -o equity.csv -H "Authorization: Bearer {key}" {url}/v1/jobs/{job}/artifacts/equity.csv')
    line(f'  curl -H "Authorization: Bearer {key}" -H "Content-Type: application/json" -d \'{body}\' {url}/v1/jobs')
    line(f"\nStop it with:  make down   (or: {stop})")


def _variant(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the same backtest with fewer names, as one would vary it by hand."""
    kept = {
        name: params[name]
        for name in ("prices", "signal", "rebalance", "costs", "borrow")
        if params.get(name) is not None
    }
    return kept | {"construction": {"type": params["construction"]["type"], "quantile": 0.1}}


def _number(value: Any, form: Any) -> str:
    return "-" if value is None else str(form(value))
