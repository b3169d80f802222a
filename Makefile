# `make run` starts the server; `make help` lists the rest. Nothing is installed outside `.venv` and `.cache`.

PORT     ?= 8080
DATA_DIR ?= ./data
# Tests at a time; each worker starts a server of its own.
WORKERS  ?= 2

# The newest Python from 3.11 to 3.13 that can make a virtual environment; `make setup PYTHON=python3.12` overrides.
USABLE   := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON   ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(shell $(p) -c '$(USABLE)' 2>/dev/null && echo $(p))))

VENV     := .venv
BIN      := $(VENV)/bin
READY    := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run demo test test-data check lint format profile-pages sushi bench bench-docs bench-search bench-validation lock clean

help: ## show these lines
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

setup: $(READY) ## make .venv with everything pinned (once)

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11, 3.12 or 3.13 with venv here. Install one (Debian: apt install python3-venv) or name it: make setup PYTHON=/path/to/python3.12" >&2; exit 1; }
	@$(PYTHON) -c '$(USABLE)' 2>/dev/null || { echo "$(PYTHON) ($$($(PYTHON) --version 2>&1)) will not do: Python 3.11, 3.12 or 3.13 with the venv module is needed." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

run: setup $(DATA_DIR)/.demo-region ## serve on PORT (8080) from DATA_DIR (./data), with the demonstration region
	@exec $(BIN)/fhir-service serve --open --port $(PORT) --data-dir $(DATA_DIR)

demo: setup $(DATA_DIR)/.demo-region ## load the demonstration region into DATA_DIR (once)

$(DATA_DIR)/.demo-region: | $(READY)
	$(BIN)/fhir-service demo --data-dir $(DATA_DIR)
	@touch $@

test: setup test-data ## run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

test-data: setup ## fetch the official R4 examples into .cache (needs npm; without it their tests are skipped)
	@$(BIN)/python scripts/fetch_test_data.py

lint: setup ## format, lint, types and import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test ## what has to pass before a change goes in: lint and test

format: setup ## put the code into its format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

profile-pages: setup ## write docs/profiles/, docs/codes.md and docs/forms.md anew from the definitions in profiles/ and terminology/
	$(BIN)/python -m scripts.pages

sushi: setup test-data ## compare our snapshots with SUSHI's, and have it take our package (needs npm)
	$(BIN)/python scripts/fetch_sushi.py
	SUSHI=1 $(BIN)/python -m pytest tests/fhir/definitions/snapshot/test_sushi.py

bench: setup ## measure this machine: our server beside a bare one
	$(BIN)/python -m bench.run

bench-docs: setup ## the same, and write the table of docs/performance.md
	$(BIN)/python -m bench.run --write-docs

bench-validation: setup ## measure how long it takes to check and index one resource, also first after a start
	$(BIN)/python -m bench.validation --starts 5

bench-search: setup ## every kind of search on 20,000 and 200,000 resources, into docs/performance.md
	$(BIN)/python -m bench.search --write-docs

lock: ## pin again: the newest versions that pyproject.toml allows
	rm -rf .cache/lock && $(PYTHON) -m venv .cache/lock
	.cache/lock/bin/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^requires = \["\(.*\)"\]/\1/p' pyproject.toml)" editables -e ".[dev]"
	{ echo "# Every package of the development environment, exactly; made by \`make lock\`, the same on Python 3.11, 3.12 and 3.13."; \
	  .cache/lock/bin/python -m pip freeze --exclude-editable; } > requirements.lock
	rm -rf .cache/lock

clean: ## remove .venv and every cache; DATA_DIR stays
	rm -rf $(VENV) .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist bench/results
	find fhir_service tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +
