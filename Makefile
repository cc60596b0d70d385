# Needs Python 3.11 or newer and nothing else: uv comes into the project's own .venv.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
WORKERS ?= auto

.PHONY: help setup quickstart test check bench docs clean
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## make .venv with everything condarium needs

.venv/.ready: pyproject.toml uv.lock
	@test -n "$(PYTHON)" || { echo "condarium needs Python 3.11 or newer; none was found. Set PYTHON=/path/to/python3." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@test -x $(BIN)/uv || $(BIN)/python -m pip --quiet --disable-pip-version-check install uv
	@UV_SYSTEM_CERTS=1 UV_PROJECT_ENVIRONMENT=.venv $(BIN)/uv sync --quiet --frozen --inexact --compile-bytecode
	@touch $@

quickstart: setup ## a real environment from nothing, in under a minute
	@$(BIN)/condarium quickstart

test: setup ## the whole test suite
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

check: setup ## lint, types, import contracts, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m condarium.cli.reference /dev/stdout | diff docs/reference/operations.md - || { echo "make docs writes it anew" >&2; exit 1; }
	$(BIN)/python -m condarium.cli.settings_reference /dev/stdout | diff docs/reference/settings.md - || { echo "make docs writes it anew" >&2; exit 1; }
	$(BIN)/python -m condarium.cli.error_reference /dev/stdout | diff docs/reference/errors.md - || { echo "make docs writes it anew" >&2; exit 1; }

bench: setup ## benchmarks: ratios from one run, written to bench/results/
	$(BIN)/python -m bench $(ARGS)

docs: setup ## the pages that are made from the code
	$(BIN)/python -m condarium.cli.reference docs/reference/operations.md
	$(BIN)/python -m condarium.cli.error_reference docs/reference/errors.md
	$(BIN)/python -m condarium.cli.settings_reference docs/reference/settings.md

clean: ## remove .venv and caches
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
