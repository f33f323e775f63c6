.DEFAULT_GOAL := help
.PHONY: help setup demo up down test check controls fmt clean schemas bench-policy bench-router bench-bridge bench-load bench-autoscale toolchain e2e test-clouds

PY := .venv/bin/python
ARGS ?=

help: ## what each target does
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## .venv with the locked packages (done by every target that needs it)
	@sh toolchain/setup.sh

demo: setup ## two sites on this machine, traffic, faults, one verdict
	@$(PY) -m cli demo $(ARGS)

up: toolchain ## two real clusters on this machine by Pulumi, and the fabric on them (root)
	@$(PY) -m cli up dev

down: setup ## end what `make up` brought up
	@$(PY) -m cli down dev

test: setup ## every test that needs no root, real engines included
	@$(PY) -m pytest -m "not clusters" $(ARGS)

test-clouds: setup ## the cloud drivers against their real SDKs (194 MB, kept in .isthmus)
	@$(PY) -m toolchain.clouds
	@PYTHONPATH=.isthmus/setup/clouds $(PY) -m pytest tests/infra/drivers $(ARGS)

e2e: toolchain ## real clusters in network namespaces, by Pulumi (root)
	@ISTHMUS_E2E=required $(PY) -m pytest tests/e2e -m clusters $(ARGS)

check: setup ## format, lint, types, import contracts, tidy
	@$(PY) -m ruff format --check --quiet . || { echo "fix: make fmt"; exit 1; }
	@$(PY) -m ruff check --quiet .
	@.venv/bin/basedpyright --level error
	@.venv/bin/lint-imports --no-cache
	@$(PY) -m pytest tests/test_layout.py

controls: setup ## every protecting mechanism off once, at full length: each must end NO-GO
	@$(PY) -m cli controls $(ARGS)

fmt: setup ## format the tree
	@$(PY) -m ruff format --quiet .
	@$(PY) -m ruff check --quiet --fix --exit-zero .

toolchain: setup ## the engines of real clusters: from PATH, the cache, or built (20 minutes, once)
	@$(PY) -m toolchain

schemas: setup ## write the generated JSON Schemas
	@$(PY) -m contracts.schema
	@$(PY) -m policy.schema
	@$(PY) -m autoscale.crd

bench-policy: setup ## CPU per KB scanned
	@$(PY) bench/bench_policy.py

bench-router: setup ## CPU per request against a naive aiohttp proxy
	@$(PY) bench/bench_router.py

bench-bridge: setup ## records per CPU-second, exactly once against plain copy
	@$(PY) bench/bench_bridge.py

bench-load: setup ## CPU per request of the load engine
	@$(PY) bench/bench_load.py

bench-autoscale: setup ## bad minutes and node-hours of scaling policies, on traces of ISTHMUS_TRACES and a synthetic one
	@$(PY) bench/bench_autoscale.py $(ARGS)

clean: ## stop what runs, remove .venv and .isthmus
	@[ ! -x $(PY) ] || $(PY) -m cli down local || true
	@rm -rf .venv .isthmus .pytest_cache .ruff_cache .hypothesis
