# `make demo` shows the system working on this machine; `make test` checks all of it.
# Both set up what they need: a virtual environment, the models, system packages.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; raise SystemExit(not (3, 11) <= sys.version_info < (3, 14))' \
	2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=
# Tests wait for others most of the time, so several processes share them (PROCESSES=1: one).
processes = $(if $(filter-out 1,$(PROCESSES)),-n $(PROCESSES) --dist loadgroup --no-loadscope-reorder)
# What `test` does first; empty where that is done elsewhere.
LINT ?= lint
PIP_AUDIT := 2.10.1
# Which Helms the chart is tried with; HELM="3 4" takes minutes more, once.
HELM ?= 3
MODELS := models/pose_landmarker_full.task

.DEFAULT_GOAL := help
.PHONY: help demo install models prepare test lint lock audit docs screenshots proto chaos e2e profile bench test-cluster test-brokers clean

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | column -t -s '|'

demo: $(BIN)/.installed-demo $(MODELS) ## Pictures in, rows out, all on this machine (ARGS=--once: end after the samples)
	@$(BIN)/python run_local.py $(ARGS)

install: $(BIN)/.installed ## The virtual environment with all that the scripts need

models: $(BIN)/.installed ## Fetch all three pose models into models/
	@$(BIN)/python -m posture.models lite full heavy

prepare: $(BIN)/.installed-dev ## What the tests need from outside, fetched once
	@tools/system_packages.sh test
	@$(BIN)/python -m tests.fixtures.cache

test: PROCESSES ?= 4
test: $(LINT) prepare ## Everything that can be checked on this machine
	$(BIN)/python -m pytest $(processes) $(ARGS)

test-cluster: PROCESSES ?= 2
test-cluster: $(BIN)/.installed-dev ## What needs Kubernetes, on a real control plane (needs Go; builds it once, in minutes)
	@tools/system_packages.sh test
	plane=$$(tests/cluster/build.sh) && helm=$$(tests/chart/build.sh $(HELM)) && \
		KUBEBUILDER_ASSETS=$$plane HELM_ASSETS=$$helm $(BIN)/python -m pytest -m cluster $(processes) $(ARGS)

test-brokers: $(BIN)/.installed-dev ## Real brokers, each cached once outside this folder (BROKERS="hivemq nats")
	@tools/system_packages.sh test
	@$(BIN)/python -m posture.models lite
	BROKERS="$(or $(BROKERS),mosquitto rabbitmq artemis hivemq nats activemq aedes moquette mochi rumqttd amqtt)" \
		$(BIN)/python -m pytest tests/brokers $(ARGS)

chaos: $(BIN)/.installed-dev ## Everything fails, every picture is counted (SECONDS=600 SEED=1)
	@tools/system_packages.sh test
	@$(BIN)/python -m posture.models lite
	@$(BIN)/python -W ignore -m tests.chaos --seconds $(or $(SECONDS),600) --seed $(or $(SEED),1) $(ARGS)

e2e: $(BIN)/.installed-dev ## The whole system in a cluster, through what can happen (SCENES="life node-dead" SEED=1; needs Go)
	@tools/system_packages.sh test
	@$(BIN)/python -m posture.models lite
	@plane=$$(tests/cluster/build.sh) && KUBEBUILDER_ASSETS=$$plane $(BIN)/python -W ignore -m tests.e2e \
		--seconds $(or $(SECONDS),0) --seed $(or $(SEED),1) $(addprefix --only ,$(SCENES)) $(ARGS)

profile: $(BIN)/.installed-dev ## Where each millisecond of a picture goes (ARGS="--model full --widths 1280")
	@tools/system_packages.sh test
	@$(BIN)/python -m posture.models lite full heavy
	@$(BIN)/python -W ignore -m benchmarks.profile $(ARGS)

bench: $(BIN)/.installed-dev ## The worker against the last release's, in turn; fails at a loss of 5 % (BASE=v1.0)
	@tools/system_packages.sh test
	@$(BIN)/python -m posture.models full
	@$(BIN)/python -W ignore -m benchmarks.compare $(if $(BASE),--base $(BASE)) $(ARGS)

lint: $(BIN)/.installed-dev ## Style, types and architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: $(BIN)/.installed-dev ## Pin every package by version and hash, from requirements*.in (ARGS=--upgrade)
	UV=$(BIN)/uv tools/lock.sh $(ARGS)

audit: $(BIN)/.installed-dev ## Known holes in the packages that are pinned; asks the package index
	$(BIN)/uv tool run --from pip-audit==$(PIP_AUDIT) pip-audit \
		--strict --disable-pip --require-hashes -r requirements-dev.txt $(ARGS)

docs: $(BIN)/.installed ## The documentation as a website, in site/
	@tools/install_packages.sh $(VENV) --require-hashes -r requirements-docs.txt
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m tools.rooms
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@echo "site/index.html is the first page"

screenshots: $(BIN)/.installed-dev $(MODELS) ## The pictures of the live page in the documentation
	@tools/system_packages.sh test
	@$(BIN)/python -m tests.fixtures.screenshot
	@$(BIN)/python -m tests.fixtures.moving_picture

proto: $(BIN)/.installed ## Generate the gRPC code again, after a change of externalscaler.proto
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. \
		--grpc_python_out=. externalscaler.proto

clean: ## Remove what these commands made, but for your data in local/
	rm -rf $(VENV) models site .mypy_cache .ruff_cache .pytest_cache

$(BIN)/.installed: requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11, 3.12 or 3.13 is needed: apt-get install python3 python3-venv"; exit 1; }
	@tools/system_packages.sh run
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@echo "Installing Python packages into $(VENV) (once) ..."
	@tools/install_packages.sh $(VENV) --require-hashes -r requirements.txt
	@tools/install_packages.sh $(VENV) --no-deps --no-build-isolation --editable .
	@touch $@

$(BIN)/.installed-demo: requirements-demo.txt $(BIN)/.installed
	@tools/install_packages.sh $(VENV) --require-hashes -r requirements-demo.txt
	@touch $@

$(BIN)/.installed-dev: requirements-dev.txt requirements-docs.txt requirements-demo.txt $(BIN)/.installed
	@tools/install_packages.sh $(VENV) --require-hashes -r requirements-dev.txt
	@touch $@

$(MODELS): | $(BIN)/.installed
	@$(BIN)/python -m posture.models full
