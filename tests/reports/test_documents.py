from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from reports.documents import TEMPLATES, write_document


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_every_template_has_its_function(name):
    module, function = TEMPLATES[name]
    assert callable(getattr(import_module(module), function))


def test_a_template_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(KeyError):
        write_document("nothing", {}, tmp_path / "x")


def test_nothing_that_draws_is_loaded_by_a_job_that_draws_nothing():
    script = "import sys, reports.render; print({'reportlab', 'xlsxwriter', 'PIL'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
