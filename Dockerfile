# syntax=docker/dockerfile:1
# The same two commands as the Makefile's: pip brings the pinned uv, uv sync --frozen brings the rest.

FROM python:3.13-slim AS build
ARG UV_VERSION=0.13.8
RUN pip install --quiet --no-cache-dir "uv==${UV_VERSION}"
ENV UV_CACHE_DIR=/cache \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /app

# The dependencies first: they change less often than our code.
RUN --mount=type=cache,target=/cache \
    --mount=type=bind,source=uv.lock,target=uv.lock \
    --mount=type=bind,source=pyproject.toml,target=pyproject.toml \
    uv sync --frozen --no-dev --no-install-project
COPY pyproject.toml uv.lock README.md LICENSE ./
COPY config config
COPY integrations integrations
COPY multivac multivac
RUN --mount=type=cache,target=/cache \
    uv sync --frozen --no-dev --no-editable


FROM python:3.13-slim
LABEL org.opencontainers.image.title="Multivac" \
      org.opencontainers.image.description="The incident orchestrator: an alert becomes a Slack channel with the right people, a lead, and checklists." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="0.1.0"
RUN groupadd --gid 10001 multivac \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin multivac \
    && install --directory --owner=10001 --group=10001 --mode=0750 /data
COPY --from=build /app/.venv /app/.venv
ENV PATH="/app/.venv/bin:$PATH" \
    PYTHONUNBUFFERED=1 \
    MULTIVAC_DATABASE__URL="sqlite:////data/multivac.db" \
    MULTIVAC_SERVER__HOST="0.0.0.0" \
    MULTIVAC_SERVER__PORT="8080"
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["multivac", "healthcheck"]
ENTRYPOINT ["multivac"]
CMD ["run"]
