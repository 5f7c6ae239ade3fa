# Fernet. `make devnet` runs a chain; `make test` runs every check. Both set up what they need.
# A fresh machine needs git, Rust and Node.js; `make help` lists the other targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

FORGE   := tools/forge
TOOLS   := target/tools
DENY    := $(TOOLS)/bin/cargo-deny
DENY_VERSION := 0.20.2
VENV    := target/venv
ARGS    ?=

export FOUNDRY_DISABLE_NIGHTLY_WARNING := 1

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
test: lint-sol test-sol snapshots-check coverage lint-rust test-rust docs deny ## everything
	@echo "make test: all checks passed"

check: tools ## the quick subset: formats, lints, unit tests
	$(FORGE) fmt --check
	$(FORGE) build --skip test --skip script
	FOUNDRY_FUZZ_RUNS=32 $(FORGE) test --no-match-path 'test/invariant/*'
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	cargo test --workspace --lib --quiet

.PHONY: lint-sol test-sol coverage snapshots snapshots-check
lint-sol: tools ## format, lints and warnings of the Solidity side; rules, errors and tests
	$(FORGE) fmt --check
	$(FORGE) build --skip test --skip script
	$(FORGE) build
	$(FORGE) lint
	node tools/rules.mjs

test-sol: tools ## forge tests: unit, fuzz, integration, differential, invariants
	$(FORGE) test

coverage: tools ## branch coverage of contracts/, at least 95 %
	node tools/coverage.mjs 95

snapshots: tools ## rewrite the committed gas, size, ABI and storage-layout snapshots
	FORGE_SNAPSHOT_CHECK=false $(FORGE) test --match-path 'test/gas/*'
	node tools/snapshots.mjs --write

snapshots-check: tools ## compare the snapshots with the code
	FORGE_SNAPSHOT_CHECK=true $(FORGE) test --match-path 'test/gas/*'
	node tools/snapshots.mjs
	node tools/tests/abi.mjs

.PHONY: audit slither halmos mutate
audit: slither halmos mutate ## the slow analyses of contracts/: slither, proofs, mutants

slither: tools $(VENV)/.installed ## static analysis of contracts/: no finding that isn't triaged in docs/audit/slither.md
	node tools/slither.mjs $(VENV)/bin/slither

halmos: tools $(VENV)/.installed ## proofs of the arithmetic, for all arguments (test/symbolic)
	tools/halmos $(VENV)/bin/halmos

mutate: tools ## small faults in contracts/ that the tests must notice: make mutate ARGS="--count 300 --seed 1"
	@tools/require python3 "Python 3.11 or later (python.org)"
	python3 tools/mutate.py $(ARGS)

.PHONY: lint-rust test-rust long docs deny bench vectors fmt clean
lint-rust: tools ## rustfmt and clippy
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

test-rust: tools ## cargo tests
	cargo test --workspace

long: tools ## the long profile of random tests: 10,000 runs of each fuzz test, 10,000 sequences of model and contracts
	FOUNDRY_PROFILE=long $(FORGE) test --match-test '^(testFuzz|invariant)'
	FERNET_LONG=1 cargo test -p fernet-model -- --nocapture

docs: tools ## API documentation without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

deny: $(DENY) ## licences, duplicates, sources and, where its database is reachable, advisories
	$(DENY) --log-level error check licenses bans sources
	@tools/advisories $(DENY)

bench: tools ## benchmarks: proving, ranking, slot lifecycles
	cargo bench --workspace

fmt: tools ## format both languages
	$(FORGE) fmt
	cargo fmt --all

clean: ## remove build outputs
	rm -rf target out cache
