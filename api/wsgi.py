"""The application as a WSGI server loads it: `gunicorn api.wsgi:app`."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, Any

from api.app import create_app
from infra import safety

if TYPE_CHECKING:
    from api.services import Services

app = create_app(safety.checked())


def _let_go_on_stop() -> None:
    """Wake those who wait when the server is told to stop, so that its grace period is not spent on them."""
    services: Services = app.extensions["floor"]
    before = signal.getsignal(signal.SIGTERM)

    def stop(number: int, frame: Any) -> None:
        threading.Thread(target=services.bell.close).start()  # it takes a lock, which a signal must not wait for
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, stop)


if threading.current_thread() is threading.main_thread():
    _let_go_on_stop()
