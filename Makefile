.PHONY: demo test lint bench setup

export PYTHONPATH := $(CURDIR):$(CURDIR)/twin/src:$(CURDIR)/checks/src

# The whole life cycle on this machine: publish, create a project, build, approve, stage, deploy, invoke.
demo: setup
	@.venv/bin/python -m lockgate_twin.demo

test: setup
	@.venv/bin/python -m pytest

lint: setup
	@tools/lint

setup:
	@tools/setup

# Times and memory against their budgets.
bench: setup
	@.venv/bin/python benchmarks/lifecycle.py
	@.venv/bin/python benchmarks/checks.py
	@.venv/bin/python benchmarks/authorization.py
