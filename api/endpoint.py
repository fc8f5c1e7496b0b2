"""An endpoint is declared once: what the decorator enforces is what the OpenAPI document says.

The registry that `declared` returns is read by all: routes, document and the tests of the structure are made from it.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import api
from tasks.errors import (
    Forbidden,
    IdempotencyKeyReused,
    Internal,
    Invalid,
    Malformed,
    NotFound,
    PayloadTooLarge,
    RateLimited,
    RequestInFlight,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
)
from tasks.params import Params
from tasks.permissions import PERMISSIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from api.call import Call, Reply
    from tasks.errors import FloorError

    View = Callable[[Call], Reply]

ENDPOINTS: Final[list[Endpoint]] = []

BODY_MAX: Final = 1 << 20


class Nothing(Params):
    """No fields at all."""


@dataclass(frozen=True)
class Answer:
    """One documented answer: what it means, the schema of its body (None: no body), its media types and headers."""

    summary: str
    schema: Any = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class Example:
    """A request that works as it stands; the tests put the ids that it names in place, and send it."""

    body: Any = None
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Endpoint:
    """A declaration: where, for whom, what comes in and every answer that may go out.

    `permission` None means no key is asked for. `alone` endpoints open their own short transactions, because they
    wait or stream; all others run in one transaction of the caller's organisation. `gather` runs before it, for what
    must not hold a connection. `check_body` reads the body where a schema alone can't. `sealed` answers hold a secret
    and are kept encrypted for replays.
    """

    method: str
    path: str
    tag: str
    summary: str
    view: View
    permission: str | None
    answers: Mapping[int, Answer]
    refusals: tuple[type[FloorError], ...] = ()
    description: str = ""
    query: type[Params] = Nothing
    tag_filter: bool = False
    body: type[Params] | None = None
    body_name: str | None = None
    check_body: Callable[[Any], dict[str, Any]] | None = None
    body_optional: bool = False
    form: type[Params] | None = None
    body_max: int = BODY_MAX
    example: Example = field(default_factory=Example)
    gather: Callable[[Call], Any] | None = None
    alone: bool = False
    sealed: bool = False

    @property
    def name(self) -> str:
        """The operation's id: the view's name."""
        return self.view.__name__

    @property
    def takes_body(self) -> bool:
        """Whether the method carries a body."""
        return self.method in {"POST", "PATCH", "PUT"}

    @property
    def problems(self) -> tuple[type[FloorError], ...]:
        """Every refusal this endpoint may answer with: its own, and those its declaration implies."""
        found: list[type[FloorError]] = [Invalid, Unavailable, Internal]
        if self.permission is not None:
            found += [Malformed, Unauthenticated, Forbidden, RateLimited]
        if "{" in self.path:
            found.append(NotFound)
        if self.takes_body:
            found += [Malformed, PayloadTooLarge, UnsupportedMediaType]
        if self.method == "POST":
            found += [RequestInFlight, IdempotencyKeyReused]
        return tuple(dict.fromkeys([*found, *self.refusals]))


@lru_cache(maxsize=1)
def declared() -> tuple[Endpoint, ...]:
    """Return every endpoint, by importing every module of the door."""
    for module in sorted(pkgutil.iter_modules(api.__path__), key=lambda one: one.name):
        if module.name != "wsgi":
            importlib.import_module(f"api.{module.name}")
    return tuple(ENDPOINTS)


def endpoint(
    method: str,
    path: str,
    *,
    tag: str,
    summary: str,
    permission: str | None,
    answers: Mapping[int, Answer],
    **rest: Any,
) -> Callable[[View], View]:
    """Declare the decorated view as an endpoint: enforce what is said here, and document it."""
    if permission is not None and permission not in PERMISSIONS:
        raise ValueError(f"{method} {path} asks for {permission!r}, which no role table lists")

    if method == "POST" and rest.get("alone"):
        raise ValueError(f"{method} {path} has no transaction of its own, so it could not keep an idempotency key")

    def declare(view: View) -> View:
        description = " ".join((view.__doc__ or "").split())
        ENDPOINTS.append(
            Endpoint(
                method=method,
                path=path,
                tag=tag,
                summary=summary,
                view=view,
                permission=permission,
                answers=answers,
                description=description,
                **rest,
            )
        )
        return view

    return declare
