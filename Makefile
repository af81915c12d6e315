# `make demo` and `make test` set up all they need on a fresh Debian 12 machine with Python 3.11.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SERVERS := mosquitto mosquitto-clients influxdb socat mbpoll openssl curl systemd docker-compose chromium fonts-noto-cjk

.PHONY: help setup demo test lint soak bench docs screenshots clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed ## make the environment, .venv/

$(VENV)/.installed: pyproject.toml constraints.txt config/deploy/setup-venv.sh
	@PYTHON="$(PYTHON)" config/deploy/setup-venv.sh $(VENV)
	@$(INSTALL) --editable '.[demo]'
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	@$(INSTALL) --editable '.[test]'
	@$(INSTALL) --no-deps --target $(VENV)/cross --upgrade pysparkplug  # an independent Sparkplug decoder, for one test; it pins an old paho
	@touch $@

demo: setup ## a community on this machine: http://127.0.0.1:8080
	@exec $(BIN)/callpoint demo

test: $(VENV)/.tested lint ## install what the tests need, then run every one
	@config/deploy/setup-servers.sh $(SERVERS)
	@$(BIN)/python -m pytest -n logical --dist loadfile

lint: $(VENV)/.tested ## ruff and mypy --strict
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

soak: $(VENV)/.tested ## long seeded simulations
	@$(BIN)/python -m pytest -m soak

bench: setup ## register change to hand-over, the engine alone, a fire in a storm, real channels and the board
	@$(BIN)/callpoint bench alarm
	@$(BIN)/callpoint bench engine
	@$(BIN)/callpoint bench storm
	@$(BIN)/callpoint bench page

docs: $(VENV)/.installed ## the pages of docs/ as a site, in build/site
	@$(INSTALL) --editable '.[docs]'
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

screenshots: $(VENV)/.tested ## remake the pictures in docs/
	@CALLPOINT_SCREENSHOTS=1 $(BIN)/python -m pytest -m browser tests/web
	@CALLPOINT_SCREENSHOTS=1 $(BIN)/python -m pytest tests/e2e/test_docs_commands.py tests/e2e/test_probe_terminal.py

clean: ## remove what was made
	@rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
