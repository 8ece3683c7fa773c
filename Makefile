# The two commands of the README are `make demo` and `make test`; each sees to what is missing. All build the same packages: another
# choice has other features of what they depend on, and that is then built twice.
.PHONY: help demo lab lab-down test bench soak check

# Tests with real hosts wait for most of their time: six for each processor.
SIXFOLD = RUST_TEST_THREADS=$${RUST_TEST_THREADS:-$$((6 * $$(nproc)))}

# What they write they sync, and nothing in them outlives a loss of power: in memory, where there is such a folder, none waits for a disk.
IN_MEMORY = TMPDIR=$${TMPDIR:-$$(test -d /dev/shm -a -w /dev/shm && echo /dev/shm || echo /tmp)}

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

demo: ## a site, a master, a preview, an update, and a group of which one LPAR fails
	scripts/need cc initdb faketime
	cargo build --locked --workspace
	scripts/demo

lab: ## a site and a master to play with
	scripts/need cc initdb faketime
	cargo build --locked --workspace
	scripts/lab up

lab-down: ## ends what `make lab` started
	scripts/lab down

test: ## all tests, on real Postgres, real sshd and the lab
	scripts/need cc initdb ssh-keygen sshd sudo faketime ip perl
	cargo build --locked --workspace
	cargo build --locked --workspace --features nim-master/crash-points --bin nimd-crash-points
	$(IN_MEMORY) $(SIXFOLD) cargo test --locked --workspace --no-fail-fast
	$(IN_MEMORY) $(SIXFOLD) cargo test --locked --workspace --features nim-agent/crash-points --test agent -- wherever_the

bench: ## what is claimed of speed and size, measured beside what others take; fails when a gate is missed
	scripts/need cc initdb ssh ssh-keygen sshd
	scripts/bench-clients target/bench-clients
	cargo build --locked --release --package nim-master --package nimctl --package nim-agent --package nim-lab --package integration-tests --features integration-tests/bench
	BENCH_CLIENTS=target/bench-clients target/release/bench

soak: ## a thousand LPARs in one rollout with faults, nimd killed ten times: each is updated once at most, no limit is exceeded
	scripts/need cc initdb
	cargo build --locked --release --package nim-master --package nimctl --package nim-agent --package nim-lab --package integration-tests --features integration-tests/bench
	target/release/soak

check: ## format, lints, documentation, licences, duplicates, sources, borders: what a change has to pass before its tests
	scripts/need cc
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --features integration-tests/bench -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps
	cargo test --locked --workspace --test supply --test border
