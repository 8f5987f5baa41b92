# The few commands that people type. Everything else is cargo's.

.PHONY: run cluster test screenshots autobahn fuzz bench

# The whole product on port 8000. Without ffmpeg it plays a shipped clip, so getting it may fail.
run:
	-.ci/get ffmpeg
	cargo run --release

# Three nodes that share their viewers by way of NATS, on ports 8001 to 8003, to look at.
cluster:
	.ci/cluster

# All tests: rules, sockets, ffmpeg, and browsers that watch together.
test:
	.ci/get ffmpeg chromium nats-server nginx openssl ip:iproute2 nft:nftables
	cargo test --workspace --locked
	cargo build --workspace --bins --locked
	cd web/tests && npm ci --ignore-scripts --no-audit --no-fund && \
		CHROMIUM="$${CHROMIUM:-$$(command -v chromium)}" npm test

# The pictures of the player and the dashboard in docs, anew: some six minutes.
screenshots:
	.ci/get ffmpeg chromium
	cargo build --workspace --bins --locked
	cd web/tests && npm ci --ignore-scripts --no-audit --no-fund && \
		export CHROMIUM="$${CHROMIUM:-$$(command -v chromium)}" && \
		node support/screenshots.mjs && node pictures.mjs

# RFC 6455 and 7692 by somebody else's judgement: the Autobahn test suite, for which it gets what
# it needs but Python 2.7. `.ci/autobahn '9.*'` runs some cases.
autobahn:
	.ci/autobahn

# Each fuzz target for ten minutes. It needs a C++ compiler.
fuzz:
	.ci/fuzz 600

bench:
	cargo bench -p benches
