# Everything sets itself up in .venv; repeating a target is harmless.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-all lint clean

$(READY): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	$(BIN)/wavenet bench quickstart --seconds 0.1 > /dev/null  # compiles the sampler, which is kept: half a minute
	touch $@

# Hear the voices that ship; then train the quickstart voice, generate three seconds with it, and show what it sees.
demo: $(READY)
	$(BIN)/wavenet demo --force
	$(BIN)/wavenet train quickstart --out runs/quickstart --resume --max-time 90s
	$(BIN)/wavenet generate runs/quickstart --seconds 3 --seed 1 --verify --force -o runs/quickstart.wav
	$(BIN)/wavenet inspect runs/quickstart

test: $(READY)
	$(BIN)/python -m pytest -m 'not slow and not campaign' -n auto --maxprocesses 4 --dist worksteal

# With the campaigns: hundreds of kills, a disk that is full at any write, thousands of damaged files and mutants.
test-all: $(READY)
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist worksteal

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) demo runs build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
