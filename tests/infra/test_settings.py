import re
from pathlib import Path

import pytest

from infra import settings

NEEDED = {
    "FLOOR_DATABASE_URL": "postgresql://a:hidden1@localhost/floor",
    "FLOOR_REDIS_URL": "redis://:hidden2@localhost/0",
    "FLOOR_S3_ENDPOINT": "http://localhost:9000",
    "FLOOR_S3_ACCESS_KEY": "hidden3",
    "FLOOR_S3_SECRET_KEY": "hidden4",
    "FLOOR_SECRET_KEY": "hidden5" * 5,
}


def test_the_needed_ones_are_enough_and_the_rest_has_defaults():
    read = settings.read(NEEDED)
    assert read.s3_public_endpoint == "http://localhost:9000"
    assert read.url_ttl_s == 900
    assert read.webhooks_allow_private is False
    assert read.live_trading is False


def test_every_problem_is_told_at_once_and_no_value_is_shown():
    given = NEEDED | {
        "FLOOR_DATABASE_URL": "mysql://a:hidden1@localhost/floor",
        "FLOOR_SECRET_KEY": "hidden-short",
        "FLOOR_PORT": "70000",
        "FLOOR_API_WORKERS": "many",
        "FLOOR_LIVE_TRADING": "yes",
    }
    del given["FLOOR_REDIS_URL"]
    with pytest.raises(settings.SettingsError) as told:
        settings.read(given)
    text = str(told.value)
    for name in (
        "FLOOR_DATABASE_URL",
        "FLOOR_REDIS_URL",
        "FLOOR_SECRET_KEY",
        "FLOOR_PORT",
        "FLOOR_API_WORKERS",
        "FLOOR_LIVE_TRADING",
    ):
        assert f"{name}:" in text
    assert "FLOOR_S3_ENDPOINT" not in text
    assert "hidden" not in text


def test_settings_show_no_secret():
    assert "hidden" not in repr(settings.read(NEEDED))


def test_only_what_is_meant_for_floor_is_inherited(monkeypatch):
    monkeypatch.setenv("FLOOR_LEASE_S", "7")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a stranger's")
    inherited = settings.inherited()
    assert inherited["FLOOR_LEASE_S"] == "7"
    assert all(name.startswith("FLOOR_") for name in inherited)


def test_every_setting_is_documented():
    root = Path(__file__).parents[2]
    known = set(re.findall(r'"(FLOOR_[A-Z0-9_]+)"', (root / "infra" / "settings.py").read_text()))
    documented = set(re.findall(r"FLOOR_[A-Z0-9_]+", (root / "docs" / "running.md").read_text()))
    assert len(known) > 20
    assert known <= documented
