"""What the demo asks for: the bodies of its pipeline's steps, as any client would post them. Plain values, no I/O."""

from __future__ import annotations

from typing import Any, Final

Step = dict[str, Any]

BROAD: Final = 60  # symbols from which on a fifth a side is a portfolio and not a handful
NAMES: Final = 10  # the fewest names that a date is scored with; half of them where there are not twice as many
FEW: Final = 3
PRICES: Final = {"step": "prices", "artifact": "data"}


def reading(name: str, prices: str, actions: str | None, others: dict[str, tuple[str, str]]) -> dict[str, Step]:
    """Return the steps that make datasets of uploads; `others` are step name -> (upload, type)."""
    steps = {step: _ingest(upload, kind, f"{name}-{step}") for step, (upload, kind) in others.items()}
    prices_step = _ingest(prices, "prices", f"{name}-prices")
    if actions is not None:
        steps["actions"] = _ingest(actions, "corporate_actions", f"{name}-actions")
        prices_step["params"]["corporate_actions"] = {"step": "actions", "artifact": "data"}
    return steps | {"prices": prices_step}


def research(prices: Any, symbols: int, *, sectors: Any = None, index: Any = None, title: str) -> dict[str, Step]:
    """Return the steps from prices to a tear sheet and a bundle, fitted to how many symbols there are."""
    broad = symbols >= BROAD
    recipe: dict[str, Any] = {
        "factors": [{"name": "momentum", "weight": 0.6}, {"name": "low_volatility", "weight": 0.4}],
        "winsorize": {"method": "quantile", "limits": [0.01, 0.99]} if broad else {"method": "mad"},
        "neutralize": ["sector"] if sectors is not None else [],
        "min_names": max(FEW, min(NAMES, symbols // 2)),
    }
    backtest: dict[str, Any] = {
        "prices": prices,
        "signal": {"step": "signals", "artifact": "scores"},
        "construction": _construction(broad),
        "rebalance": "M",
        "costs": {"commission_bps": 1, "half_spread_bps": 2},
        "borrow": {"annual_bps": 50 if broad else 0},
    }
    signals: dict[str, Any] = {"prices": prices, "frequency": "M", "recipe": recipe}
    if sectors is not None:
        signals["classifications"] = backtest["classifications"] = sectors
    if index is not None:
        backtest["benchmark"] = index
    sources = [{"step": "backtest"}]
    return {
        "signals": {"kind": "factors", "params": signals},
        "backtest": {"kind": "backtest", "params": backtest},
        "tearsheet": {"kind": "export", "params": {"format": "pdf", "sources": sources, "title": title}},
        "bundle": {"kind": "export", "params": {"format": "zip", "sources": [{"step": "signals"}, *sources]}},
    }


def _construction(broad: bool) -> dict[str, Any]:
    """Return a long-short portfolio of many names; of few the best quarter, long only: a short leg of five is a bet."""
    if broad:
        return {"type": "quantile_long_short", "quantile": 0.2}
    return {"type": "quantile_long_only", "quantile": 0.25}


def _ingest(upload: str, kind: str, dataset: str) -> Step:
    params = {"upload": upload, "as": kind, "dataset": dataset}
    return {"kind": "ingest", "params": params | ({} if kind == "prices" else {"calendar": None})}
