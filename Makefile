# `make demo` needs the runtime packages only; `make test` and `make lint` add the developer's tools.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test lint clean

demo: $(RUNTIME)
	$(BIN)/autoseg demo

# More options for pytest: make test ARGS="-m slow"; in so many processes at once: make test JOBS=8
test: $(DEV)
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# Leaves workspaces (*-autoseg) alone: they hold trained models.
clean:
	rm -rf $(VENV) autoseg-demo build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find dataset_fingerprints planners autoseg experiments tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): setup.py constraints.txt | $(BIN)/pip
	$(INSTALL) -e .
	touch $@

$(DEV): setup.py constraints.txt | $(BIN)/pip
	$(INSTALL) -e '.[dev]'
	touch $(RUNTIME) $@

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)
