"""The demo's market: 150 invented stocks over five years of daily bars, always the same bytes.

Standard library only: nothing has to be installed for it, and no library's update can change it.
"""

from infra.cli.universe.files import Universe, write
from infra.cli.universe.market import STOCKS

__all__ = ["STOCKS", "Universe", "write"]
