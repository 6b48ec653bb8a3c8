# Everything a newcomer types. Needs git, make and Python >= 3.11; `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test score bench lock clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# A virtual environment is rebuilt only when a lock file changes.
.venv/.installed: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

install: .venv/.installed ## make .venv with what onpaid needs to run

install-dev: .venv/.installed-dev ## and with what its tests need

demo: .venv/.installed ## sixty paid orders through a shop and a Stripe that misbehave; ARGS="--orders 200 --faults none"
	$(BIN)/onpaid demo $(ARGS)

test: .venv/.installed-dev ## every check: floors, types, style, docs, tests
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 $(ARGS)

score: .venv/.installed-dev ## the reliability scorecard, each line measured now
	$(BIN)/python scripts/score.py $(ARGS)

bench: .venv/.installed-dev ## the figures of docs/performance.md
	$(BIN)/python -m bench $(ARGS)

lock: ## renew the lock files (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 pyproject.toml scripts/build.in -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 --group dev -c requirements.lock -o requirements-dev.lock

clean: ## remove what was built
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache formal/build
