"""Every declared kind is whole: it runs, its example is valid, its files can be rendered, its queue is served."""

import importlib
import inspect

import pytest

import worker.celery_app
from tasks.kind import QUEUES
from tasks.params import check, json_schema
from tasks.registry import kinds

ALL = sorted(kinds())


@pytest.mark.parametrize("name", ALL)
def test_the_example_in_the_catalogue_is_accepted(name):
    kind = kinds()[name]
    assert check(kind.params, kind.example)


@pytest.mark.parametrize("name", ALL)
def test_the_run_module_has_both_halves(name):
    module = importlib.import_module(kinds()[name].run_module)
    assert list(inspect.signature(module.needs).parameters) == ["params"]
    assert list(inspect.signature(module.run).parameters) == ["params", "inputs", "tell"]


@pytest.mark.parametrize("name", ALL)
def test_every_parameter_and_artifact_is_documented(name):
    kind = kinds()[name]
    assert kind.summary.endswith(".")
    assert kind.artifacts
    assert all(artifact.summary for artifact in kind.artifacts)
    assert all(artifact.columns for artifact in kind.artifacts if artifact.form == "table")
    undescribed = [
        field for field, schema in json_schema(kind.params)["properties"].items() if not schema.get("description")
    ]
    assert not undescribed


@pytest.mark.parametrize("name", ALL)
def test_celery_has_the_task_and_its_queue(name):
    celery = worker.celery_app.app
    assert f"floor.{name}" in celery.tasks
    assert set(celery.amqp.queues) >= set(QUEUES)
