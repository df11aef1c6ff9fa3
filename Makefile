# `make demo` needs the runtime packages only; `make test` and `make lint` add the developer's tools.

PYTHON ?= python3
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
RUNTIME := $(VENV)/runtime.stamp
DEV := $(VENV)/dev.stamp
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test slow long lint docs clean

demo: $(RUNTIME)
	$(BIN)/autoseg demo

# More options for pytest: make test ARGS="-k splits"; in so many processes at once: make test JOBS=8
TESTS = $(BIN)/python -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder

test: $(DEV)
	$(TESTS) $(ARGS)

# What `test` leaves out: tests of up to two minutes each, and many examples where it draws few.
slow: $(DEV)
	$(TESTS) -m "(slow or hypothesis) and not long and not gpu" --hypothesis-profile many $(ARGS)

# And in which disks fail at every point, bits flip by the hundred, commands follow each other at random.
long: $(DEV)
	$(TESTS) -m "long and not gpu" $(ARGS)

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation as a folder of pages: site/index.html. A broken link or name is an error.
docs: $(DEV)
	$(BIN)/mkdocs build --quiet --strict --config-file docs/mkdocs.yml

# Leaves workspaces (*-autoseg) alone: they hold trained models.
clean:
	rm -rf $(VENV) autoseg-demo build dist site *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find dataset_fingerprints planners autoseg experiments tests -type d -name __pycache__ -prune -exec rm -rf {} +

$(RUNTIME): setup.py constraints.txt | $(BIN)/pip
	$(INSTALL) -e .
	touch $@

$(DEV): setup.py constraints.txt | $(BIN)/pip
	$(INSTALL) -e '.[dev]'
	touch $(RUNTIME) $@

$(BIN)/pip:
	$(PYTHON) -m venv $(VENV)
