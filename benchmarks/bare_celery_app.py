"""Celery as its documentation has it, with the settings a careful user would make: the peer of `jobs.py`."""

import os
import time

from celery import Celery

app = Celery("bare", broker=os.environ["BARE_REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    task_acks_late=True,
    worker_prefetch_multiplier=64,
    worker_enable_remote_control=False,
    task_default_queue="bare-noop",
    broker_connection_retry_on_startup=True,
)


@app.task(name="bare.noop")
def noop(path, slot):
    """Stamp the time of completion into a memory-mapped file's slot."""
    with open(path, "r+b", buffering=0) as stamps:
        stamps.seek(slot * 8)
        stamps.write(time.time_ns().to_bytes(8, "little"))
