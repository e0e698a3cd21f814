# Two commands to start with: make demo, make test. For every edit: make check.

PYTHON ?= python3
# The machine's own, found before the environment's stands in front of it.
override PYTHON := $(shell command -v $(PYTHON))
VENV   := .venv
BIN    := $(VENV)/bin
# The environment's programs come first: tests and linters call each other by name.
# The administrators' come last: container engines call iptables, by its name alone.
export PATH := $(CURDIR)/$(BIN):$(PATH):/usr/local/sbin:/usr/sbin:/sbin

.DEFAULT_GOAL := help
.PHONY: help demo test check format golden bench bench-docker bench-tuning bench-proxy hosts constraints packages clean

help:           ## Say what there is.
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' Makefile | expand -t 20

demo: $(VENV)/.runtime          ## Deploy the example on this machine, look at it, stop.
	@$(BIN)/python scripts/demo.py

test: packages $(VENV)/.dev     ## Install what the tests need, run all of them.
	ruff check .
	ruff format --check .
	mypy
	pytest -n 3 --dist loadscope --no-loadscope-reorder --ignore tests/hosts
	pytest tests/hosts

check: $(VENV)/.dev             ## The quick ones, for every edit.
	ruff check .
	ruff format --check .
	mypy
	pytest -q -n auto -m "not slow"

format: $(VENV)/.dev            ## Lay out the code.
	ruff check --fix .
	ruff format .

golden: $(VENV)/.dev            ## Write the golden trees and the roles' READMEs anew; review them as a diff.
	pytest -q tests/golden --update-golden
	python scripts/roles_readme.py

bench: $(VENV)/.dev             ## Print the figures of the documentation.
	python benchmarks/start_up.py
	python benchmarks/detection.py

bench-docker: packages $(VENV)/.dev ## Images: build times and sizes, with podman and docker.
	python -m benchmarks.containers

bench-tuning: $(VENV)/.dev      ## The plan beside a grid search (needs wrk; half an hour).
	python benchmarks/tuning.py

bench-proxy: packages $(VENV)/.dev    ## The proxies beside hand-written ones and gunicorn (needs wrk; ten minutes).
	python -m benchmarks.proxy

hosts: packages $(VENV)/.dev    ## The molecule scenarios alone, and their figures (podman or docker).
	pytest tests/hosts
	python -m testbed figures


constraints: $(VENV)/.dev       ## Write the pinned versions anew, from what is installed.
	scripts/constraints.sh

packages:       ## Debian packages that the tests use.
	@scripts/packages.sh

$(VENV)/.runtime: pyproject.toml constraints.txt
	@scripts/environment.sh "$(PYTHON)" "$(VENV)" --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	@scripts/environment.sh "$(PYTHON)" "$(VENV)" --editable '.[dev]'
	@touch $@ $(VENV)/.runtime

clean:          ## Remove what the commands above made here.
	rm -rf $(VENV) .demo .testbed dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis
