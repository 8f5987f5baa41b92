# The few commands that people type. Everything else is cargo's.

.PHONY: run test bench

# The whole product on port 8000. Without ffmpeg it plays a shipped clip, so getting it may fail.
run:
	-.ci/get ffmpeg
	cargo run --release

# All tests: rules, sockets, ffmpeg, and browsers that watch together.
test:
	.ci/get ffmpeg chromium nginx openssl
	cargo test --workspace --locked
	cargo build --workspace --bins --locked
	cd web/tests && npm ci --ignore-scripts --no-audit --no-fund && \
		CHROMIUM="$${CHROMIUM:-$$(command -v chromium)}" npm test

bench:
	cargo bench -p benches
