"""One request on its way through an endpoint (`Call`), and what comes back (`Reply`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from werkzeug.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from api.endpoint import Endpoint
    from api.forms import FormFile
    from api.services import Services
    from infra.database import Connection
    from infra.keys import Caller


@dataclass
class Call:
    """A request whose parts have been checked against the endpoint's declaration."""

    services: Services
    endpoint: Endpoint
    request_id: str
    path: Mapping[str, str]
    query: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    headers: Headers = field(default_factory=Headers)
    file: FormFile | None = None
    gathered: Any = None
    _caller: Caller | None = None
    _connection: Connection | None = None

    @property
    def caller(self) -> Caller:
        """Whoever asks; only endpoints that ask for a key have one."""
        assert self._caller is not None
        return self._caller

    @property
    def connection(self) -> Connection:
        """The transaction of the caller's organisation that this request runs in."""
        assert self._connection is not None
        return self._connection

    @property
    def org_id(self) -> str:
        """The caller's organisation."""
        return self.caller.org_id

    def transaction(self) -> AbstractContextManager[Connection]:
        """Open a short transaction of its own, for endpoints that wait in between."""
        return self.services.database.org(self.org_id)


@dataclass(frozen=True)
class Reply:
    """An answer: a JSON value (or a stream of text), its status, its headers."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: Iterator[str] | None = None
    media_type: str = "application/json"
