# Every target first makes what is missing: a virtual environment in .venv, the compiled data plane in it, the
# development tools. Python 3.11, make and a C compiler must be there; where Rust is absent, it is said how to get it.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMPS := .build
RUST := $(shell find rust -name '*.rs' -o -name 'Cargo.toml') Cargo.toml Cargo.lock

.PHONY: help build serve test check unit browsers conformance conformance-subset rust-test bench bench-connections bench-data-channels soak fuzz clean format

help:  ## What there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## ?(.*)/  make \1\t\2/' | expand -t 22

$(STAMPS)/venv:
	@mkdir -p $(STAMPS)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip uv
	touch $@

SYNC = UV_PROJECT_ENVIRONMENT=$(VENV) $(BIN)/uv sync --quiet --frozen --inexact --no-install-project

$(STAMPS)/dependencies: uv.lock pyproject.toml | $(STAMPS)/venv
	$(SYNC) --no-default-groups --group build
	touch $@

$(STAMPS)/tools: $(STAMPS)/dependencies
	$(SYNC)
	touch $@

$(STAMPS)/rust: | $(STAMPS)/venv
	@command -v cargo >/dev/null || { echo "Rust is missing: install it by rustup.rs (1.89 or newer), or with 'apt-get install rustup'."; exit 1; }
	touch $@

# The package is installed editable: Python code is read from src/, and the compiled module lies there too.
$(STAMPS)/package: $(RUST) pyproject.toml $(STAMPS)/dependencies $(STAMPS)/rust
	@echo "Building the data plane (two minutes the first time, seconds after that)"
	$(BIN)/maturin develop --release --quiet --uv
	touch $@

build: $(STAMPS)/package  ## Build everything into .venv

serve: build  ## Start the server: http://localhost:8080
	$(BIN)/visavis serve $(ARGS)

test: check rust-test unit browsers conformance-subset  ## All that CI runs
	@echo "All tests passed"

check: build $(STAMPS)/tools $(STAMPS)/page  ## Format, lint, types, import layers, the compiled module's stub
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	$(BIN)/ruff format --check src tests benchmarks examples
	$(BIN)/ruff check src tests benchmarks examples
	$(BIN)/lint-imports
	$(BIN)/mypy
	$(BIN)/pyright
	$(BIN)/stubtest visavis.dataplane._native
	npm run --silent --prefix web check
	npm test --silent --prefix web

$(STAMPS)/page: web/package-lock.json | $(STAMPS)/venv
	npm ci --silent --no-audit --no-fund --prefix web
	touch $@

rust-test: $(STAMPS)/rust  ## The Rust crates' tests, the emulated network's scenarios among them
	cargo test --workspace --exclude visavis-py --quiet

unit: build $(STAMPS)/tools  ## The Python unit tests and scenarios
	$(BIN)/pytest -q

browsers: build $(STAMPS)/tools $(STAMPS)/page $(STAMPS)/browsers  ## Chromium and Firefox in real calls
	$(BIN)/pytest -q tests/interop

# The W3C's web-platform-tests lie outside: WPT=DIR has wpt/ and meta/ (tests/conformance/wpt/README.md).
WPT_RUN = PYTHONPATH=src node tests/conformance/wpt/runner.mjs --wpt "$(WPT)" --python $(BIN)/python

conformance: build  ## The web-platform-tests in WPT=DIR; writes docs/conformance.md
	$(WPT_RUN) --table docs/conformance.md $(ARGS)

conformance-subset: build
	@if [ -z "$(WPT)" ]; then echo "web-platform-tests skipped: say where they are, WPT=DIR"; else \
	  $(WPT_RUN) --dirs webrtc --list tests/conformance/wpt/subset.txt; fi

# Debian's browsers, TURN server and NATs, where they are not there yet; elsewhere install them by hand.
$(STAMPS)/browsers: | $(STAMPS)/venv
	@if ! command -v chromium firefox-esr turnserver nft ip | awk 'END { exit NR < 5 }'; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends \
	    chromium firefox-esr coturn nftables iproute2 >/dev/null; fi
	touch $@

soak: build $(STAMPS)/tools $(STAMPS)/browsers  ## Thousands who join and leave, and garbage on a live call: is anything kept?
	$(BIN)/python -m benchmarks.soak $(ARGS)

bench: build  ## Forwarding, connections, data channels, against their peers; writes benchmarks/results
	$(BIN)/python -m benchmarks.forwarding $(ARGS)
	$(BIN)/python -m benchmarks.connections $(filter --quick,$(ARGS))
	$(BIN)/python -m benchmarks.data_channels $(filter --quick,$(ARGS))

bench-connections: build  ## What a connection costs, against aiortc and Pion
	$(BIN)/python -m benchmarks.connections $(ARGS)

bench-data-channels: build  ## What data channels carry, against aiortc, Pion and webrtc-rs
	$(BIN)/python -m benchmarks.data_channels $(ARGS)

fuzz:  ## Fuzz the wire formats, ICE and SCTP, for a minute each (needs cargo-fuzz and a nightly toolchain)
	cd fuzz && for target in stun rtp rtcp payload ice sctp association; do cargo +nightly fuzz run $$target -- -max_total_time=60 || exit 1; done

format:  ## Format all code
	cargo fmt --all
	$(BIN)/ruff format src tests benchmarks examples
	$(BIN)/ruff check --fix src tests benchmarks examples

clean:  ## Remove all that was built
	rm -rf $(VENV) $(STAMPS) target
