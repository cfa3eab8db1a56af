# Every target installs what it needs, and no more, into .venv: Python 3.11 or newer and make are enough.
PYTHON ?= python3
VENV ?= .venv
DEMO ?= demo
JOBS ?= 2
LOCK ?=
SEED ?= 1
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

# Where this variable is set, every process compiles all modules again: collecting the tests alone takes twice as long.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: demo test coverage test-all fuzz test-browser chaos check bench docs format lock audit sbom clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || (echo "roco needs Python 3.11 or newer: make PYTHON=python3.11"; exit 1)
	$(PYTHON) -m venv $(VENV)

# One stamp per set of extras; a second set only adds the packages that are missing.
# Python compiles modules when they are first imported: compiling all of them here would double the size of the folder.
PIP = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# LOCK=requirements/ci.lock installs exactly the versions of that file, as CI does; otherwise the newest that fit.
INSTALL = $(PIP) $(if $(LOCK),--constraint $(LOCK))

$(VENV)/.demo: pyproject.toml $(LOCK) | $(BIN)/python
	$(INSTALL) -e '.[demo]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(LOCK) | $(BIN)/python
	$(INSTALL) -e '.[dev]'
	@touch $@

$(VENV)/.dev-neural: pyproject.toml $(LOCK) | $(BIN)/python
	$(INSTALL) -e '.[dev,dev-neural]'
	@touch $@

# open_clip's own training program, in a folder that only its tests look into: it wants an older webdataset than the others.
$(VENV)/.open-clip: tests/open_clip.txt | $(VENV)/.dev-neural
	$(PIP) --no-deps --upgrade --target $(VENV)/open-clip -r tests/open_clip.txt
	@touch $@

# Programs that read exports: Label Studio's SDK pins numpy, LLaMA-Factory a torch of its own.
$(VENV)/.readers: tests/readers.txt | $(VENV)/.dev-neural
	$(PIP) --no-deps --upgrade --target $(VENV)/readers -r tests/readers.txt
	@touch $@

$(VENV)/.supply: pyproject.toml $(LOCK) | $(BIN)/python
	$(INSTALL) -e '.[supply]'
	@touch $@

$(VENV)/.docs: pyproject.toml $(LOCK) | $(BIN)/python
	$(INSTALL) -e '.[dev,docs]'
	@touch $@

$(VENV)/.bench: pyproject.toml $(LOCK) | $(BIN)/python
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

# Fuzzing guided by coverage: MINUTES for each target, or for TARGET="images pages" alone. Inputs are kept in FUZZ.
FUZZ ?= .fuzz

fuzz: MINUTES ?= 1
fuzz: $(VENV)/.dev-neural
	$(BIN)/python -m tests.fuzz $(TARGET) --minutes $(MINUTES) --seed $(SEED) --corpus $(FUZZ) $(FUZZ_ARGS)

# Kills, full disks, damaged files and other disturbances at random moments of runs: docs/reliability.md.
chaos: MINUTES ?= 10
chaos: $(VENV)/.dev
	$(BIN)/python -m tests.chaos --minutes $(MINUTES) --seed $(SEED) $(CHAOS_ARGS)

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

# The versions that CI installs: adds what pyproject.toml asks for and keeps the other versions. UPGRADE=1 renews all.
lock: $(VENV)/.supply
	$(BIN)/uv pip compile --quiet $(if $(UPGRADE),--upgrade) --python-version 3.11.5 --python-platform linux \
		--extra dev --extra dev-neural --extra supply --custom-compile-command "make lock" \
		--output-file requirements/ci.lock pyproject.toml

# Known vulnerabilities of the locked versions. It asks PyPI; without it, or for a package it lacks, it fails.
audit: $(VENV)/.supply
	$(BIN)/pip-audit --strict --no-deps --disable-pip --progress-spinner off --requirement requirements/ci.lock

# The bill of materials (CycloneDX): the locked packages, and the models and vocabularies that roco ships or loads.
sbom: $(VENV)/.supply
	$(BIN)/python requirements/sbom.py dist/roco.cdx.json

clean:
	rm -rf $(VENV) .bench .coverage .coverage.*
