# Every target sets up what it needs in .venv, from the tested versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check clean
.DEFAULT_GOAL := test

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganaug needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: .venv/installed  ## Run the main job on scikit-learn's digits and show the result.
	$(BIN)/ganaug demo --output demo

test: .venv/installed  ## Run the test suite, a worker for each core, with coverage.
	$(BIN)/python -m pytest --numprocesses=auto --dist=loadfile --cov=ganaug --cov-report=term-missing:skip-covered

check: .venv/installed  ## Lint, format, types and layering.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf .venv demo build dist
