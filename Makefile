# Two commands do everything on a machine that has Python 3.11+ and make:
#   make demo    set-up, render, check, and the simulated organization
#   make test    lint, types, stale templates, cfn-lint, and all tests
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

.PHONY: demo test setup render check lint types unit format bench audit clean
.DEFAULT_GOAL := demo

demo: setup
	@$(BIN)/python -m generator
	@$(BIN)/python -m generator check
	@$(BIN)/python -m generator simulate

test: lint types check unit

setup: $(READY)

# Pinned by constraints.txt, so that every machine runs what was tested.
$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Trailbus needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 2; }
	@echo 'Setting up $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  --constraint constraints.txt --editable '.[check,simulate,test]'
	@$(BIN)/python -m compileall -q generator
	@touch $(READY)

render: setup
	@$(BIN)/python -m generator

check: setup
	@$(BIN)/python -m generator check

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .

types: setup
	@$(BIN)/mypy
	@cd lambda && for handler in */index.py; do \
	  ../$(BIN)/mypy --config-file ../setup.cfg --no-incremental "$$handler" || exit 1; done

unit: setup
	@$(BIN)/pytest --numprocesses auto

format: setup
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup
	@for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python -m tests.benchmarks.$$(basename $$bench .py); done

# The security linter is heavy and asks the network: it has an environment of its own, and CI runs it.
audit: setup
	@test -x .venv-audit/bin/checkov || { $(PYTHON) -m venv .venv-audit && \
	  .venv-audit/bin/python -m pip install --quiet --disable-pip-version-check 'checkov>=3.3,<4'; }
	@.venv-audit/bin/checkov --framework cloudformation --compact --quiet --directory out

clean:
	rm -rf $(VENV) .venv-audit .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
