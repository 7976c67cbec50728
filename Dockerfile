# syntax=docker/dockerfile:1

# Builds the static binary and the whole file system of the image, so that the last stage only copies it
# (.ci/container checks the same file system without a container engine).
FROM --platform=$BUILDPLATFORM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG TARGETOS TARGETARCH
RUN CGO_ENABLED=0 GOOS=$TARGETOS GOARCH=$TARGETARCH \
    go build -trimpath -ldflags="-s -w" -o /out/crier . \
 && container/rootfs /out/crier /rootfs \
 && mv /rootfs/data /data

FROM scratch
LABEL org.opencontainers.image.title="crier" \
      org.opencontainers.image.description="Puts a static-site blog on the fediverse under its own domain" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /rootfs/ /
COPY --from=build --chown=65532:65532 /data /data
USER 65532:65532
WORKDIR /data
ENV CRIER_DATA_DIR=/data \
    CRIER_LISTEN=0.0.0.0:8080 \
    GOMEMLIMIT=128MiB
VOLUME /data
EXPOSE 8080
# A first start may make a key; later ones answer within a fraction of a second.
HEALTHCHECK --interval=60s --timeout=5s --start-period=10s --retries=3 CMD ["/crier", "healthcheck"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["/crier"]
CMD ["serve"]
