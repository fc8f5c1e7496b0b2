"""The tear sheet of a backtest, as a portfolio manager would hand it to a client."""
