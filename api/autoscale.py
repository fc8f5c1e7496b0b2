"""What an outside autoscaler (KEDA's metrics-api, an ECS service) is told of a queue; a token of its own opens it.

It stands beside the health pages and not under /v1: it speaks for all organisations, and belongs to the operator.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING

from flask import Response, request

from api.metrics import advice_for
from infra import dispatching
from infra.scaling import rule_of
from tasks.errors import NotFound, Unauthenticated

if TYPE_CHECKING:
    from flask import Flask

    from api.services import Services


def install(app: Flask, services: Services) -> None:
    """Add the route; without FLOOR_INTERNAL_TOKEN it is not there."""
    expected, rule = services.settings.internal_token, rule_of(services.settings)

    def autoscale(pool: str) -> Response:
        if not expected:
            raise NotFound
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {expected}".encode()):
            raise Unauthenticated("This page asks for `Authorization: Bearer` with the operator's internal token.")
        with services.database.system() as connection:
            counted = dispatching.demand(connection)
        advised = advice_for(counted, rule)
        if pool not in advised:
            raise NotFound(f"There is no pool {pool[:40]!r}; there are: {', '.join(advised)}.")
        return Response(json.dumps(advised[pool]), content_type="application/json")

    app.add_url_rule(
        "/internal/autoscale/<pool>", "autoscale", autoscale, methods=["GET"], provide_automatic_options=False
    )
