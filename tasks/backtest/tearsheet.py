"""Gathers what the tear sheet shows. The keys here are what `reports` reads for the template `backtest`.

`tearsheet(...)` returns a mapping of

- `title`, `subtitle`: text.
- `params`: list of {"name", "value"}: the settings a reader asks for first, as text.
- `equity`: columns of equal length, NaN where there is no number: `date` datetime64[D], `equity`, `return`,
  `drawdown`, `gross`, `net`, `turnover`, `cash`, `commission`, `spread`, `impact`, `borrow`, and `benchmark` (a level
  equal to the initial capital on the first row) or None without a benchmark.
- `kpis`: list of statistics, each {"name", "label", "value" (number or None), "format" ("percent", "ratio", "money",
  "count"), "group" ("return", "risk", "exposure", "trading", "benchmark"), "convention", "ddof", "periods_per_year",
  "n"}.
- `monthly`: {"years": [2019, …], "values": (years, 12) float array, "total": (years,)}; NaN where there is no month.
- `attribution`: {"symbols": [{"name", "sector", "contribution"}, …] largest absolute first, at most 20 (ten best and
  ten worst), "sectors": the same keys, all of them, "total": number}.
- `drawdowns`: list, deepest first, at most 5, of {"depth", "peak", "trough", "recovery" (text or None), "sessions"}.
- `costs`: {"commission", "spread", "impact", "borrow", "interest": currency over the whole run; "initial_capital",
  "total_share": commission + spread + impact + borrow over initial capital, "break_even_bps": the cost per traded
  notional at which the gain is gone, or None}.
- `notes`: list of text.
"""
