"""What is declared is what is locked: every dependency, in every file that installs it, with hashes."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {
    "api": (),
    "worker": ("worker",),
    "default": ("worker", "embedded"),
    "dev": ("worker", "embedded", "dev"),
    "bench": ("worker", "embedded", "dev", "bench"),
}
HEAVY = {"numpy", "pandas", "scipy", "cvxpy", "duckdb", "reportlab", "exchange-calendars"}


def locked(name):
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", EXTRAS)
def test_every_declared_dependency_is_locked_within_its_bounds(name):
    extras = PROJECT["optional-dependencies"]
    declared = [*PROJECT["dependencies"], *(line for extra in EXTRAS[name] for line in extras[extra])]
    versions = locked(name)
    for line in declared:
        wanted = Requirement(line)
        assert wanted.name in versions, f"{wanted.name} is not in {name}.lock: run `make lock`"
        assert wanted.specifier.contains(versions[wanted.name]), f"{wanted.name}: run `make lock`"


def test_the_api_is_installed_without_a_numerical_library():
    assert not HEAVY & set(locked("api"))
    assert set(locked("worker")) >= HEAVY


@pytest.mark.parametrize("name", [*EXTRAS, "bootstrap", "fuzz"])
def test_every_pin_has_a_hash_and_no_place_of_this_machine(name):
    text = (ROOT / "requirements" / f"{name}.lock").read_text(encoding="utf-8")
    pins = len(re.findall(r"^[a-z0-9._-]+(?:\[[^]]*\])?==", text, re.MULTILINE))
    assert pins > 0
    assert len(re.findall(r"==\S+.*\\\n    --hash=sha256:", text)) == pins
    assert "://" not in text
    assert "index-url" not in text


@pytest.mark.parametrize("name", ["worker", "default", "dev", "api"])
def test_the_files_agree_on_versions(name):
    every = locked("bench")
    assert {package: version for package, version in locked(name).items() if every[package] != version} == {}
