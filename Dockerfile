# The build: the system's libpq, which speaks TLS to the database.
FROM rust:1.95-bookworm AS build
RUN apt-get update && apt-get install --yes --no-install-recommends libpq-dev && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# The image's own compiler, whatever further components rust-toolchain.toml asks for.
ENV RUSTUP_TOOLCHAIN=1.95.0
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked --no-default-features --features system-libpq && cp target/release/stride /usr/local/bin/stride

FROM debian:bookworm-slim
RUN apt-get update && apt-get install --yes --no-install-recommends ca-certificates curl libpq5 && rm -rf /var/lib/apt/lists/* \
    && useradd --system --uid 10001 --home-dir /var/lib/stride --create-home stride
COPY --from=build /usr/local/bin/stride /usr/local/bin/stride
USER stride
WORKDIR /var/lib/stride
ENV STRIDE_BIND=0.0.0.0:8080 STRIDE_DATA_DIR=/var/lib/stride STRIDE_LOG_FORMAT=json
VOLUME /var/lib/stride
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s CMD ["curl", "--fail", "--silent", "--output", "/dev/null", "http://127.0.0.1:8080/readyz"]
ENTRYPOINT ["stride"]
