# The worker's image, for linux/amd64 and linux/arm64.
#
# Nothing of the target platform runs while it is built: the stages run on the machine
# that builds, and fetch the target's wheels and Debian libraries. So an amd64 machine
# builds for arm64 at full speed, without an emulator.
#
# Pin the base by digest, or take it from a mirror:
#   --build-arg PYTHON_IMAGE=registry.example/python@sha256:...
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie

FROM --platform=$BUILDPLATFORM ${PYTHON_IMAGE} AS build
ENV PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY deploy/requirements-models.txt deploy/requirements-worker.txt /build/
WORKDIR /build

# By version and hash, and without what they ask for: deploy/requirements-worker.in.
FROM build AS packages
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.cache/pip \
    case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; \
        *) echo "no wheels for $TARGETARCH: build for amd64 or arm64"; exit 1 ;; esac \
    && python3 -m pip install --quiet --no-deps --target /packages \
        --only-binary :all: --implementation cp \
        --python-version "$(python3 -c 'import platform; print(platform.python_version())')" \
        --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
        --platform "manylinux_2_17_$machine" --platform "manylinux2014_$machine" \
        --require-hashes --requirement requirements-worker.txt \
    && rm -rf /packages/bin /packages/cv2/data/*.xml \
        /packages/mediapipe/tasks/python/test \
    && find /packages -type d -name tests -prune -exec rm -rf {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /packages

# libEGL and libGLESv2 are linked by MediaPipe; their recommended drivers bring LLVM,
# and nothing here draws with them.
FROM build AS libraries
ARG TARGETARCH
RUN dpkg --add-architecture "$TARGETARCH" \
    && apt-get update -qq \
    && apt-get download -qq "libegl1:$TARGETARCH" "libgles2:$TARGETARCH" \
        "libglvnd0:$TARGETARCH" \
    && for package in *.deb; do dpkg-deb -x "$package" /libraries; done \
    && rm -rf /libraries/usr/share *.deb

# Bundles that are in models/ are taken from there, the others are put together.
FROM build AS models
ARG MODELS=full
RUN --mount=type=cache,target=/root/.cache/pip \
    python3 -m pip install --quiet --no-deps --target /native \
        --only-binary :all: --require-hashes --requirement requirements-models.txt
COPY common/ common/
COPY posture/ posture/
COPY model[s] /local
RUN --mount=type=cache,target=/root/.cache/pip \
    mkdir -p /models \
    && for name in $MODELS; do \
        cp "/local/pose_landmarker_$name.task"* /models/ 2>/dev/null || true; \
    done \
    && PYTHONPATH=/native python3 -m posture.models --folder /models $MODELS

FROM build AS source
COPY mqtt_posture_analyzer_with_db.py retention.py /app/
COPY common /app/common
COPY posture /app/posture
RUN mkdir /folders /folders/analyzed_images /folders/quarantine \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${PYTHON_IMAGE}
COPY --from=libraries /libraries /
COPY --from=packages /packages /packages
COPY --from=models /models /app/models
# Where volumes are mounted; the only folders that the worker writes to.
COPY --from=source --chown=10001:10001 /folders /app
COPY --from=source /app /app
ENV PYTHONPATH=/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /app
ENTRYPOINT ["python3", "/app/mqtt_posture_analyzer_with_db.py"]
# Healthy: it has its connection to the broker. Loading takes seconds; a worker that has
# too much in hand stays away from the broker until it is done.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=4 \
    CMD ["bash", "/app/posture/health.sh"]
ARG VERSION=0 REVISION=unknown SOURCE= BASE_NAME=unknown BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="posture-analyzer" \
    org.opencontainers.image.description="Pictures from MQTT become rows in PostgreSQL and annotated pictures" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.base.name="${BASE_NAME}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
