# Every way to work on Itaca. `make` alone shows them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
COMPOSE ?= $(shell command -v podman-compose || echo docker compose)

# Tests run in several processes: half of the time of most of `make test` is waiting, a fifth of that of `make check`.
CORES := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
WORKERS ?= $(shell echo $$(( 2 * $(CORES) )))
QUICK_WORKERS := $(shell echo $$(( $(CORES) + 1 )))

# What the whole suite may not skip: see tests/support/require.py.
PROGRAMS := rabbitmq,postgres,postfix,swaks,strace,promtool,openssl,chromium

# Exact versions and no address of any index, so that the lock is the same for everybody.
LOCK := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --all-build-deps --strip-extras --no-header \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links pyproject.toml

.PHONY: help setup dev run demo check test lint format docs screenshots bench train up down lock hooks clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.run ## Make .venv with exactly what Itaca runs with

dev: $(VENV)/.dev

run: setup ## Start everything in this folder: SMTP on 127.0.0.1:2525, all data in ./var
	@echo 'Itaca starts. When it says that it is up, open a second terminal in this folder and try:'
	@echo '    $(BIN)/itaca send models/corpus/it_plain_complaints.jsonl --limit 20'
	@echo '    $(BIN)/itaca cases list'
	@echo 'Ctrl-C ends it; nothing accepted is lost.'
	@exec $(BIN)/itaca up

demo: setup ## Play the two stories on a fast clock
	@$(BIN)/itaca demo

# Where nothing may write bytecode, every one of these processes would compile 800 files first.
check test faults: export PYTHONDONTWRITEBYTECODE :=

check: lint ## Format, lint, types, import contracts, unit and architecture tests: a minute, no network
	@$(BIN)/pytest -q -n $(QUICK_WORKERS) -p no:schemathesis -m 'not slow' --hypothesis-profile=quick \
		tests/unit tests/architecture

test: dev ## Everything, on a real RabbitMQ, PostgreSQL and Postfix (installs them on Debian and Ubuntu)
	@.ci/programs
	@$(MAKE) --no-print-directory lint
	@ITACA_TEST_REQUIRE=$(PROGRAMS) ITACA_SIMULATE_SECONDS=120 $(BIN)/pytest -q -n $(WORKERS) --durations=15

lint: dev
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: dev ## Format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix --exit-zero --quiet .
	@$(BIN)/ruff format .

docs: dev ## Make the generated tables anew: settings, metrics, .env.example
	@$(BIN)/python -m docs.generate

screenshots: dev ## Take the pictures of the desk's pages in docs/screens anew
	@$(BIN)/python -m tests.browser.screens

bench: dev ## Measure judging, accepting, storing, the broker, the suppression check and the desk's pages
	@$(BIN)/python -m benchmarks.judgement_speed
	@$(BIN)/python -m benchmarks.accepting
	@$(BIN)/python -m benchmarks.storing
	@$(BIN)/python -m benchmarks.broker
	@$(BIN)/python -m benchmarks.suppressions
	@$(BIN)/python -m benchmarks.desk

train: dev ## Train a model on models/corpus
	@$(BIN)/itaca train

up: ## Build and start the containers: RabbitMQ, PostgreSQL, one for each stage
	@$(COMPOSE) up -d --build

down: ## Stop the containers; their volumes stay
	@$(COMPOSE) down

lock: dev ## Make requirements/*.txt anew from pyproject.toml (needs the package index)
	@$(LOCK) --output-file requirements/run.txt
	@$(LOCK) --extra train --extra dev --constraint requirements/run.txt --output-file requirements/dev.txt
	@sed -i '/^# What Itaca /d; s|-c requirements/run.txt|run.txt|' requirements/run.txt requirements/dev.txt
	@sed -i '1i # What Itaca runs with: exact versions, with hashes. Made by `make lock`.' requirements/run.txt
	@sed -i '1i # What Itaca is built, trained and tested with: exact versions, with hashes. Made by `make lock`.' \
		requirements/dev.txt

hooks: dev ## Check every commit before it is made
	@$(BIN)/pre-commit install

clean: ## Remove what can be made again; keeps ./var, where the mail is
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# A venv is one of two: what runs, or what runs and the tools beside it. Each is made again when its lock changes.
$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@[[ -e $(VENV)/.dev && ! requirements/run.txt -nt $(VENV)/.dev ]] || { echo 'Installing what Itaca runs with ...'; \
		$(PIP) install -q --require-hashes -r requirements/run.txt; }
	@$(PIP) install -q --no-deps --no-build-isolation --no-index -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(VENV)/bin/python
	@echo 'Installing what Itaca is built and tested with ...'
	@$(PIP) install -q --require-hashes -r requirements/dev.txt
	@$(PIP) install -q --no-deps --no-build-isolation --no-index -e .
	@touch $@ $(VENV)/.run

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo 'Itaca needs Python 3.11 or newer. Name yours: make run PYTHON=python3.12'; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
		echo 'No virtual environment can be made. On Debian and Ubuntu: apt-get install python3-venv'; exit 1; }

.PHONY: simulate simulate-planted

simulate: dev ## Try to lose a mail, in SEEDS=1000 runs of the simulation from FIRST=1 on
	@$(BIN)/python -m tests.simulation --seeds $(or $(SEEDS),1000) --first $(or $(FIRST),1)

simulate-planted: dev ## Plant real bugs in a copy, one at a time, and show that the simulation finds each
	@$(BIN)/python -m tests.simulation.planting --seeds $(or $(SEEDS),2000)

.PHONY: faults

faults: dev ## Kill, cut, stall and fill every part while mail flows; writes the table of docs/reliability.md
	@$(BIN)/python -m tests.fault $(if $(ONLY),--only $(ONLY))

.PHONY: fuzz

fuzz: dev ## Throw made-up mail and SMTP at the readers, each for MINUTES=1, TARGET=parser|smtp|quotes (default: all)
	@$(BIN)/python -m tests.fuzz --minutes $(or $(MINUTES),1) $(addprefix --target ,$(TARGET))
