"""Request rates per key and per organisation, counted in Redis; while Redis is away requests are not counted."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, Final

from infra import orgs
from tasks.errors import RateLimited

if TYPE_CHECKING:
    from infra.database import Database
    from infra.keys import Caller
    from infra.settings import Settings

FAILURES_MINUTE: Final = 300  # requests a minute without a good key, from one address
ORG_FACTOR: Final = 5  # an organisation may do as much as five of its keys
SETTINGS_KEPT_S: Final = 10.0
PAUSE_S: Final = 5.0
SHOWN: Final = "minute"  # the one policy whose rest every answer shows
TIMEOUT_S: Final = 0.5

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """So many requests in so many seconds, counted under a name for one key or one organisation."""

    name: str
    quota: int
    window_s: int
    counted: str


@dataclass(frozen=True)
class Spent:
    """What the rate-limit headers say after a request, and the refusal if it was one too many."""

    headers: dict[str, str]
    refusal: RateLimited | None = None


class Limits:
    """The counters; one instance a process, one Redis for all."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._known: dict[str, tuple[float, dict[str, Any]]] = {}
        self._paused_until = 0.0

    def spend(self, caller: Caller) -> Spent:
        """Count one request of the caller's key and organisation."""
        return self._spend(self._policies(caller))

    def spend_failure(self, address: str) -> Spent:
        """Count one request without a good key from a network address."""
        return self._spend([Policy("failures", FAILURES_MINUTE, 60, address)])

    def _spend(self, policies: list[Policy]) -> Spent:
        if time.monotonic() < self._paused_until:
            return Spent({})
        try:
            over = [policy for policy in policies if not self._hit(policy)]
            shown = over or [policy for policy in policies if policy.name == SHOWN]
            left = {policy.name: self._left(policy) for policy in shown}
        except Exception as error:  # noqa: BLE001 - whatever ails the counter, requests go on uncounted
            self._paused_until = time.monotonic() + PAUSE_S
            log.warning("request rates are not counted for %s s: %s", PAUSE_S, type(error).__name__)
            return Spent({})
        return _spent(policies, over, left)

    def _policies(self, caller: Caller) -> list[Policy]:
        allowed = self._settings_of(caller.org_id)
        burst = int(allowed["rate_burst"] or self._settings.rate_burst)
        minute = int(allowed["rate_minute"] or self._settings.rate_minute)
        return [
            Policy("burst", burst, 1, caller.key_id),
            Policy("minute", minute, 60, caller.key_id),
            Policy("organisation", minute * ORG_FACTOR, 60, caller.org_id),
        ]

    def _settings_of(self, org_id: str) -> dict[str, Any]:
        kept = self._known.get(org_id)
        if kept is None or kept[0] < time.monotonic():
            with self._database.org(org_id) as connection:
                kept = (time.monotonic() + SETTINGS_KEPT_S, orgs.get(connection)["settings"])
            self._known[org_id] = kept
        return kept[1]

    def _hit(self, policy: Policy) -> bool:
        """Count one request; say whether it was within the policy."""
        return bool(self._counter.hit(_item(policy), policy.name, policy.counted))

    def _left(self, policy: Policy) -> tuple[int, int]:
        """Return how many requests are left, and the seconds until there are more."""
        window = self._counter.get_window_stats(_item(policy), policy.name, policy.counted)
        return window.remaining, max(1, math.ceil(window.reset_time - time.time()))

    @cached_property
    def _counter(self) -> Any:
        from limits.storage import RedisStorage  # noqa: PLC0415 - see _item
        from limits.strategies import SlidingWindowCounterRateLimiter  # noqa: PLC0415

        url = self._settings.redis_url.replace("redis+socket://", "redis+unix://", 1)
        url = "redis+" + url if url.startswith("unix://") else url
        return SlidingWindowCounterRateLimiter(
            RedisStorage(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        )


@lru_cache(maxsize=1000)
def _item(policy: Policy) -> Any:
    from limits import RateLimitItemPerSecond  # noqa: PLC0415 - Redis' client is loaded with the first request

    return RateLimitItemPerSecond(policy.quota, policy.window_s, namespace="floor")


def _spent(policies: list[Policy], over: list[Policy], left: dict[str, tuple[int, int]]) -> Spent:
    headers = {
        "RateLimit-Policy": ", ".join(f'"{p.name}";q={p.quota};w={p.window_s}' for p in policies),
        "RateLimit": ", ".join(f'"{name}";r={rest};t={reset}' for name, (rest, reset) in left.items()),
    }
    if not over:
        return Spent(headers)
    wait = max(left[policy.name][1] for policy in over)
    detail = f"More than {over[0].quota} requests came in {over[0].window_s} s; ask again in {wait} s."
    return Spent(headers, RateLimited(detail, retry_after_s=wait, violated_policies=[policy.name for policy in over]))
