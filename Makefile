# Everything runs in .venv, made here from the locks; nothing is installed outside the checkout
# but what `make test` says it needs (a browser, on a machine that has none).
.DEFAULT_GOAL := help
.PHONY: help setup run test lint format lock bench clean

PYTHON ?= python3
BIN := .venv/bin
PIP := $(PYTHON) -m pip --python $(BIN)/python --disable-pip-version-check install --quiet --require-hashes --only-binary :all:

help:  ## Say what can be done here
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: .venv/ready  ## Install what the console needs, into .venv

.venv/ready: requirements.lock
	@echo "Installing the locked packages into .venv (once; about a minute) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip .venv
	@$(PIP) -r requirements.lock
	@touch $@

.venv/ready-dev: requirements-dev.lock .venv/ready
	@echo "Installing the locked packages for tests and checks ..."
	@$(PIP) -r requirements-dev.lock
	@touch $@

run: setup  ## Start everything (ARGS="--port 9000" passes options to `manage.py up`)
	@exec $(BIN)/python manage.py up $(ARGS)

test: .venv/ready-dev  ## Run the tests on SQLite and PostgreSQL (ARGS="-k word" narrows)
	@$(BIN)/python -m tests.run $(ARGS)

lint: .venv/ready-dev  ## Check style, types, floors, templates and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/vermin --quiet --no-tips --target=3.9- --violations agent
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(BIN)/djade --check --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/djhtml --check --tabwidth 4 $$(git ls-files 'templates/*.html')
	$(BIN)/djlint --lint --quiet templates
	DATA_DIR=/nonexistent $(BIN)/python manage.py check --fail-level WARNING
	DATA_DIR=/nonexistent $(BIN)/python -W ignore manage.py makemigrations --check --dry-run

format: .venv/ready-dev  ## Rewrite code and templates in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djade --target-version 5.2 $$(git ls-files 'templates/*.html')
	$(BIN)/djhtml --tabwidth 4 $$(git ls-files 'templates/*.html')

ca.pyz: $(wildcard ca/*.py) .venv/ready  ## Make the command line for users, one file
	$(BIN)/python -m ca.build ca.pyz

bench: .venv/ready-dev  ## Measure (see bench/README.md)
	@for file in bench/measure_*.py; do $(BIN)/python -m bench.$$(basename $$file .py) || exit 1; done

lock:  ## Resolve the locks anew (needs `uv`)
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-emit-index-url --only-binary :all: pyproject.toml -o requirements.lock
	uv pip compile --quiet --generate-hashes --universal --python-version 3.11 --no-header --no-emit-index-url --only-binary :all: pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock

clean:  ## Remove .venv and caches, keep the data folder
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
