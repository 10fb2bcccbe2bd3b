# SPDX-License-Identifier: Apache-2.0
# One verb a command; `make` alone explains them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Tools that look for the Vyper compiler find the pinned one.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export npm_config_omit_lockfile_registry_resolved := true

.DEFAULT_GOAL := help
.PHONY: help demo up test test-fast lint format types artifacts reproduce newest-vyper bench-gas bench-gas-check bench-media bench-choreography pose test-choreography bench-indexer sim coverage mutate fuzz fuzz-api fuzz-media check-croissant prove bench-relayer chaos-relayer lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

demo: $(VENV)/.run ## the main job on a real video, end to end (VIDEO=path for your own, KEEP=1 to leave it running)
	@$(BIN)/ipto demo $(if $(VIDEO),--video "$(VIDEO)") $(if $(KEEP),--keep)

up: $(VENV)/.run ## chain, indexer and relayer for development (SEED=1000 for a catalog)
	@$(BIN)/ipto up $(if $(SEED),--seed $(SEED))

# ape brings a pytest plugin that takes seconds to load and is needed by `ape test` alone.
test: $(VENV)/.dev ## every test
	@mkdir -p .build
	@($(BIN)/python -m tests.support.ipfs_daemon install > .build/ipfs-install.log 2>&1 &)
	@$(BIN)/python -m tests.support.postgres
	@$(BIN)/python -m tests.support.browser
	$(BIN)/python -m pytest -p no:ape_test -n 2 --dist worksteal

test-fast: $(VENV)/.dev ## the tests that need neither IPFS daemon nor minutes
	$(BIN)/python -m pytest -p no:ape_test -n 2 --dist worksteal -m "not slow"

lint: $(VENV)/.dev ## style, types, import layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## rewrite the Python files in the one style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

artifacts: $(VENV)/.dev ## compile the contracts into ipto/artifacts
	$(BIN)/python -m scripts.export_artifacts

reproduce: $(VENV)/.dev ## compile every contract twice, apart, and compare with what is committed (1 minute)
	$(BIN)/python -m scripts.reproduce

newest-vyper: $(VENV)/.dev ## compile the contracts with the newest Vyper and run their tests on that (VERSION=0.4.2 for another)
	$(BIN)/python -m scripts.newest_vyper $(if $(VERSION),--version $(VERSION))

bench-gas: $(VENV)/.dev ## gas of every operation beside its peers; writes bench/results/gas.json and docs/gas.md
	$(BIN)/python -m bench.gas

bench-media: $(VENV)/.dev ## films found again beside peers, a million scenes, speed (long); writes bench/results/media.json and docs/media.md
	$(BIN)/python -m bench.media.run

bench-choreography: $(VENV)/.dev ## dances found again when others dance them (10 minutes, after make pose); writes bench/results/choreography.json and docs/choreography.md
	$(BIN)/python -m bench.choreography.run

pose: $(VENV)/.dev ## the pose model for choreography, in an environment of its own (175 MB; POSE_PYTHON=python3.12 for another Python)
	@$(BIN)/python -m scripts.pose $(POSE_PYTHON)

test-choreography: $(VENV)/.dev ## the tests of choreography, those with the real pose model included (after make pose)
	IPTO_TEST_POSE=1 $(BIN)/python -m pytest -p no:ape_test tests/ipto/media/test_choreography.py tests/ipto/media/test_pose.py tests/ipto/trace/test_choreography.py tests/ipto/trace/test_choreography_service.py

bench-gas-check: $(VENV)/.dev ## fails when a receipt differs from the committed figures
	$(BIN)/python -m bench.gas --check

coverage: $(VENV)/.dev ## which lines of the contracts the tests run; writes bench/results/coverage.json
	$(BIN)/python -m tests.campaigns.coverage -n 2

mutate: $(VENV)/.dev ## mutation testing of the contracts, after make coverage, hours (CONTRACT=names, COUNT=50, SURVIVORS=1, STATUS=1); writes bench/results/mutation.json
	$(BIN)/python -m tests.campaigns.mutation $(CONTRACT) $(if $(COUNT),--count $(COUNT)) $(if $(SURVIVORS),--survivors) $(if $(STATUS),--status)

fuzz: $(VENV)/.dev ## state machines and forge campaigns, long (CALLS=10000000); writes bench/results/fuzz.json
	CALLS=$(or $(CALLS),10000000) $(BIN)/python -m tests.campaigns.fuzz

fuzz-api: $(VENV)/.dev ## the indexer's whole API description against a running server, long (EXAMPLES=200); writes bench/results/api-fuzz.json
	$(BIN)/python -m tests.campaigns.fuzz_api --examples $(or $(EXAMPLES),200)

fuzz-media: $(VENV)/.dev ## damaged films and hostile documents for every reader of media, long (SECONDS=3600)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/fuzz-media.lock
	$(BIN)/python -m tests.campaigns.fuzz_media --seconds $(or $(SECONDS),3600)

check-croissant: $(VENV)/.dev ## mlcroissant reads the Croissant descriptions that are written here
	$(BIN)/python -m tests.campaigns.croissant

prove: $(VENV)/.dev ## proofs on the compiled bytecode with halmos; writes bench/results/proofs.json
	$(BIN)/python -m tests.campaigns.proofs

sim: $(VENV)/.dev ## 500 lives of the indexer on chains that reorganise, bad nodes and kills (3 minutes); writes bench/results/simulation.json
	$(BIN)/python -m tests.indexer.simulation --seeds 500 --write bench/results/simulation.json
	$(BIN)/python -m tests.indexer.simulation --seeds 60 --postgres --write bench/results/simulation.json

bench-indexer: $(VENV)/.dev ## the indexer beside Ponder and Envio on one chain; writes bench/results/indexer.json (20 minutes; PART=dense for one)
	$(BIN)/python -m bench.indexer $(addprefix --part ,$(PART))

bench-relayer: $(VENV)/.dev ## the relayer's speed beside a bare loop's; writes bench/results/relayer.json (PART=throughput for one)
	$(BIN)/python -m bench.relayer $(PART)

chaos-relayer: $(VENV)/.dev ## thousands of drills of the relayer (RUNS=2000 TWO=400 ERRANDS=1000 TRIALS=20); writes bench/results/relayer-chaos.json
	RUNS=$(or $(RUNS),2000) TWO=$(or $(TWO),400) ERRANDS=$(or $(ERRANDS),1000) TRIALS=$(or $(TRIALS),20) $(BIN)/python -m tests.campaigns.relayer

lock: $(VENV)/.dev ## pin every dependency again
	$(BIN)/python -m scripts.lock

clean: ## remove everything that make built
	rm -rf $(VENV) .build .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.uv: requirements/uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing (Debian: apt-get install python3-venv)"; rm -rf $(VENV); exit 1; }
	@echo "Preparing the environment in $(VENV) …"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/uv.lock
	@touch $@

# uv is fast; pip knows private indexes that uv was not told of.
define install
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r $(1) 2>.uv-error || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $(1) || \
	  { cat .uv-error; rm -f .uv-error; exit 1; }
	@rm -f .uv-error
endef

$(VENV)/.run: $(VENV)/.uv requirements/run.lock requirements/sample.lock requirements/node.lock pyproject.toml
	$(call install,requirements/run.lock)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/sample.lock
	@command -v anvil >/dev/null || command -v npm >/dev/null || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/node.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements/dev.lock
	$(call install,requirements/dev.lock)
	@command -v npm >/dev/null || \
	  $(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes --no-deps -r requirements/node.lock
	@touch $@
