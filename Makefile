# Everything a developer needs; `make run` and `make test` need nothing but Python 3.11+ and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := crm_core scheduler campaigns handlers bot
# One core is left to the servers that the tests start.
WORKERS ?= 2

.PHONY: run test test-postgres check faults bench fix docs lock migrations clean

run: $(VENV)/.ready
	@$(BIN)/guanxi demo $(ARGS)

test: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not faults" $(ARGS)

# The same on a private PostgreSQL server, which comes with the development requirements.
test-postgres: $(VENV)/.ready-dev
	GUANXI_TEST_DATABASE=postgres $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not faults" $(ARGS)

check: $(VENV)/.ready-dev
	$(BIN)/ruff format --check $(SOURCES) tests
	$(BIN)/ruff check $(SOURCES) tests
	$(BIN)/mypy
	$(BIN)/python -m bot.docs --check
	$(MAKE) test
	$(MAKE) test-postgres

faults: $(VENV)/.ready-dev
	$(BIN)/python -m pytest -m faults --timeout 900 $(ARGS)

bench: $(VENV)/.ready-dev
	$(BIN)/guanxi bench $(ARGS)

fix: $(VENV)/.ready-dev
	$(BIN)/ruff format $(SOURCES) tests
	$(BIN)/ruff check --fix $(SOURCES) tests

docs: $(VENV)/.ready-dev
	$(BIN)/python -m bot.docs

migrations: $(VENV)/.ready-dev
	$(BIN)/tortoise -c bot.models.TORTOISE makemigrations

lock: $(VENV)/.ready-dev
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header -q requirements.in -o requirements.lock
	$(BIN)/uv pip compile --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header -q requirements-dev.in -o requirements-dev.lock

# The virtual environment, and nothing started.
.venv: $(VENV)/.ready

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11, 3.12 or 3.13 is needed, this is " + sys.version.split()[0]) if not (3, 11) <= sys.version_info[:2] <= (3, 13) else None'
	$(PYTHON) -m venv $(VENV)

# A mirror of the package index set in the environment (PIP_INDEX_URL, pip.conf) is honoured: nothing is named here.
$(VENV)/.ready: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-dev: requirements-dev.lock $(VENV)/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build *.egg-info
