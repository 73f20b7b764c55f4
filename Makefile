# make run: a working site.   make test: everything that must hold.   make help: the rest.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST_ARGS ?=
TEST_PROCESSES ?= 2
BENCH_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run install test check bench bench-engine bench-growth bench-refresh bench-load bench-ask bench-front bench-forecast lock clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: install ## Set up what is missing and serve on http://127.0.0.1:8050
	@$(BIN)/salescope run

install: $(VENV)/.installed ## Make the virtual environment from the lock file

$(VENV)/.installed: requirements.lock setup.cfg
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Salescope needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another: make run PYTHON=python3.12")'
	@echo "Installing into $(VENV) (once; about a minute)"
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed requirements-test.lock
	@echo "Installing what the tests need"
	@$(PIP) --require-hashes -r requirements-test.lock
	@touch $@

test: $(VENV)/.installed-test ## Run all tests, a real browser included, and print branch coverage
	$(BIN)/python -m pytest --numprocesses=$(TEST_PROCESSES) --dist=loadfile --no-loadscope-reorder --cov --cov-report=term $(PYTEST_ARGS)

# B608: ruff's S608 holds every line of SQL made of parts, each with its reason. B610 is about another framework.
check: $(VENV)/.installed-test ## Lint, format check, types, import rules, bandit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/bandit --quiet --recursive --severity-level medium --skip B608,B610 src services layouts callbacks deploy

bench: $(VENV)/.installed ## Print queries and loads beside the same work in bare DuckDB
	$(BIN)/python -m tests.benchmarks.overview
	$(BIN)/python -m tests.benchmarks.loading

bench-engine: $(VENV)/.installed ## Verify and time the reference workload beside bare DuckDB; BENCH_ARGS=--help tells more
	$(BIN)/python -m tests.benchmarks.engine $(BENCH_ARGS)

bench-growth: $(VENV)/.installed ## Verify answers at several sizes, one round, and print how a refresh grows; BENCH_ARGS="--rows 1m 10m --cache DIR"
	$(BIN)/python -m tests.benchmarks.growth $(BENCH_ARGS)

bench-refresh: $(VENV)/.installed-test ## Time whole refreshes over HTTP, 8 users, random filters; BENCH_ARGS=--help tells more
	$(BIN)/python -m tests.benchmarks.refresh $(BENCH_ARGS)

bench-load: $(VENV)/.installed-test ## Let 50 and 200 people work on the real server, beside the goals; about 3 minutes
	$(BIN)/python -m tests.benchmarks.load $(BENCH_ARGS)

bench-ask: $(VENV)/.installed ## Measure questions and dates: exact, refused, calibrated, milliseconds, the slowest of 10,000
	$(BIN)/python -m tests.benchmarks.ask $(BENCH_ARGS)
	$(BIN)/python -m tests.benchmarks.hostile

bench-front: $(VENV)/.installed-test ## Print what a request costs beside its query
	$(BIN)/python -m tests.benchmarks.front

bench-forecast: $(VENV)/.installed ## Forecast a panel with known answers, beside other tools; BENCH_ARGS="--budget-seconds 60"
	$(BIN)/python -m tests.benchmarks.forecast $(BENCH_ARGS)

bench-browser: $(VENV)/.installed-test ## Print what a person waits for in a browser: visits, filters, drilling; bytes and requests
	$(BIN)/python -m tests.benchmarks.exporting
	$(BIN)/python -m tests.benchmarks.browser $(BENCH_ARGS)

lock: $(VENV)/.installed-test ## Renew both lock files from setup.cfg
	@$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header setup.cfg -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --extra test -c requirements.lock setup.cfg -o requirements-test.lock

clean: ## Remove the virtual environment and caches; the instance folder stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
