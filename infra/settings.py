"""Settings: read once from the environment, validated all at once; nothing else reads the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from environs import Env, EnvValidationError, validate
from marshmallow import ValidationError

SECRET_MIN: Final = 32


class SettingsError(Exception):
    """The environment's settings can't be used; the message lists every problem by variable name, never a value."""


@dataclass(frozen=True)
class Settings:
    """Everything the processes of one Floor agree on."""

    data_dir: Path
    database_url: str
    database_admin_url: str
    redis_url: str
    s3_endpoint: str
    s3_public_endpoint: str
    s3_access_key: str
    s3_secret_key: str
    s3_bucket: str
    s3_region: str
    secret_key: str
    internal_token: str
    old_secret_keys: tuple[str, ...]
    host: str
    port: int
    public_url: str
    api_workers: int
    api_threads: int
    autoscale: str
    max_workers: int
    worker_slots: int
    worker_idle_s: float
    worker_grace_s: float
    lease_s: float
    poll_s: float
    max_attempts_backoff_s: float
    url_ttl_s: int
    rate_burst: int
    rate_minute: int
    webhooks_allow_private: bool
    live_trading: bool
    log_level: str

    def __repr__(self) -> str:
        """Show no value: settings hold secrets."""
        return f"Settings(data_dir={str(self.data_dir)!r}, …)"


def read(environ: dict[str, str] | None = None) -> Settings:
    """Read and validate all settings; raises SettingsError with every problem in one message."""
    env = Env(eager=False, expand_vars=False)
    if environ is not None:
        env = _Given(environ)
    values: dict[str, Any] = {
        "data_dir": env.path("FLOOR_DATA_DIR", Path(".floor")),
        "database_url": env.str("FLOOR_DATABASE_URL", validate=_prefix("postgresql://", "postgres://")),
        "database_admin_url": env.str("FLOOR_DATABASE_ADMIN_URL", ""),
        "redis_url": env.str(
            "FLOOR_REDIS_URL", validate=_prefix("redis://", "rediss://", "redis+socket://", "unix://")
        ),
        "s3_endpoint": env.str("FLOOR_S3_ENDPOINT", validate=_prefix("http://", "https://")),
        "s3_public_endpoint": env.str("FLOOR_S3_PUBLIC_ENDPOINT", ""),
        "s3_access_key": env.str("FLOOR_S3_ACCESS_KEY"),
        "s3_secret_key": env.str("FLOOR_S3_SECRET_KEY"),
        "s3_bucket": env.str("FLOOR_S3_BUCKET", "floor"),
        "s3_region": env.str("FLOOR_S3_REGION", "us-east-1"),
        "secret_key": env.str("FLOOR_SECRET_KEY", validate=validate.Length(min=SECRET_MIN)),
        "internal_token": env.str("FLOOR_INTERNAL_TOKEN", "", validate=_absent_or_long),
        "old_secret_keys": env.list("FLOOR_OLD_SECRET_KEYS", [], validate=_each_long_enough),
        "host": env.str("FLOOR_HOST", "127.0.0.1"),
        "port": env.int("FLOOR_PORT", 0, validate=validate.Range(0, 65535)),
        "public_url": env.str("FLOOR_PUBLIC_URL", ""),
        "api_workers": env.int("FLOOR_API_WORKERS", 2, validate=validate.Range(1, 64)),
        "api_threads": env.int("FLOOR_API_THREADS", 32, validate=validate.Range(1, 512)),
        "autoscale": env.str("FLOOR_AUTOSCALE", "none", validate=validate.OneOf(["local", "none"])),
        "max_workers": env.int("FLOOR_MAX_WORKERS", 2, validate=validate.Range(1, 1000)),
        "worker_slots": env.int("FLOOR_WORKER_SLOTS", 1, validate=validate.Range(1, 64)),
        "worker_idle_s": env.float("FLOOR_WORKER_IDLE_S", 20.0, validate=validate.Range(0.1)),
        "worker_grace_s": env.float("FLOOR_WORKER_GRACE_S", 25.0, validate=validate.Range(0)),
        "lease_s": env.float("FLOOR_LEASE_S", 20.0, validate=validate.Range(1)),
        "poll_s": env.float("FLOOR_POLL_S", 1.0, validate=validate.Range(0.05, 60)),
        "max_attempts_backoff_s": env.float("FLOOR_BACKOFF_MAX_S", 60.0, validate=validate.Range(0)),
        "url_ttl_s": env.int("FLOOR_URL_TTL_S", 900, validate=validate.Range(1, 604800)),
        "rate_burst": env.int("FLOOR_RATE_BURST", 200, validate=validate.Range(1)),
        "rate_minute": env.int("FLOOR_RATE_MINUTE", 6000, validate=validate.Range(1)),
        "webhooks_allow_private": env.bool("FLOOR_WEBHOOKS_ALLOW_PRIVATE", False),
        "live_trading": env.str("FLOOR_LIVE_TRADING", "disabled", validate=validate.OneOf(["enabled", "disabled"])),
        "log_level": env.str("FLOOR_LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"])),
    }
    try:
        env.seal()
    except EnvValidationError as error:
        problems = "\n".join(f"  {name}: {' '.join(messages)}" for name, messages in sorted(_by_name(error).items()))
        raise SettingsError(f"These settings are missing or can't be used:\n{problems}") from None
    values["old_secret_keys"] = tuple(values["old_secret_keys"])
    values["live_trading"] = values["live_trading"] == "enabled"
    values["s3_public_endpoint"] = values["s3_public_endpoint"] or values["s3_endpoint"]
    values["database_admin_url"] = values["database_admin_url"] or values["database_url"]
    return Settings(**values)


class _Given(Env):
    """An Env over a given mapping instead of the process's environment."""

    def __init__(self, environ: dict[str, str]) -> None:
        super().__init__(eager=False, expand_vars=False)
        self._environ = environ

    def _get_value(self, env_key: str, default: Any) -> Any:
        return self._environ.get(env_key, default)


def _prefix(*prefixes: str) -> Any:
    def check(text: str) -> None:
        if not text.startswith(prefixes):
            raise ValidationError(f"must start with {' or '.join(prefixes)}")

    return check


def _absent_or_long(text: str) -> None:
    if 0 < len(text) < SECRET_MIN:
        raise ValidationError(f"has at least {SECRET_MIN} characters, or is left out")


def _each_long_enough(keys: list[str]) -> None:
    if any(len(key) < SECRET_MIN for key in keys):
        raise ValidationError(f"each of its keys, separated by commas, has at least {SECRET_MIN} characters")


def _by_name(error: Any) -> dict[str, list[str]]:
    return dict(error.error_messages)


def inherited() -> dict[str, str]:
    """Return what the environment says to Floor and no more: what a child process is given beside its own settings."""
    return {name: value for name, value in os.environ.items() if name.startswith("FLOOR_")}
