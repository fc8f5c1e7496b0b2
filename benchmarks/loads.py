"""A bounded load of HTTP requests over kept-alive connections, from threads of this process."""

import http.client
import statistics
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Measured:
    rate: float
    p50_ms: float
    p99_ms: float
    statuses: dict


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def load(url, path, body, headers, *, requests, connections, expect):
    """Send `requests` POSTs over `connections` connections; every answer must have the expected status."""
    place = urlsplit(url)
    times, statuses, lock = [], {}, threading.Lock()
    share = requests // connections

    def client():
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        mine, seen = [], {}
        for _ in range(share):
            started = time.perf_counter()
            connection.request("POST", path, body=body, headers=headers)
            answer = connection.getresponse()
            answer.read()
            mine.append(time.perf_counter() - started)
            seen[answer.status] = seen.get(answer.status, 0) + 1
        connection.close()
        with lock:
            times.extend(mine)
            for status, count in seen.items():
                statuses[status] = statuses.get(status, 0) + count

    threads = [threading.Thread(target=client) for _ in range(connections)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    if set(statuses) != {expect}:
        raise SystemExit(f"{path} answered {statuses}, not only {expect}: nothing was measured")
    return Measured(len(times) / elapsed, statistics.median(times) * 1e3, percentile(times, 0.99) * 1e3, statuses)
