"""A thin client of Floor's HTTP API for the command line and the demo.

Tries again only what may be sent twice: reads, and writes that carry an idempotency key. Holds no state but its key.
"""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import TYPE_CHECKING, Any, Final, Self

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from types import TracebackType

FINAL: Final = frozenset({"succeeded", "failed", "cancelled"})
TRY_AGAIN: Final = frozenset({429, 502, 503, 504})
ATTEMPTS: Final = 5
LONGEST_PAUSE_S: Final = 10.0
POLL_S: Final = 0.2
CHUNK: Final = 1 << 20


class ApiError(Exception):
    """The API refused: `problem` is its problem+json object; the text is what a person should read."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        self.status, self.problem = status, dict(problem)
        lines = [str(problem.get("detail") or problem.get("title") or f"HTTP {status}")]
        lines += [f"  {fault.get('pointer', '')}: {fault.get('detail', '')}" for fault in problem.get("errors", [])]
        super().__init__("\n".join(lines))


class Unreachable(Exception):
    """Floor does not answer at its address."""


class Damaged(Exception):
    """The bytes that arrived are not those whose digest was announced."""


class Client:
    """One Floor, as one key sees it."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 75.0) -> None:
        self.url, self.key = url.rstrip("/"), key
        self._http = httpx.Client(
            base_url=self.url, timeout=timeout_s, headers={"Authorization": f"Bearer {key}"}, trust_env=False
        )
        self._store = httpx.Client(
            timeout=timeout_s, trust_env=False
        )  # signed addresses: our key is none of its business

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self._store.close()

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return the JSON object at a path."""
        found: dict[str, Any] = self._send("GET", path, params=params).json()
        return found

    def post(self, path: str, body: Any = None) -> dict[str, Any]:
        """Post a JSON value under a fresh idempotency key, so that it takes effect once however often it is sent."""
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        answer = self._send("POST", path, json={} if body is None else body, headers=headers)
        found: dict[str, Any] = answer.json() if answer.content else {}
        return found

    def delete(self, path: str) -> None:
        """Delete what is at a path."""
        self._send("DELETE", path)

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """Yield every item of a list, page after page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **params, **({"cursor": cursor} if cursor else {}))
            yield from page["data"]
            cursor = page["next_cursor"]

    def submit(self, kind: str, params: Mapping[str, Any], **options: Any) -> dict[str, Any]:
        """Submit a job and return it as accepted."""
        return self.post("/v1/jobs", {"kind": kind, "params": dict(params), **options})

    def job(self, job_id: str) -> dict[str, Any]:
        """Return a job."""
        return self.get(f"/v1/jobs/{job_id}")

    def follow(self, job_id: str, *, within_s: float = 3600.0) -> Iterator[dict[str, Any]]:
        """Yield a job whenever it has changed, until it is final; raises TimeoutError if that takes too long."""
        deadline, tag = time.monotonic() + within_s, ""
        while True:
            answer = self._send("GET", f"/v1/jobs/{job_id}", headers={"If-None-Match": tag} if tag else {})
            if answer.status_code != httpx.codes.NOT_MODIFIED:
                tag, job = answer.headers.get("etag", ""), answer.json()
                yield job
                if job["state"] in FINAL:
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job_id} is not finished after {within_s:g} s; it goes on without us.")
            time.sleep(POLL_S)

    def wait(self, job_id: str, *, within_s: float = 3600.0) -> dict[str, Any]:
        """Return a job once it is final; the server holds the answer, so this hears of it at once."""
        deadline = time.monotonic() + within_s
        while True:
            patience = max(1, min(30, int(deadline - time.monotonic())))
            answer = self._send("GET", f"/v1/jobs/{job_id}", headers={"Prefer": f"wait={patience}"})
            job: dict[str, Any] = answer.json()
            if job["state"] in FINAL:
                return job
            if "Preference-Applied" not in answer.headers:
                time.sleep(1.0)  # the server has no thread to spare for waiting: ask seldom instead
            if time.monotonic() > deadline:
                raise TimeoutError(f"{job_id} is not finished after {within_s:g} s; it goes on without us.")

    def artifacts(self, job_id: str) -> list[dict[str, Any]]:
        """Return a job's artifacts, each with a fresh signed address."""
        return list(self.pages(f"/v1/jobs/{job_id}/artifacts"))

    def download(self, artifact: Mapping[str, Any], to: Path, tell: Callable[[int], None] = lambda _: None) -> Path:
        """Bring an artifact to a local file, which appears only once its digest was found right."""
        aside, hasher = to.with_name(to.name + ".part"), hashlib.sha256()
        to.parent.mkdir(parents=True, exist_ok=True)
        try:
            with self._store.stream("GET", artifact["url"]) as answer, aside.open("wb") as file:
                _check(answer)
                for chunk in answer.iter_bytes(CHUNK):
                    hasher.update(chunk)
                    file.write(chunk)
                    tell(len(chunk))
        except httpx.TransportError as error:
            raise Unreachable(f"The object store at {answer_host(artifact['url'])} does not answer.") from error
        if hasher.hexdigest() != artifact["sha256"]:
            aside.unlink()
            raise Damaged(
                f"{artifact['name']} arrived damaged: its SHA-256 is not the one announced. Download it again."
            )
        aside.replace(to)
        return to

    def upload(self, path: Path, tell: Callable[[int], None] = lambda _: None) -> dict[str, Any]:
        """Send a file straight to the object store and return the completed upload."""
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = path.stat().st_size
        upload = self.post("/v1/uploads", {"filename": path.name, "bytes": size, "sha256": sha256})
        requests = upload.get("parts") or [upload | {"bytes": size}]
        etags, start = [], 0
        for number, request in enumerate(requests, start=1):
            length = int(request.get("bytes", size))
            answer = self._put(request, _slice(path, start, length, tell), length)
            etags.append({"number": number, "etag": answer.headers.get("etag", "")})
            start += length
        return self.post(f"/v1/uploads/{upload['id']}/complete", {"parts": etags} if upload.get("parts") else {})

    def _put(self, request: Mapping[str, Any], body: Iterator[bytes], length: int) -> httpx.Response:
        headers = {**request.get("headers", {}), "Content-Length": str(length)}
        try:
            answer = self._store.request(request["method"], request["url"], content=body, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(f"The object store at {answer_host(request['url'])} does not answer.") from error
        return _check(answer)

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        may_repeat = method != "POST" or "Idempotency-Key" in request.get("headers", {})
        for attempt in range(1, ATTEMPTS + 1):
            last = attempt == ATTEMPTS or not may_repeat
            try:
                answer = self._http.request(method, path, **request)
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"No Floor answers at {self.url}. Start one with `floor up`.") from error
                time.sleep(pause(attempt, None))
                continue
            if answer.status_code not in TRY_AGAIN or last:
                return _check(answer)
            time.sleep(pause(attempt, answer.headers.get("Retry-After")))
        raise AssertionError("the last attempt returns or raises")


def pause(attempt: int, retry_after: str | None) -> float:
    """Return how long to wait after a failed attempt: what the server asks for, else doubling from 0.1 s."""
    asked = float(retry_after) if retry_after and retry_after.isdecimal() else 0.1 * 2 ** (attempt - 1)
    return min(asked, LONGEST_PAUSE_S)


def answer_host(url: str) -> str:
    """Return the host of a signed address: all of it that may be shown."""
    return httpx.URL(url).host


def _check(answer: httpx.Response) -> httpx.Response:
    if answer.status_code < httpx.codes.BAD_REQUEST:
        return answer
    answer.read()
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    raise ApiError(answer.status_code, answer.json() if is_problem else {"title": answer.reason_phrase})


def _slice(path: Path, start: int, length: int, tell: Callable[[int], None]) -> Iterator[bytes]:
    with path.open("rb") as file:
        file.seek(start)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk
            tell(len(chunk))
