# Each target makes its own environment in .venv first; only python3 (3.11 or newer, with venv) and make must be there.

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
BASE := .venv/.base
INSTALLED := .venv/.installed

# The exact tested set, also for the isolated build of our own package (the second name is what newer pips read).
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

IN_WORKERS := tests/test_acceptance_*.py tests/test_kinds_documents.py tests/test_knowledge_reuse.py tests/test_slack_end_to_end.py tests/test_chat_pipe.py tests/test_cli.py

.DEFAULT_GOAL := help
.PHONY: help install demo test test-heavy lint format bench clean

help:
	@echo "make demo        build a small synthetic scene, ask two questions, twice"
	@echo "make test        all tests but the heavy ones"
	@echo "make test-heavy  the tests that need minutes or gigabytes"
	@echo "make lint        ruff, mypy --strict, import contracts"
	@echo "make format      let ruff format and sort"
	@echo "make bench       measure, keep the result in .benchmarks, compare with the last one kept"
	@echo "make clean       remove caches, builds, kept benchmarks and the environment"

install: $(INSTALLED)

# What a user gets; the extras (memory, vision, slack) and the tools of development come on top and are gigabytes.
$(BASE): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Terracite needs Python 3.11 or newer, but '$(PYTHON)' is older or missing. Name another: make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "'$(PYTHON)' cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@echo "setting up .venv (a few minutes the first time)" >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(INSTALLED): $(BASE)
	@echo "setting up what the tests need: torch and more (minutes the first time)" >&2
	@$(BIN)/python -m pip install --quiet --editable ".[dev,memory,slack,vision]"
	@touch $@

demo: $(BASE)
	@$(BIN)/terracite demo

test: $(INSTALLED)
	@$(BIN)/python -m pytest -q -m "not heavy" -n $(JOBS)

test-heavy: $(INSTALLED)
	@$(BIN)/python -m pytest -q -m heavy -n $(JOBS)
	@echo "the acceptance once more, computed in worker processes, as users have it" >&2
	@TERRACITE_TEST_WORKERS=1 $(BIN)/python -m pytest -q -m "not heavy" -n $(JOBS) $(IN_WORKERS)

lint: $(INSTALLED)
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --quiet --check
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports

format: $(INSTALLED)
	@$(BIN)/ruff check --quiet --fix
	@$(BIN)/ruff format --quiet

bench: $(INSTALLED)
	@PYTHONPATH=tests $(BIN)/python tests/benchmarks

clean:
	@rm -rf .venv dist .benchmarks .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
