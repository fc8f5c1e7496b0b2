"""A TCP proxy of ours before the object store: it passes, answers 503, says nothing, or cuts."""

from __future__ import annotations

import contextlib
import socket
import threading

SLOW_DOWN = (
    b"<?xml version='1.0'?><Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
REFUSAL = (
    b"HTTP/1.1 503 Slow Down\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(SLOW_DOWN)).encode() + b"\r\n\r\n" + SLOW_DOWN
)


class Proxy:
    """`mode` is `pass`, `refuse` (503), `silent` (takes everything, answers nothing) or `cut` (closes at once)."""

    def __init__(self, port):
        self._target = ("127.0.0.1", port)
        self._open = set()
        self._lock = threading.Lock()
        self._mode = "pass"
        self._healed = threading.Event()
        self._healed.set()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def turn(self, mode):
        """Change the mode; connections that are open feel it at once."""
        self._mode = mode
        if mode == "pass":
            self._healed.set()
            return
        self._healed.clear()
        if mode in {"refuse", "cut"}:
            self._drop_all()

    def close(self):
        self._healed.set()
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._drop_all()

    def _drop_all(self):
        with self._lock:
            dropped, self._open = self._open, set()
        for one in dropped:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller):
        with contextlib.suppress(OSError), contextlib.closing(caller):
            if self._mode == "refuse":
                _refuse(caller)
            elif self._mode == "silent":
                self._healed.wait()  # and then it is closed: what was asked meanwhile is never answered
            elif self._mode == "pass":
                with contextlib.closing(socket.create_connection(self._target)) as store:
                    self._join(caller, store)

    def _join(self, caller, store):
        with self._lock:
            self._open |= {caller, store}
        back = threading.Thread(target=self._pump, args=(store, caller), daemon=True)
        back.start()
        self._pump(caller, store)
        back.join()
        with self._lock:
            self._open -= {caller, store}

    def _pump(self, source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if not self._healed.is_set():
                    self._healed.wait()
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


def _refuse(caller):
    """Read what was asked, so that the answer is read too, and refuse it."""
    caller.settimeout(0.2)
    head = b""
    with contextlib.suppress(TimeoutError):
        while b"\r\n\r\n" not in head:
            chunk = caller.recv(65536)
            if not chunk:
                return
            head += chunk
        caller.sendall(REFUSAL)
        while caller.recv(65536):
            pass
