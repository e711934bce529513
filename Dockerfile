# An image with `migrate`, for pipelines and jobs; add the migrations of an application on top:
#
#   FROM pg-migrator
#   COPY migrations /work/migrations
#   COPY migrate.toml /work/
ARG PYTHON=python:3.13-slim

FROM ${PYTHON} AS build
WORKDIR /source
COPY . .
RUN python -m venv /opt/migrate && /opt/migrate/bin/pip --disable-pip-version-check --no-cache-dir install .

FROM ${PYTHON}
COPY --from=build /opt/migrate /opt/migrate
ENV PATH=/opt/migrate/bin:$PATH PYTHONUNBUFFERED=1
RUN useradd --create-home --uid 10001 migrate
USER 10001
WORKDIR /work
# Signals reach the process itself: the first SIGTERM stops after the batch.
ENTRYPOINT ["migrate"]
CMD ["--help"]
