# Everything is done through these targets; `make` alone lists them.

V := .venv
PY := $(V)/bin/python
UV ?= $(V)/bin/uv
WORKERS ?= 2

# The first of these that is 3.11 to 3.13, the versions the lock has wheels for.
PYTHON ?= $(shell for p in python3.11 python3 python3.12 python3.13; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help setup run test test-deep test-stripe check static lint format bench golden fixture soak lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(V)/ok ## Make .venv with the locked packages (about a minute, once)
	@echo "$(V) is ready"

run: $(V)/ok ## Start everything with two months of demo data; no account, no database needed
	$(V)/bin/cyclebook up --demo

test: $(V)/ok ## Run all tests and doctests (ARGS="-k name" for some)
	$(PY) -m pytest -q -n $(WORKERS) $(ARGS)

test-deep: $(V)/ok ## Try 100,000 random plans of each pricing model, and every crash with 20 books (hours; DEEP_EXAMPLES=n)
	DEEP_EXAMPLES=$(or $(DEEP_EXAMPLES),100000) \
		$(PY) -m pytest -q -n $(WORKERS) tests/domain/test_pricing_properties.py tests/sync \
		tests/adapters/test_crashes.py tests/adapters/test_crashes_at_once.py $(ARGS)

test-stripe: $(V)/ok ## Ask Stripe itself what the sandbox takes for granted (STRIPE_TEST_KEY=sk_test_...)
	@case "$$STRIPE_TEST_KEY" in sk_test_*|rk_test_*) ;; \
	*) echo >&2 "Say STRIPE_TEST_KEY=sk_test_... make test-stripe, with the key of a test account"; exit 2;; esac
	STRIPE_CONTRACT=stripe $(PY) -m pytest -q --timeout 600 tests/stripe_contract $(ARGS)

check: static test ## Everything that must hold: style, types, import contracts, tests

static: lint ## Style, types and import contracts, without the tests
	$(PY) -m mypy
	$(V)/bin/lint-imports

lint: $(V)/ok ## Look at style only
	$(PY) -m ruff check
	$(PY) -m ruff format --check

format: $(V)/ok ## Put the code into the house's format
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

bench: $(V)/ok ## Measure, and print a table
	$(V)/bin/cyclebook bench

golden: $(V)/ok ## Accept changed golden files; read the diff before you commit it
	$(PY) -m pytest -q --accept-golden $(ARGS)

fixture: $(V)/ok ## Write this release's data on disk for the upgrade test; once for each release
	$(PY) -m tests.upgrade.write

soak: $(V)/ok ## Traffic while processes, database and Stripe fail, then everything is counted (SOAK_S=600)
	PYTHONPATH=clients/python $(PY) -m tests.soak --seconds $(or $(SOAK_S),600)

lock: ## Resolve the packages anew into requirements.lock
	$(UV) pip compile pyproject.toml --extra dev --extra otel --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command 'make lock' --output-file requirements.lock

clean: ## Remove what was built here; the demo's data in .cyclebook stays
	rm -rf $(V) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(V)/ok: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo >&2 "Cyclebook needs Python 3.11, 3.12 or 3.13, and found none. Install one, or say make PYTHON=/its/path"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo >&2 "This Python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv"; exit 1; }
	@echo "Making $(V) with $$($(PYTHON) --version)"
	$(PYTHON) -m venv $(V)
	@echo "Installing $$(grep -c '==' requirements.lock) locked packages (about 200 MB, once)"
	$(PY) -m pip install --disable-pip-version-check --progress-bar on \
		--require-hashes --no-deps --only-binary :all: -r requirements.lock
	$(PY) -m pip install --disable-pip-version-check --no-index --no-deps --no-build-isolation -e .
	@touch $@
