"""Who may do what: seven roles against the permissions, as one table that code, documents and tests all read."""

from __future__ import annotations

from typing import Final

ROLES: Final = ("owner", "admin", "quant", "strategist", "risk", "compliance", "viewer")

EVERYONE: Final = frozenset(ROLES)
DESK: Final = frozenset({"owner", "admin", "quant", "strategist"})
DESK_AND_RISK: Final = DESK | {"risk"}

PERMISSIONS: Final[dict[str, frozenset[str]]] = {
    "read": EVERYONE,
    "research.run": DESK,
    "optimize.run": DESK_AND_RISK,
    "risk.run": DESK_AND_RISK,
    "compliance.run": frozenset({"owner", "compliance"}),
    "compliance.check": DESK_AND_RISK | {"compliance"},
    "export.run": EVERYONE,
    "orders.paper": DESK,
    "orders.live": frozenset({"owner", "strategist"}),
    "risk_policy.set": frozenset({"owner", "risk"}),
    "kill_switch.pull": frozenset({"owner", "admin", "strategist", "risk", "compliance"}),
    "kill_switch.release": frozenset({"owner", "risk"}),
    "admin": frozenset({"owner", "admin"}),
    "audit.read": frozenset({"owner", "admin", "risk", "compliance"}),
}


def allowed(role: str, permission: str) -> bool:
    """Say whether a role holds a permission; an unknown permission is a programming error and raises KeyError."""
    return role in PERMISSIONS[permission]
