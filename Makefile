# Everything there is to do with this tree; `make help` lists it. A second call does only what has changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell docker/python.sh)
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := $(shell sed 's/ *\#.*//' tests/debian-packages.txt)

# what pytest ends with when ARGS leaves no test
NONE_CHOSEN := 5
tests = $(BIN)/pytest $(1) $(ARGS) || [ $$? = $(NONE_CHOSEN) ]

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: serve
serve: $(VENV)/.installed ## install into .venv and serve http://127.0.0.1:8080 (settings: .venv/bin/tutti serve --help)
	$(BIN)/tutti serve

.PHONY: test
test: $(VENV)/.installed-dev packages ## install what the tests need and run them all (as root, Debian packages too)
	failed=0; \
	{ $(call tests,--lane beside --numprocesses 2 --dist loadscope); } || failed=1; \
	{ $(call tests,--lane alone); } || failed=1; \
	exit $$failed

.PHONY: lint
lint: $(VENV)/.installed-dev ## check style, formatting and who imports whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports

.PHONY: types
types: $(VENV)/.installed-dev ## check types
	$(BIN)/mypy --strict

.PHONY: format
format: $(VENV)/.installed-dev ## format the code and mend what can be mended by itself
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

.PHONY: bench
bench: $(VENV)/.installed-dev packages ## measure a room, beside GStreamer: a table and benchmarks/results.json
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: packages
packages: # the Debian packages that tests and benchmarks drive
	@docker/debian-packages.sh $(PACKAGES)

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command 'make lock' --upgrade pyproject.toml --extra install

.PHONY: lock
lock: $(VENV)/.installed-dev ## pin the newest versions that pyproject.toml allows in requirements*.txt
	$(LOCK) --output-file requirements.txt
	$(LOCK) --extra dev --constraint requirements.txt --output-file requirements-dev.txt

.PHONY: clean
clean: ## remove .venv and caches (recordings in data/ stay)
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- installed once, again when what it is made from has changed ------------------------------------------------------

PIP := $(BIN)/pip install --quiet --progress-bar off

$(VENV)/.created:
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || docker/debian-packages.sh python3-venv
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tutti needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	touch $@

$(VENV)/.installed: requirements.txt pyproject.toml $(VENV)/.created
	$(PIP) --require-hashes --requirement requirements.txt
	$(PIP) --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	{ command -v cc && ls "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h"; } \
		>/dev/null 2>&1 || docker/debian-packages.sh gcc libc6-dev python3-dev # pesq is built from source
	$(PIP) --require-hashes --requirement requirements-dev.txt
	touch $@
