"""Celery's settings: a doorbell on Redis, nothing more. Postgres holds every job, attempt and result.

Why each stands as it does: docs/decisions/0003-celery-is-a-doorbell.md.
"""

task_serializer = result_serializer = "json"
accept_content = ["json"]
task_ignore_result = True
result_backend = None
task_acks_late = True
task_reject_on_worker_lost = False  # a lost child's job is handed back in Postgres, with its attempts counted
task_create_missing_queues = False
task_default_queue = "compute"
worker_prefetch_multiplier = 1
worker_disable_prefetch = True
worker_pool_start_method = "spawn"  # a forked child inherits locks and sockets of threads it does not have
worker_soft_shutdown_timeout = 0.0
worker_proc_alive_timeout = 60.0  # a child imports numerical libraries before it reports for work
worker_lost_wait = 0.5  # a dead child's job is handed back by its parent; Celery need not hope for its result
worker_send_task_events = False
task_send_sent_event = False
worker_enable_remote_control = False
worker_hijack_root_logger = False
worker_cancel_long_running_tasks_on_connection_loss = False
broker_connection_retry_on_startup = True
broker_transport_options = {
    "visibility_timeout": 6 * 3600,  # longer than any time limit: recovery comes from the lease, never from Redis
    "socket_timeout": 15,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 25,
}
