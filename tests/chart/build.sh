#!/usr/bin/env bash
# Builds Helm 3 and Helm 4, which behave differently, once, into a cache folder, and prints
# that folder: `build.sh`, or `build.sh 3` for the one that is built faster. Needs Go; takes
# minutes the first time. HELM_ASSETS names another folder.
set -euo pipefail
cd "$(dirname "$0")"

folder=${HELM_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/posture-helm}
mkdir -p "$folder"
exec 9>"$folder/.lock"
flock 9
for version in ${*:-3 4}; do
  program=$folder/helm$version
  [ ! -x "$program" ] || continue
  command -v go >/dev/null || {
    echo "Go is needed to build Helm: install it, or name a folder with helm3 and helm4 in HELM_ASSETS" >&2
    exit 1
  }
  # Built aside, so that a broken build leaves nothing behind. Helm takes its own version,
  # which a chart's kubeVersion does not look at, from the module.
  (cd "helm$version" && CGO_ENABLED=0 go build -o "$program.new" -ldflags "-s -w" "helm.sh/helm/v$version/cmd/helm") >&2
  mv "$program.new" "$program"
done
echo "$folder"
