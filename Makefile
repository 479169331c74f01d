.PHONY: demo test lint setup

# The whole life cycle on this machine: publish, create a project, build, approve, stage, deploy, invoke.
demo: setup
	@.venv/bin/python -m lifecycle_demo || true

test: setup
	@.venv/bin/python -m pytest

lint: setup
	@tools/lint

setup:
	@tools/setup
