"""Outcome to bytes: tables, charts, PDF and bundles. Pure: the same outcome gives the same bytes twice."""
