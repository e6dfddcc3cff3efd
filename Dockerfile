# Terracite on the CPU. Build with any OCI builder:  docker build -t terracite .
# For an image that never changes, pin the base by digest:  --build-arg BASE=debian@sha256:…
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
ENV PIP_CONSTRAINT=/src/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY agent agent
COPY tools tools
COPY prompts prompts
RUN python3 -m venv /opt/terracite \
 && /opt/terracite/bin/python -m pip wheel --quiet --no-deps --wheel-dir /tmp/wheel . \
 && /opt/terracite/bin/python -m pip install --quiet /tmp/wheel/*.whl \
 && rm -rf /tmp/wheel

FROM ${BASE}
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates python3 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --create-home --shell /usr/sbin/nologin terracite \
 && install --directory --owner terracite --group terracite /workspace
COPY --from=build /opt/terracite /opt/terracite
# Safe path: a stray `tools/` or `agent/` in the working folder is never imported.
ENV PATH=/opt/terracite/bin:$PATH \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
USER terracite
WORKDIR /workspace
# Transforms a coordinate whose result is known, and writes, opens and reads a raster.
HEALTHCHECK --interval=5m --timeout=30s --start-period=10s --retries=2 CMD ["terracite", "doctor", "--quick"]
ENTRYPOINT ["terracite"]
CMD ["--help"]
