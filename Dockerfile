# The image of the pipeline's components under Kubeflow Pipelines (docs/kubernetes.md).
# Debian 13 has the glibc that TFX's wheels need. make image builds and tags it.
FROM debian:13-slim AS builder
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# What Debian 13 has is what is meant: its updates mend, they do not change.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends \
        ca-certificates g++ gcc libc6-dev python3-dev python3-venv \
    && rm -rf /var/lib/apt/lists/*
COPY tools/bootstrap.lock requirements.lock /build/
RUN python3 -m venv /build/uv \
    && /build/uv/bin/pip install --no-cache-dir --require-hashes -r /build/bootstrap.lock \
    && python3 -m venv --without-pip /opt/deepfm \
    && /build/uv/bin/uv pip sync --no-cache --require-hashes \
        --python /opt/deepfm/bin/python /build/requirements.lock
COPY setup.py pyproject.toml /build/project/
COPY schema /build/project/schema
COPY model /build/project/model
COPY components /build/project/components
COPY pipeline /build/project/pipeline
RUN /build/uv/bin/uv pip install --no-cache --no-deps \
        --python /opt/deepfm/bin/python /build/project

FROM debian:13-slim
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
# The launcher copies artifacts to and from the three folders, as this user.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates libgomp1 python3 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 1000 --create-home deepfm \
    && mkdir /gcs /minio /s3 \
    && chown deepfm /gcs /minio /s3
COPY --from=builder /opt/deepfm /opt/deepfm
ENV PATH=/opt/deepfm/bin:/usr/local/bin:/usr/bin:/bin \
    KERAS_BACKEND=tensorflow \
    TF_CPP_MIN_LOG_LEVEL=3
WORKDIR /home/deepfm
USER deepfm
# Every import that a component needs is made once, and the code is that of the tag.
ARG CODE_VERSION
RUN python -c "import tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor" \
    && python -m pipeline.kubeflow.container --help >/dev/null \
    && python -m pipeline.kubeflow.data_state --help >/dev/null \
    && python -c "import components.trainer.run_fn, components.memory.component" \
    && test "$(python -m pipeline.code_version)" = "${CODE_VERSION}"
CMD ["deepfm", "--help"]
