"""The client: submits, writes down every request and answer, and asks again under the same key until it is told."""

from __future__ import annotations

import json
import socket
import threading
import time
from urllib.parse import urlsplit

import httpx

AGAIN_S = 0.1
GIVE_UP_S = 90.0
THREADS = 6


class Load:
    """Numbered requests from a few threads; `cut` sends each first over a connection that is closed unread."""

    def __init__(self, house, key, ledger, bodies, *, pause_s=0.0, cut=False):
        self._house, self._key, self._ledger, self._cut, self._pause_s = house, key, ledger, cut, pause_s
        self._bodies = iter(bodies)
        self._next = threading.Lock()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(THREADS)]

    def start(self):
        for thread in self._threads:
            thread.start()

    def over(self):
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self):
        with self._house.client(self._key) as client:
            while (body := self._take()) is not None:
                if self._cut:
                    self._send_and_hang_up(body)
                self._submit(client, body)
                time.sleep(self._pause_s)

    def _take(self):
        with self._next:
            return next(self._bodies, None)

    def _submit(self, client, body):
        n = body["params"]["n"]
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            self._ledger.write("ask", n=n, key=f"request-{n}")
            try:
                answer = client.post("/v1/jobs", json=body, headers={"Idempotency-Key": f"request-{n}"})
            except httpx.HTTPError as error:
                self._ledger.write("silence", n=n, error=type(error).__name__)
            else:
                told = answer.json()
                self._ledger.write("answer", n=n, status=answer.status_code, job=told.get("id"), type=told.get("type"))
                if answer.status_code == 202:
                    return
            time.sleep(AGAIN_S)

    def _send_and_hang_up(self, body):
        """Send a whole request and close before any of the answer was read."""
        n, place, text = body["params"]["n"], urlsplit(self._house.url), json.dumps(body)
        self._ledger.write("ask", n=n, key=f"request-{n}")
        request = (
            f"POST /v1/jobs HTTP/1.1\r\nHost: {place.netloc}\r\nAuthorization: Bearer {self._key}\r\n"
            f"Idempotency-Key: request-{n}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(text)}\r\n\r\n{text}"
        )
        with socket.create_connection((place.hostname, place.port)) as connection:
            connection.sendall(request.encode())
        self._ledger.write("silence", n=n, error="hung up")
