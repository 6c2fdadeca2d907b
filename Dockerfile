# sigpost serve: docker build -t sigpost . && docker run -p 8080:8080 --env-file sigpost.env sigpost
FROM rust:1.95.0-bookworm AS build
# aws-lc, which the TLS is made of, is built with CMake.
RUN apt-get update \
    && apt-get install -y --no-install-recommends cmake=3.* \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked -p sigpost && cp target/release/sigpost /sigpost

# glibc, libgcc, certificates, and no shell. The tag has the user 65532.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /sigpost /usr/local/bin/sigpost
ENV LISTEN=0.0.0.0:8080 LOG_FORMAT=json
EXPOSE 8080
# The image has no curl; the program asks itself.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s CMD ["sigpost", "health"]
ENTRYPOINT ["sigpost"]
CMD ["serve"]
