# Python 3.11 or newer and make are all that must be there; each target sets up what it needs, once.
#   make demo                 the main job end to end, on an invented market; ends by itself
#   make demo KEEP=1          the same, and Floor stays up (make down stops it)
#   make demo DATA=p.csv ACTIONS=a.csv    the same on prices of yours
#   make up | down            a Floor that stays, under .floor/
#   make chaos               every fault under load, 1,000 jobs each (CHAOS_JOBS=, CHAOS_SEED=), and a table
#   make check | test | fuzz | bench | docs | lock | install | clean

.DELETE_ON_ERROR:
.PHONY: install demo up down check test fuzz chaos bench docs lock clean
.DEFAULT_GOAL := demo

PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
  if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then echo $$python; break; fi; done)
BIN := .venv/bin
# The system's certificates, and the index that pip is set to use here, if any: uv looks at neither by itself.
UV = UV_SYSTEM_CERTS=1 UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$($(BIN)/python -m pip config get global.index-url 2>/dev/null)}" \
  $(BIN)/uv --quiet pip
COMPILE = UV_CUSTOM_COMPILE_COMMAND="make lock" $(UV) compile pyproject.toml --upgrade --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url

install: .venv/default

.venv/bin/uv: requirements/bootstrap.lock
	@test -n "$(PYTHON)" || { echo "Floor needs Python 3.11 or newer; say where it is with PYTHON=…"; exit 1; }
	@echo "Setting up .venv …"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/bootstrap.lock
	@touch $@

.venv/default: requirements/default.lock pyproject.toml .venv/bin/uv
	@echo "Installing what Floor runs on …"
	@$(UV) install --require-hashes -r requirements/default.lock
	@$(UV) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: requirements/dev.lock .venv/default
	@echo "Installing what Floor is tested with …"
	@$(UV) install --require-hashes -r requirements/dev.lock
	@touch $@

.venv/bench: requirements/bench.lock .venv/dev
	@$(UV) install --require-hashes -r requirements/bench.lock
	@touch $@

demo: .venv/default
	@$(BIN)/floor demo $(if $(DATA),--data "$(DATA)") $(if $(ACTIONS),--actions "$(ACTIONS)") $(if $(filter-out 0,$(KEEP)),--keep)

up: .venv/default
	@$(BIN)/floor up

down: .venv/default
	@$(BIN)/floor down
	@$(BIN)/floor down --data-dir .floor/demo

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: .venv/dev
	$(BIN)/pytest -n 2

chaos: .venv/dev
	CHAOS_JOBS=$${CHAOS_JOBS:-1000} $(BIN)/pytest tests/chaos --timeout 0

docs: .venv/default
	$(BIN)/python -m infra.documents

.venv/fuzz/done: requirements/fuzz.lock .venv/bin/uv
	@$(PYTHON) -m venv .venv/fuzz
	@$(UV) install --python .venv/fuzz/bin/python --require-hashes -r requirements/fuzz.lock
	@touch $@

# Every operation with 200 examples, all of schemathesis' checks; EXAMPLES=20 for fewer.
fuzz: .venv/dev .venv/fuzz/done
	FLOOR_FUZZ_EXAMPLES=$(or $(EXAMPLES),200) $(BIN)/pytest tests/api/test_fuzz.py --timeout 14400 -s

bench: .venv/bench
	$(BIN)/floor bench $(ONLY)

lock: .venv/bin/uv
	$(COMPILE) --extra worker --extra embedded --extra dev --extra bench -o requirements/bench.lock
	$(COMPILE) --extra worker --extra embedded --extra dev -c requirements/bench.lock -o requirements/dev.lock
	$(COMPILE) --extra worker --extra embedded -c requirements/bench.lock -o requirements/default.lock
	$(COMPILE) --extra worker -c requirements/bench.lock -o requirements/worker.lock
	$(COMPILE) -c requirements/bench.lock -o requirements/api.lock
	$(subst pyproject.toml,requirements/bootstrap.in,$(COMPILE)) -c requirements/bench.lock -o requirements/bootstrap.lock
	$(subst pyproject.toml,requirements/fuzz.in,$(COMPILE)) -c requirements/bench.lock -o requirements/fuzz.lock

clean:
	rm -rf .venv .floor demo-output
