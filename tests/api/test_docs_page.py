from __future__ import annotations

import re

import pytest

from api import docs_page


def test_the_page_names_no_other_host(client):
    page = client.flask.get("/docs").get_data(as_text=True)
    links = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(links) == 4
    assert all(link.startswith("/docs/") for link in links)
    assert "<script>" not in page
    assert "style=" not in page


def test_everything_the_page_asks_for_is_served_under_its_policy(client):
    page = client.flask.get("/docs").get_data(as_text=True)
    for link in re.findall(r'(?:src|href)="([^"]+)"', page):
        response = client.flask.get(link)
        assert response.status_code == 200
        assert response.mimetype == docs_page.ASSETS[link.rsplit("/", 1)[1]]
        assert len(response.data) > 100
        assert "script-src 'self'" in response.headers["Content-Security-Policy"]
        response.close()


def test_the_root_leads_to_the_page(client):
    response = client.flask.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/docs")


@pytest.mark.parametrize("name", ["nope.js", "docs_page.py", "../app.py", "..%2fapp.py", "swagger-ui.css.map"])
def test_nothing_else_of_the_folders_is_served(client, name):
    assert client.flask.get(f"/docs/{name}").status_code == 404


def test_the_page_starts_from_our_own_script(client):
    with client.flask.get("/docs/init.js") as response:
        script = response.get_data(as_text=True)
    assert '"/openapi.json"' in script
    assert "http" not in script
