# What people and CI run. `make` alone lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SOURCES := shared services projections tests bench schemas deploy
FAST := not kafka and not postgres and not slow

.DEFAULT_GOAL := help
.PHONY: help demo test prove check bench schemas arch kafka clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "expected Python 3.11 or later, but this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	touch $@

demo: $(READY) ## 1,200 executions of three definitions on real data, embedded; no broker, nothing to install
	$(BIN)/python -m penstock.cli.main demo

test: $(READY) ## every test, those against a real Kafka and a real Postgres too
	$(BIN)/python -m pytest

prove: $(READY) ## the 43 patterns on Kafka, the engine killed at every step of every story
	PENSTOCK_PROVE=1 $(BIN)/python -m pytest tests/patterns/test_on_kafka.py -k every_place

check: $(READY) ## format, lint, types, architecture, schemas, fast tests
	$(BIN)/ruff format --check $(wildcard $(SOURCES))
	$(BIN)/ruff check $(wildcard $(SOURCES))
	$(BIN)/mypy shared services projections tests bench
	$(BIN)/python schemas/generate.py --check
	PENSTOCK_SEEDS=200 PENSTOCK_SIM_SEEDS=10 $(BIN)/python -m pytest -q -m "$(FAST)" --ignore=tests/integration

arch: $(READY) ## layers, sizes, and what has one place only
	$(BIN)/python -m pytest -q tests/architecture

schemas: $(READY) ## write schemas/ anew from the types
	$(BIN)/python schemas/generate.py

bench: $(READY) ## measure: one JSON line per case
	$(BIN)/python -m bench

kafka: $(READY) ## a real Apache Kafka on this machine, in the foreground, until Ctrl-C
	$(BIN)/python deploy/kafka-local/launcher.py

clean: ## remove the environment, caches, and what was fetched
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist deploy/kafka-local/target
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
