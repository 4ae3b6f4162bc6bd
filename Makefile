# What a person calls; CI calls the same.   make help   lists them.
UV_VERSION := 0.13.9
PYTHON ?= python3
UV := .uv/bin/uv
# The interpreter is the one that is there; nothing outside this folder is written but the package cache.
export UV_PYTHON_DOWNLOADS := never
export UV_COMPILE_BYTECODE := 1
# Bytecode is start-up time: an environment that forbids it would make every run slower.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all hostile kills soak history-campaign contract check audit format bench acted-out ci-tools clean

help: ## List what can be made
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: .venv/.ready ## Install everything into .venv/

$(UV):
	@echo "Installing uv $(UV_VERSION) into .uv/ ..."
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or later with its venv module is needed (Debian: apt-get install python3-venv)."; exit 1; }
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/.ready: $(UV) uv.lock pyproject.toml smokegate/pyproject.toml lattice/pyproject.toml
	@echo "Installing the workspace into .venv/ ..."
	@$(UV) sync --all-packages --locked --python $(PYTHON)
	@touch $@

demo: .venv/.ready ## Start Lattice, verify it, print the verdict
	@.venv/bin/smokegate demo

test: .venv/.ready ## Run the tests, of the long ones a quick form
	@.venv/bin/python -m pytest -n 3 --dist worksteal

test-all: .venv/.ready ## Run every case of every test
	@.venv/bin/python -m pytest -n 3 --dist worksteal --whole

hostile: .venv/.ready ## Send 100,000 hostile replies through the client and the reports
	@.venv/bin/python -m tests.system.hostile 100000

kills: .venv/.ready ## Kill 300 runs at random moments, sweep, and look for what is left
	@.venv/bin/python -m tests.system.kills 300

soak: .venv/.ready ## Watch a Lattice for ten minutes that goes away in the middle and comes back
	@.venv/bin/python -m tests.system.soak 600

history-campaign: .venv/.ready ## Write into a history with eight processes for a minute, kill some, and look
	@.venv/bin/python -m tests.system.history_campaign 60

contract: .venv/.ready ## Hold Lattice to its OpenAPI description with thousands of requests
	@.venv/bin/python -m tests.lattice.contract

check: .venv/.ready ## Lint, types, layers, scripts, deployment files, locked dependencies
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache
	@.venv/bin/shellcheck tests/smoke/smoke_test_runner.sh .ci/run deploy/*/*.sh
	@PATH=$(CURDIR)/.venv/bin:$$PATH jactionlint action.yml deploy/github/*.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-actions action.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows deploy/github/*.yml
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.gitlab-ci deploy/gitlab/*.yml
	@.venv/bin/hadolint deploy/*/Containerfile
	@.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/lattice/compose.yaml
	@$(UV) lock --check --quiet
	@$(MAKE) --no-print-directory audit

audit: $(UV) ## Look for known vulnerabilities in what is locked; says so where the database is away
	@$(UV) audit --locked --preview-features audit-command >.uv/audit.log 2>&1; \
	case $$? in \
		0) tail -n 1 .uv/audit.log;; \
		2) grep -q 'Request failed' .uv/audit.log || { cat .uv/audit.log; exit 2; }; \
			echo "Not audited for vulnerabilities: their database (api.osv.dev) cannot be reached.";; \
		*) cat .uv/audit.log; exit 1;; \
	esac

format: .venv/.ready ## Format the sources
	@.venv/bin/ruff check --fix-only --quiet .
	@.venv/bin/ruff format .

bench: .venv/.ready ## Run the benchmarks
	@$(UV) sync --all-packages --locked --group bench --quiet --python $(PYTHON)
	@.venv/bin/python -m bench

acted-out: .venv/.ready ## Act out 300 times what healthy deployments show, and 10 times each fault
	@.venv/bin/python -m tests.system.acted_out --only conditions --runs 300
	@.venv/bin/python -m tests.system.acted_out --only faults --runs 10

ci-tools: ## Install the system packages that tests can use
	@for tool in ip unshare mount prometheus prometheus-pushgateway prometheus-node-exporter chromium \
		nginx jq groovy redis-server rabbitmq-server; do command -v $$tool >/dev/null || missing=1; done; \
	if [ "$$missing" ]; then apt-get update -qq && apt-get install --yes -qq --no-install-recommends \
		iproute2 util-linux mount prometheus prometheus-pushgateway prometheus-node-exporter chromium \
		nginx-light jq groovy redis-server rabbitmq-server; fi

clean: ## Remove what make brought
	rm -rf .uv .venv .demo
