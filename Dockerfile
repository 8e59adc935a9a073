# Itaca as one image; which stage it is says the command: up, ingest, classifier, router, courier, watch, desk.
ARG PYTHON_IMAGE=python:3.11-slim

# What needs pip happens here, and stays here.
FROM ${PYTHON_IMAGE} AS build
WORKDIR /build
RUN python3 -m venv /opt/itaca
COPY requirements/run.txt requirements/
RUN /opt/itaca/bin/python -m pip install --no-cache-dir --require-hashes -r requirements/run.txt
COPY pyproject.toml README.md LICENSE ./
COPY itaca itaca
COPY services services
RUN /opt/itaca/bin/python -m pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
    && /opt/itaca/bin/python -m pip uninstall -q -y setuptools pip

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="itaca" org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/itaca /opt/itaca
COPY models /app/models
# A number, so that a cluster can see that it is not root; /data is the only folder it may write to, beside /tmp.
RUN mkdir /data && chown 10001:10001 /data
USER 10001:10001
WORKDIR /app
ENV PATH=/opt/itaca/bin:$PATH HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    ITACA_DATA_DIR=/data \
    ITACA_CLASSIFIER_MODELS_DIR=/app/models \
    ITACA_METRICS_HOST=0.0.0.0 \
    ITACA_INGEST_HOST=0.0.0.0 \
    ITACA_DESK_HOST=0.0.0.0
VOLUME /data
EXPOSE 2525 8025 9025
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9025/healthz', timeout=4)"]
ENTRYPOINT ["itaca"]
CMD ["up"]
