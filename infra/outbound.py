"""The one way out over HTTP to addresses that others chose: resolved once, vetted, called by number, cut off in time.

The client follows no redirect, reads no proxy or certificate settings from the environment, keeps no cookies, and
reads no more of an answer than it was told to. TLS and the Host header keep the name; the connection goes to the very
address that was vetted.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import httpcore
import httpx

from infra.addresses import AddressRefused, vetted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from infra.addresses import Resolver

TOTAL_S: Final = 10.0
CONNECT_S: Final = 5.0
ANSWER_MAX: Final = 64 * 1024
AGENT: Final = "Floor-Webhooks/1.0"


class CallFailed(Exception):
    """No whole answer came; the message is one word for the log: refused, dns, connect, tls, timeout, broken."""


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the headers, and the first bytes of the body (never decompressed)."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def resolve(host: str, port: int, within_s: float = CONNECT_S) -> list[str]:
    """Return a name's addresses as the system knows them; raises OSError, TimeoutError after `within_s`."""
    found: list[Any] = []

    def ask() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            found.append(error)

    # The system's resolver can't be told how long to wait; a thread that nobody waits for can.
    asking = threading.Thread(target=ask, name="resolve", daemon=True)
    asking.start()
    asking.join(within_s)
    if not found:
        raise TimeoutError(f"{host} was not resolved in {within_s} s")
    if isinstance(found[0], OSError):
        raise found[0]
    return [str(entry[4][0]) for entry in found[0]]


@dataclass(frozen=True)
class Outbound:
    """How calls are made; the resolver and the certificates that are trusted come in as values."""

    allow_private: bool = False
    total_s: float = TOTAL_S
    answer_max: int = ANSWER_MAX
    resolver: Resolver = resolve
    trust: ssl.SSLContext | None = None

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Send a body and return the answer, all of it within `total_s`; raises CallFailed."""
        with self.client() as client, _translated():
            given = {"User-Agent": AGENT, "Accept-Encoding": "identity", **headers}
            with client.stream("POST", url, content=body, headers=given) as response:
                return Answer(response.status_code, dict(response.headers), self._read(response))

    def client(self) -> httpx.Client:
        """Return a client for one call, whose clock starts now."""
        backend = _Vetting(self, time.monotonic() + self.total_s)
        return httpx.Client(
            transport=_Transport(backend, self.trust or _public_trust()),
            timeout=httpx.Timeout(self.total_s, connect=CONNECT_S),
            follow_redirects=False,
            trust_env=False,
        )

    def _read(self, response: httpx.Response) -> bytes:
        held = bytearray()
        for chunk in response.iter_raw():
            held += chunk
            if len(held) >= self.answer_max:
                break
        return bytes(held[: self.answer_max])


class _Transport(httpx.BaseTransport):
    """httpx over a connection pool whose network is ours: the seam that httpcore offers for it."""

    def __init__(self, backend: httpcore.NetworkBackend, trust: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(ssl_context=trust, network_backend=backend, max_connections=1)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answered = self._pool.handle_request(
            httpcore.Request(
                request.method,
                httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        return httpx.Response(answered.status, headers=answered.headers, stream=_Stream(answered))

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    def __init__(self, answered: httpcore.Response) -> None:
        self._answered = answered

    def __iter__(self) -> Iterator[bytes]:
        yield from self._answered.iter_stream()

    def close(self) -> None:
        self._answered.close()


class _Vetting(httpcore.NetworkBackend):
    """A network that opens connections to vetted addresses only, and nothing after its deadline."""

    def __init__(self, how: Outbound, deadline: float) -> None:
        self._how, self._deadline, self._network = how, deadline, httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = vetted(host.strip("[]"), port, self._how.resolver, allow_private=self._how.allow_private)
        for address in addresses[:-1]:
            try:
                return self._connect(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue  # the next of the vetted addresses may answer
        return self._connect(addresses[-1], port, timeout, local_address, socket_options)

    def connect_unix_socket(self, *_args: Any, **_kwargs: Any) -> httpcore.NetworkStream:
        raise AddressRefused("Sockets in the file system are not called.")

    def sleep(self, seconds: float) -> None:
        time.sleep(min(seconds, left(self._deadline, None)))

    def _connect(self, address: str, port: int, timeout: float | None, *rest: Any) -> httpcore.NetworkStream:
        stream = self._network.connect_tcp(address, port, left(self._deadline, timeout), *rest)
        return _Timed(stream, self._deadline)


class _Timed(httpcore.NetworkStream):
    """A stream whose every wait ends at one deadline, so that a peer that drips is cut off all the same."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream, self._deadline = stream, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, left(self._deadline, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, left(self._deadline, timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        inner = self._stream.start_tls(ssl_context, server_hostname, left(self._deadline, timeout))
        return _Timed(inner, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def left(deadline: float, timeout: float | None) -> float:
    """Return the seconds until the deadline, `timeout` at most; raises httpcore's ReadTimeout once it has passed."""
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise httpcore.ReadTimeout("the time for the whole call is up")
    return seconds if timeout is None else min(seconds, timeout)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except AddressRefused as error:
        raise CallFailed("refused") from error
    except (httpcore.TimeoutException, httpx.TimeoutException, TimeoutError) as error:
        raise CallFailed("timeout") from error
    except socket.gaierror as error:
        raise CallFailed("dns") from error
    except (httpcore.ConnectError, httpx.ConnectError) as error:
        raise CallFailed("tls" if _is_tls(error) else "connect") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise CallFailed("tls" if _is_tls(error) else "broken") from error


def _is_tls(error: BaseException | None) -> bool:
    """Say whether an error, or one that it stands for, is TLS's."""
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return True
        error = error.__cause__ or error.__context__
    return False


@cache
def _public_trust() -> ssl.SSLContext:
    """Return the certificates that the public web trusts; made once, it costs tens of milliseconds."""
    return httpx.create_ssl_context(trust_env=False)
