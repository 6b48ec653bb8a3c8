# Everything a newcomer types. Needs git, make and Python >= 3.11; `make` lists the targets.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install install-dev demo test score bench lock aws-tools aws-lint aws-terraform aws-package aws-demo clean

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

# The emulator and what checks the template, in a room of their own: they pin versions that onpaid does not share.
# Lambda runs Python 3.12, so the emulator does too where one is at hand.
.venv-aws/.installed: deploy/aws/tools.lock
	@test -x .venv-aws/bin/python || { \
	  for python in python3.12 "$$(pyenv prefix 3.12 2>/dev/null)/bin/python3.12" $(PYTHON); do \
	    if "$$python" -c '' 2>/dev/null; then break; fi; done; \
	  "$$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 12))' || \
	    echo "no python3.12 here: the emulator runs handlers under $$("$$python" -V), Lambda under Python 3.12"; \
	  "$$python" -m venv .venv-aws; }
	@.venv-aws/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r deploy/aws/tools.lock
	@touch $@

install: .venv/.installed ## make .venv with what onpaid needs to run

install-dev: .venv/.installed-dev ## and with what its tests need

demo: .venv/.installed ## sixty paid orders through a shop and a Stripe that misbehave; ARGS="--orders 200 --faults none"
	$(BIN)/onpaid demo $(ARGS)

test: .venv/.installed-dev .venv-aws/.installed ## every check: floors, types, style, docs, tests
	$(BIN)/lint-imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

score: .venv/.installed-dev ## the reliability scorecard, each line measured now
	$(BIN)/python scripts/score.py $(ARGS)

bench: .venv/.installed-dev .venv-aws/.installed ## the figures of docs/performance.md
	$(BIN)/python -m bench $(ARGS)

aws-tools: .venv-aws/.installed ## make .venv-aws: the AWS emulator, and what checks the template

aws-lint: .venv-aws/.installed ## what AWS would say to deploy/aws/template.yaml, without asking AWS
	.venv-aws/bin/python tests/deploy/transform.py --lint deploy/aws/template.yaml

aws-terraform: .venv/.installed-dev .venv-aws/.installed ## deploy/terraform planned, applied and destroyed on the emulator, where Terraform is
	$(BIN)/python -m pytest -rs tests/deploy/terraform_applied.py $(ARGS)

aws-package: .venv/.installed ## dist/onpaid-aws-arm64.zip for Lambda, dist/onpaid-aws-host.zip for the emulator
	$(BIN)/python scripts/package_aws.py $(ARGS)

aws-demo: .venv/.installed-dev .venv-aws/.installed ## the demo's day on an emulated AWS; ARGS="--orders 40 --faults none"
	$(BIN)/python scripts/package_aws.py --only host
	$(BIN)/onpaid demo --target aws-emulator $(ARGS)

lock: ## renew the lock files (needs uv)
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 pyproject.toml scripts/build.in -o requirements.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 scripts/aws.in -c requirements.lock -c requirements-dev.lock -o requirements-aws.lock
	uv pip compile -q --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.11 deploy/aws/tools.in -o deploy/aws/tools.lock

clean: ## remove what was built
	rm -rf .venv .venv-aws .mypy_cache .ruff_cache .pytest_cache formal/build
