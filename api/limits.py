"""Request rates per key and per organisation, counted in Redis; while Redis is away requests are not counted."""

from __future__ import annotations

import logging
import math
import time
from dataclasses import dataclass
from functools import cached_property
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

# One round trip for all of a request's counters. Each is a hash: the number of its window, the hits in it and in the
# one before. What counts is this window's hits and the part of the last one's that a sliding window still covers.
# Returns per counter whether the hit was within the quota, how many are left, and the milliseconds to the next window.
SPEND: Final = """
local clock = redis.call('TIME')
local now = clock[1] + clock[2] / 1e6
local found = {}
for i, key in ipairs(KEYS) do
  local quota, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local number = math.floor(now / window)
  local passed = now / window - number
  local kept = redis.call('HMGET', key, 'number', 'here', 'before')
  local since = number - (tonumber(kept[1]) or -2)
  local here = since == 0 and tonumber(kept[2]) or 0
  local before = since == 0 and tonumber(kept[3]) or since == 1 and tonumber(kept[2]) or 0
  local used = here + before * (1 - passed)
  local within = used + 1 <= quota
  if within then
    here, used = here + 1, used + 1
    redis.call('HSET', key, 'number', number, 'here', here, 'before', before)
    redis.call('EXPIRE', key, 2 * window)
  end
  found[i] = {within and 1 or 0, math.max(0, math.floor(quota - used)), math.ceil((1 - passed) * window * 1000)}
end
return found
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """So many requests in so many seconds, counted under a name for one key or one organisation."""

    name: str
    quota: int
    window_s: int
    counted: str


@dataclass(frozen=True)
class Counted:
    """What a counter says after a request: whether it was within the policy, how many are left, until when."""

    within: bool
    left: int
    reset_s: int


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
            found = self._count(policies)
        except Exception as error:  # noqa: BLE001 - whatever ails the counter, requests go on uncounted
            self._paused_until = time.monotonic() + PAUSE_S
            log.warning("request rates are not counted for %s s: %s", PAUSE_S, type(error).__name__)
            return Spent({})
        return _spent(policies, found)

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

    def _count(self, policies: list[Policy]) -> list[Counted]:
        """Count one request against every policy."""
        keys = [f"floor:rate:{policy.name}:{policy.counted}" for policy in policies]
        rows = self._script(keys, [number for policy in policies for number in (policy.quota, policy.window_s)])
        return [Counted(bool(within), left, max(1, math.ceil(wait_ms / 1000))) for within, left, wait_ms in rows]

    @cached_property
    def _script(self) -> Any:
        import redis  # noqa: PLC0415 - Redis' client is loaded with the first request

        url = self._settings.redis_url.replace("redis+socket://", "unix://", 1)
        client = redis.Redis.from_url(url, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)
        return client.register_script(SPEND)


def _spent(policies: list[Policy], found: list[Counted]) -> Spent:
    counted = list(zip(policies, found, strict=True))
    over = [(policy, one) for policy, one in counted if not one.within]
    shown = over or [(policy, one) for policy, one in counted if policy.name == SHOWN]
    headers = {
        "RateLimit-Policy": ", ".join(f'"{p.name}";q={p.quota};w={p.window_s}' for p in policies),
        "RateLimit": ", ".join(f'"{policy.name}";r={one.left};t={one.reset_s}' for policy, one in shown),
    }
    if not over:
        return Spent(headers)
    wait = max(one.reset_s for _, one in over)
    first = over[0][0]
    detail = f"More than {first.quota} requests came in {first.window_s} s; ask again in {wait} s."
    violated = [policy.name for policy, _ in over]
    return Spent(headers, RateLimited(detail, retry_after_s=wait, violated_policies=violated))
