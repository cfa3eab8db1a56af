# Each target sets up what it needs: Python 3.11 and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench docs format clean
.DEFAULT_GOAL := demo

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "Python 3.11 or newer is needed: make PYTHON=python3.11"; exit 1)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,dev,bench]'
	@touch $@

demo: $(VENV)/.installed
	rm -rf demo
	$(BIN)/roco init demo
	$(BIN)/roco run demo/demo.toml
	$(BIN)/roco status demo/demo.toml
	$(BIN)/roco verify demo/run/release
	ls -l demo/run/release

test: $(VENV)/.installed
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py
	$(BIN)/python docs/make.py --check
	@$(BIN)/python docs/sizes.py

docs: $(VENV)/.installed
	$(BIN)/python docs/make.py

bench: $(VENV)/.installed
	$(BIN)/python -m benchmarks

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) demo .bench
