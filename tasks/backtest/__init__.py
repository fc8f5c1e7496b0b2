"""The backtest kind: a signal or weights become a ledger, statistics and a tear sheet."""
