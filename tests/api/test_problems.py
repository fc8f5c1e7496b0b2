from __future__ import annotations

import re

import pytest

from api import problems
from tasks.errors import problem_types

CONTRACT = [
    "malformed",
    "validation-failed",
    "unauthenticated",
    "forbidden",
    "not-found",
    "conflict",
    "idempotency-key-reused",
    "request-in-flight",
    "rate-limited",
    "quota-exceeded",
    "payload-too-large",
    "dataset-not-ready",
    "data-unusable",
    "infeasible",
    "unbounded",
    "not-converged",
    "job-timed-out",
    "job-cancelled",
    "worker-lost",
    "out-of-memory",
    "venue-unavailable",
    "venue-rejected",
    "operation-unsupported",
    "risk-rejected",
    "live-not-permitted",
    "kill-switch-engaged",
    "outcome-unknown",
    "internal",
]


def test_the_set_holds_every_promised_problem():
    assert set(CONTRACT) <= set(problems.catalogue())


@pytest.mark.parametrize("slug", sorted(problems.catalogue()))
def test_every_problem_has_a_help_page(client, slug):
    response = client.flask.get(f"/problems/{slug}")
    title, status, text = problems.catalogue()[slug]
    page = response.get_data(as_text=True)
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert title in page
    assert str(status) in page
    assert len(text) > 20


def test_the_index_leads_to_every_page(client):
    page = client.flask.get("/problems").get_data(as_text=True)
    assert set(re.findall(r"href='/problems/([a-z-]+)'", page)) == set(problems.catalogue())


def test_a_page_that_is_not_there_is_a_problem(client):
    assert client.flask.get("/problems/nope").status_code == 404


def test_a_help_page_shows_names_as_code(client):
    page = client.flask.get("/problems/validation-failed").get_data(as_text=True)
    assert "<code>errors</code>" in page
    assert "`" not in page


def test_every_problem_that_the_code_can_raise_has_a_page():
    for slug, cls in problem_types().items():
        assert problems.catalogue()[slug][:2] == (cls.title, cls.status)
