# syntax=docker/dockerfile:1
# The image: the stripped binary, the libraries that it loads, and nothing else, not even a shell. `docker build --tag stride .`
# The symbols of the same build: `docker build --target symbols --output symbols .`
#
# The same commit gives the same binary: every crate is the one in Cargo.lock, and the compiler is that of rust-toolchain.toml. The base
# images are named by version; name them by digest where nothing may change at all:
# --build-arg BUILD_IMAGE=rust:1.95.0-bookworm@sha256:… (`docker buildx imagetools inspect` prints it). The system's libpq, which speaks
# TLS to the database, and certificates are Debian's current ones.
ARG BUILD_IMAGE=rust:1.95.0-bookworm
ARG RUN_IMAGE=gcr.io/distroless/cc-debian12

FROM ${BUILD_IMAGE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
# hadolint ignore=DL3008
RUN apt-get update && apt-get install --yes --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The image's own compiler, whatever further components rust-toolchain.toml asks for.
ENV RUSTUP_TOOLCHAIN=1.95.0 CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=0
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features --features system-libpq,pdf && deploy/strip target/release/stride /out
# What it needs to run, with libpq and whatever that loads, in the places where the loader looks.
RUN deploy/image /out/stride /image

# Where the symbols are taken from.
FROM scratch AS symbols
COPY --from=build /out/stride.debug /

FROM ${RUN_IMAGE}
COPY --from=build /image/ /
# The owner of a new volume is that of the folder in the image.
COPY --from=build --chown=10001:10001 /image/var/lib/stride /var/lib/stride
USER 10001:10001
WORKDIR /var/lib/stride
ENV STRIDE_BIND=0.0.0.0:8080 STRIDE_DATA_DIR=/var/lib/stride STRIDE_LOG_FORMAT=json
VOLUME /var/lib/stride
EXPOSE 8080
# SIGTERM: requests in progress are answered (STRIDE_SHUTDOWN_SECONDS).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/usr/local/bin/stride", "health"]
ENTRYPOINT ["/usr/local/bin/stride"]
