# The image of scaler, watcher and CPU monitor, for linux/amd64 and linux/arm64:
#
#   docker buildx build -f deploy/placement.Dockerfile --platform linux/amd64,linux/arm64 \
#       -t YOU/posture-placement --push .
#
# Like the worker's, it is built without running anything of the target platform. It has
# no pose model, no MediaPipe and no OpenCV; which program runs is the pod's `command`.
ARG PYTHON_IMAGE=python:3.13.16-slim-trixie

FROM --platform=$BUILDPLATFORM ${PYTHON_IMAGE} AS build
ENV PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY deploy/requirements-placement.txt /build/
WORKDIR /build

# By version and hash, and without what they ask for: requirements-placement.in.
# kubernetes.aio is half of that package, and nothing here imports it.
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
        --require-hashes --requirement requirements-placement.txt \
    && rm -rf /packages/bin /packages/kubernetes/aio \
    && find /packages -type d -name tests -prune -exec rm -rf {} + \
    && python3 -m compileall -q --invalidation-mode unchecked-hash /packages

FROM build AS source
COPY cpu_monitor_and_offload.py externalscaler_pb2.py externalscaler_pb2_grpc.py \
    gpu_affinity_watcher.py /app/
COPY common /app/common
COPY kube /app/kube
COPY placement /app/placement
COPY scaler /app/scaler
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${PYTHON_IMAGE}
COPY --from=packages /packages /packages
COPY --from=source /app /app
ENV PYTHONPATH=/packages PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
WORKDIR /app
EXPOSE 50051 9105 9106
ENTRYPOINT ["python3"]
CMD ["/app/cpu_monitor_and_offload.py", "--only", "scaler"]
ARG VERSION=0 REVISION=unknown SOURCE= BASE_NAME=unknown BASE_DIGEST=unknown
LABEL org.opencontainers.image.title="posture-placement" \
    org.opencontainers.image.description="KEDA's scaler, the watcher and the CPU monitor of the posture analyzer" \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}" \
    org.opencontainers.image.base.name="${BASE_NAME}" \
    org.opencontainers.image.base.digest="${BASE_DIGEST}"
