#!/usr/bin/env bash
# Builds the Kubernetes control plane that the cluster tests run on, once, into a cache
# folder, and prints that folder. Needs Go; takes minutes the first time.
# KUBEBUILDER_ASSETS names another folder, with binaries that exist already.
set -euo pipefail
cd "$(dirname "$0")"

version=v1.36.3
programs=(kube-apiserver kube-controller-manager kube-scheduler kubectl)
folder=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/posture-control-plane/$version}

missing=()
for program in "${programs[@]}"; do
  [ -x "$folder/$program" ] || missing+=("k8s.io/kubernetes/cmd/$program")
done

if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v go >/dev/null; then
    echo "Go is needed to build the control plane: install it, or set KUBEBUILDER_ASSETS" >&2
    exit 1
  fi
  mkdir -p "$folder"
  # One builder at a time; built aside, so that a broken build leaves nothing behind.
  exec 9>"$folder/.lock"
  flock 9
  aside=$(mktemp -d "$folder/.build.XXXXXX")
  trap 'rm -rf "$aside"' EXIT
  # Without the version the server calls itself v0.0.0 and clients refuse it.
  CGO_ENABLED=0 go build -o "$aside/" -ldflags "-s -w \
    -X k8s.io/component-base/version.gitVersion=$version \
    -X k8s.io/component-base/version.gitMajor=1 \
    -X k8s.io/component-base/version.gitMinor=36" "${missing[@]}" >&2
  mv "$aside"/* "$folder/"
fi
echo "$folder"
