#!/usr/bin/env bash
# Builds Helm 3 and Helm 4, which behave differently, and kube-score once into a cache folder,
# and prints that folder: `build.sh`, or `build.sh 3` for the Helm that is built faster. Needs
# Go; takes minutes the first time. HELM_ASSETS names another folder.
set -euo pipefail
cd "$(dirname "$0")"

folder=${HELM_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/posture-helm}
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
build() { # PROGRAM PACKAGE, from the module in the folder of the program's name
  program=$folder/$1
  [ ! -x "$program" ] || return 0
  command -v go >/dev/null || {
    echo "Go is needed to build $1: install it, or name a folder with it in HELM_ASSETS" >&2
    exit 1
  }
  # Built aside, so that a broken build leaves nothing behind. Helm takes its own version,
  # which a chart's kubeVersion does not look at, from the module.
  (cd "$1" && CGO_ENABLED=0 go build -o "$program.new" -ldflags "-s -w" "$2") >&2
  mv "$program.new" "$program"
}
for version in ${*:-3 4}; do
  build "helm$version" "helm.sh/helm/v$version/cmd/helm"
done
build kube-score github.com/zegl/kube-score/cmd/kube-score
echo "$folder"
