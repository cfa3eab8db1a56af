# Every target installs what it needs, and no more, into .venv: Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
JOBS ?= 2
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# Where this variable is set, every process compiles all modules again: collecting the tests alone takes twice as long.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test coverage test-all test-browser check bench docs format clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "roco needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1)
	$(PYTHON) -m venv $(VENV)

# One stamp per set of extras; a second set only adds the packages that are missing.
# Python compiles modules when they are first imported: compiling all of them here would double the size of the folder.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	@touch $@

$(VENV)/.dev-neural: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev,dev-neural]'
	@touch $@

# open_clip's own training program, in a folder that only its tests look into: it wants an older webdataset than the others.
$(VENV)/.open-clip: tests/open_clip.txt | $(VENV)/.dev-neural
	$(INSTALL) --no-deps --upgrade --target $(VENV)/open-clip -r tests/open_clip.txt
	@touch $@

# Programs that read exports: Label Studio's SDK pins numpy, LLaMA-Factory a torch of its own.
$(VENV)/.readers: tests/readers.txt | $(VENV)/.dev-neural
	$(INSTALL) --no-deps --upgrade --target $(VENV)/readers -r tests/readers.txt
	@touch $@

$(VENV)/.docs: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev,docs]'
	@touch $@

$(VENV)/.bench: pyproject.toml | $(BIN)/python
	$(INSTALL) -e '.[dev,dev-neural,bench,export]'
	@touch $@

# The commands of the README, in a new folder: an existing one is never changed.
demo: $(VENV)/.demo
	@test ! -e $(DEMO) || (echo "$(DEMO)/ already exists and is left unchanged; choose a new folder: make demo DEMO=demo-2"; exit 1)
	$(BIN)/roco init $(DEMO)
	$(BIN)/roco run $(DEMO)/demo.toml
	$(BIN)/roco status $(DEMO)/demo.toml
	$(BIN)/roco show $(DEMO)/demo.toml PMC99000028/f2/0
	$(BIN)/roco verify $(DEMO)/run/release

# The fast tests: everything but the markers `slow`, `neural` and `browser`.
FAST := "not slow and not neural and not browser"

test: $(VENV)/.dev
	$(PYTEST) -m $(FAST) $(PYTEST_ARGS)

# The same tests with coverage, which `make check` then reports; it takes half as long again.
coverage: $(VENV)/.dev
	$(PYTEST) -m $(FAST) --cov --cov-report= $(PYTEST_ARGS)

# The other tests: kills at every write, attacks, fuzzing, METEOR, neural metrics. Fails where an extra is missing.
test-all: $(VENV)/.dev-neural $(VENV)/.open-clip $(VENV)/.readers
	$(PYTEST) -m "slow or neural" --no-skips=extras $(PYTEST_ARGS)

# The pages of curation in a real browser. Debian's chromium is installed if it is missing and we may.
test-browser: $(VENV)/.dev
	@command -v chromium > /dev/null || test "$$(id -u)" != 0 || \
		(apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) > /dev/null
	$(PYTEST) -m browser --no-skips=all $(PYTEST_ARGS)

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py
	$(BIN)/python docs/make.py --check
	@$(BIN)/python docs/sizes.py
	@$(BIN)/python docs/house.py
	@test ! -e .coverage || (echo "Coverage by the fast tests, the least covered files first:"; \
		$(BIN)/coverage report --skip-covered --sort=cover | sed -n '1,17p;/^TOTAL/p')

# The pages that are generated from the code, and the documentation site in site/.
docs: $(VENV)/.docs
	$(BIN)/python docs/make.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

bench: $(VENV)/.bench
	$(BIN)/python -m benchmarks

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:
	rm -rf $(VENV) .bench .coverage .coverage.*
