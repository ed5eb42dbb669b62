# The image of the live page and of the nudges, for linux/amd64 and linux/arm64:
#
#   docker buildx build -f deploy/page.Dockerfile --platform linux/amd64,linux/arm64 \
#       -t YOU/posture-page --push .
#
# Like the worker's, it is built without running anything of the target platform. It has
# no pose model and no MediaPipe; OpenCV is there to refuse what no worker could read.
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie

FROM --platform=$BUILDPLATFORM ${PYTHON_IMAGE} AS build
ENV PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY deploy/requirements-page.txt /build/
WORKDIR /build

# By version and hash, and without what they ask for: requirements-page.in.
FROM build AS packages
ARG TARGETARCH
RUN --mount=type=cache,target=/root/.cache/pip \
    case "$TARGETARCH" in amd64) machine=x86_64 ;; arm64) machine=aarch64 ;; \
        *) echo "no wheels for $TARGETARCH: build for amd64 or arm64"; exit 1 ;; esac \
    && python3 -m pip install --quiet --no-deps --target /packages \
        --only-binary :all: --implementation cp \
        --python-version "$(python3 -c 'import platform; print(platform.python_version())')" \
        --platform "manylinux_2_28_$machine" --platform "manylinux_2_27_$machine" \
        --platform "manylinux_2_26_$machine" --platform "manylinux_2_17_$machine" \
        --platform "manylinux2014_$machine" \
        --require-hashes --requirement requirements-page.txt \
    && rm -rf /packages/bin /packages/cv2/data/*.xml \
    && find /packages -type d -name tests -prune -exec rm -rf {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /packages

FROM build AS source
COPY live_page.py posture_nudge.py retention.py /app/
COPY common /app/common
COPY nudge /app/nudge
COPY page /app/page
COPY posture /app/posture
RUN mkdir /folders /folders/state \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${PYTHON_IMAGE}
COPY --from=packages /packages /packages
# Where a volume for the nudges' state is mounted.
COPY --from=source --chown=10001:10001 /folders /
COPY --from=source /app /app
ENV PYTHONPATH=/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /app
# In a container loopback is of no use to anybody; the page then wants a password.
ENV PAGE_LISTEN=0.0.0.0
EXPOSE 8090
ENTRYPOINT ["python3", "/app/live_page.py"]
ARG VERSION=0 REVISION=unknown SOURCE= BASE_NAME=unknown BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="posture-page" \
    org.opencontainers.image.description="The live page and the nudges of the posture analyzer" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.base.name="${BASE_NAME}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
