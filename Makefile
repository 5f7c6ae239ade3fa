# Fernet. `make devnet` runs a chain, and `make test` runs every check. Both install the tools that they need.
# A new machine needs git, Rust and Node.js. `make help` lists all targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

FORGE   := tools/forge
TOOLS   := target/tools
DENY    := $(TOOLS)/bin/cargo-deny
DENY_VERSION := 0.20.2
VENV    := target/venv
HARDHAT := $(TOOLS)/hardhat
PROMETHEUS := $(TOOLS)/prometheus
ARGS    ?=
FUZZ_SECONDS ?= 60

export FOUNDRY_DISABLE_NIGHTLY_WARNING := 1
export FUZZ_SECONDS

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# ---- set-up ---------------------------------------------------------------------------------------------------------

.PHONY: tools
tools: node_modules/.installed
	@tools/require cargo "Rust 1.95 or later (rustup.rs)"

node_modules/.installed: package-lock.json
	@tools/require node "Node.js 20 or later (nodejs.org)"
	@tools/require npm "npm, which comes with Node.js"
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

$(VENV)/.installed: tools/requirements.txt
	@tools/require python3 "Python 3.11 or later with venv (python.org)"
	python3 -m venv --clear $(VENV)
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --requirement tools/requirements.txt
	@touch $@

.PHONY: hardhat
hardhat: $(HARDHAT)/.installed ## install hardhat and its Node.js, for crates/devnet/tests/hardhat.rs

$(HARDHAT)/.installed: tools/hardhat/package-lock.json tools/hardhat/hardhat.config.js
	@tools/require npm "npm, which comes with Node.js"
	tools/hardhat/install $(HARDHAT)
	@touch $@

.PHONY: prometheus
prometheus: $(PROMETHEUS)/.installed ## install prometheus, for crates/cli/tests/monitoring.rs

$(PROMETHEUS)/.installed: tools/prometheus/install
	tools/prometheus/install $(PROMETHEUS)
	@touch $@

$(DENY):
	cargo install cargo-deny --version $(DENY_VERSION) --locked --debug --root $(TOOLS)

# ---- run ------------------------------------------------------------------------------------------------------------

.PHONY: devnet setup
devnet: tools ## run a devnet: make devnet ARGS="--slots 3"
	cargo run --quiet --bin fernet -- devnet $(ARGS)

setup: tools ## make (or check) the development proving keys
	cargo run --quiet --bin fernet -- setup

# ---- checks ---------------------------------------------------------------------------------------------------------

.PHONY: test check
test: lint-docs lint-sol test-sol snapshots-check coverage lint-rust test-rust docs deny ## all checks
	@echo "make test: all checks passed"

check: tools lint-docs ## the quick subset: formats, lints, unit tests
	$(FORGE) fmt --check
	$(FORGE) build --skip test --skip script
	FOUNDRY_FUZZ_RUNS=32 $(FORGE) test --no-match-path 'test/invariant/*'
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace --lib --quiet

.PHONY: lint-docs
lint-docs: tools ## widths, links, rules against errors and tests; vectors from the documents alone
	node tools/width.mjs
	node tools/links.mjs
	node tools/rules.mjs
	node tools/spec/check.mjs

.PHONY: lint-sol test-sol coverage snapshots snapshots-check
lint-sol: tools ## format, lints and warnings of the Solidity side
	$(FORGE) fmt --check
	$(FORGE) build --skip test --skip script
	$(FORGE) build
	$(FORGE) lint

test-sol: tools ## forge tests: unit, fuzz, integration, differential, invariants
	$(FORGE) test

coverage: tools ## branch coverage of contracts/, at least 99 %
	node tools/coverage.mjs 99

snapshots: tools ## write the snapshots of gas, sizes, ABI and storage layout again
	FORGE_SNAPSHOT_CHECK=false $(FORGE) test --match-path 'test/gas/*'
	node tools/snapshots.mjs --write

snapshots-check: tools ## compare the snapshots with the code
	FORGE_SNAPSHOT_CHECK=true $(FORGE) test --match-path 'test/gas/*'
	node tools/snapshots.mjs
	node tools/tests/abi.mjs

.PHONY: audit slither halmos mutate
audit: slither halmos mutate ## the slow analyses of contracts/: slither, proofs, mutants

slither: tools $(VENV)/.installed ## static analysis of contracts/: docs/audit/slither.md explains every finding
	node tools/slither.mjs $(VENV)/bin/slither

halmos: tools $(VENV)/.installed ## proofs of the arithmetic (test/symbolic)
	tools/halmos $(VENV)/bin/halmos

mutate: tools ## faults in contracts/ that the tests must notice: make mutate ARGS="--count 300 --seed 1"
	@tools/require python3 "Python 3.11 or later (python.org)"
	python3 tools/mutate.py $(ARGS)

.PHONY: lint-rust test-rust monitoring long fuzz docs deny bench fmt clean
lint-rust: tools ## rustfmt and clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

test-rust: tools hardhat prometheus ## cargo tests
	cargo test --workspace

monitoring: tools prometheus ## dashboard and alerts against a real Prometheus
	cargo test --workspace --test monitoring

long: tools ## random tests at length: forge's fuzz tests, the model, the fuzz targets
	FOUNDRY_PROFILE=long $(FORGE) test --match-test '^(testFuzz|invariant)'
	FERNET_LONG=1 cargo test -p fernet-model -- --nocapture
	FERNET_LONG=1 cargo test --workspace --test endpoints --test store --test disk -- --nocapture
	FERNET_LONG=1 cargo test --workspace --test processes -- --ignored --nocapture
	$(MAKE) --no-print-directory fuzz

fuzz: tools ## fuzz targets of the decoders: make fuzz FUZZ_SECONDS=10 ARGS="gossip header"
	@tools/require c++ "a C++ compiler, which builds libFuzzer"
	tools/fuzz $(ARGS)

docs: tools ## API documentation, without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

deny: $(DENY) ## licences, duplicates and sources of dependencies; advisories if their database is reachable
	$(DENY) --log-level error check licenses bans sources
	@tools/advisories $(DENY)

bench: tools ## benchmarks: proving, ranking, embedded L1, slot lifecycles
	cargo bench --workspace

fmt: tools ## format both languages
	$(FORGE) fmt
	cargo fmt --all

clean: ## remove build outputs
	rm -rf target out cache
