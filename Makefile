.PHONY: demo test lint bench setup

export PYTHONPATH := $(CURDIR):$(CURDIR)/twin/src:$(CURDIR)/checks/src

# The whole life cycle on this machine: publish, create a project, build, approve, stage, deploy, invoke.
demo: setup
	@.venv/bin/python -m lockgate_twin.demo

# Two to four tests at a time, as the machine has cores.
test: setup
	@.venv/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadscope

lint: setup
	@tools/lint

setup:
	@tools/setup

# Times and memory against their budgets.
bench: setup
	@.venv/bin/python benchmarks/lifecycle.py
	@.venv/bin/python benchmarks/checks.py
	@.venv/bin/python benchmarks/authorization.py
	@.venv/bin/python benchmarks/stacks.py
	@.venv/bin/python benchmarks/registry.py
	@.venv/bin/python benchmarks/durability.py
