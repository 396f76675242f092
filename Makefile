# One door to every task. Each target sets up what it needs by itself.

PYTHON ?= python3
PIP_FLAGS ?=
VENV := .venv
BIN := $(VENV)/bin
TENSORRT := 10.16.1.11 11.4.0.106
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet $(PIP_FLAGS) --constraint constraints.txt

.PHONY: help deck update test bindings check lint format remeasure clean

help:  ## show the tasks
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

deck: $(VENV)/verify.stamp  ## run every claim that this machine can run, then write decks/*.apkg
	$(BIN)/verify run
	$(BIN)/generator build

update: $(VENV)/verify.stamp  ## like deck, but write changed answers into the notes
	$(BIN)/verify run --update
	$(BIN)/generator build

test: $(VENV)/dev.stamp bindings  ## run the tests
	$(BIN)/python -m pytest -n auto

bindings: $(VENV)/bin/python  ## fetch TensorRT's bindings (3 MB), against which a test holds every name that is used
	@for version in $(TENSORRT); do test -d $(VENV)/tensorrt-bindings/$$version || \
	  $(PIP) --no-deps --target $(VENV)/tensorrt-bindings/$$version tensorrt-cu13-bindings==$$version || \
	  echo "TensorRT's bindings $$version could not be fetched; the test that needs them will say so"; done

check: lint test  ## style, types, cards, tests

lint: $(VENV)/dev.stamp  ## style, types, cards
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/generator check
	$(BIN)/verify check

remeasure: $(VENV)/verify.stamp  ## run every claim but timings anew, whatever the records say, and keep no record
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(BIN)/verify run --force --untimed --decks "$$folder"

format: $(VENV)/dev.stamp  ## lay the code out
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:  ## remove everything that can be made again, the virtual environment too
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info build

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one with make PYTHON=…")'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# torch comes first and alone, so that whoever wants another build of it can have it in .venv before anything asks for it.
$(VENV)/torch.stamp: $(VENV)/bin/python constraints.txt
	@echo "installing torch (the largest part)"
	@$(PIP:--quiet=) torch
	@touch $@

$(VENV)/verify.stamp: $(VENV)/torch.stamp pyproject.toml constraints.txt
	@echo "installing the tools and what claims compute with"
	@$(PIP) --editable '.[verify]'
	@touch $@

$(VENV)/dev.stamp: $(VENV)/torch.stamp pyproject.toml constraints.txt
	@echo "installing the tools, what claims compute with, and what tests need"
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/verify.stamp
