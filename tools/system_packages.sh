#!/usr/bin/env bash
# Debian/Ubuntu packages that pip cannot bring. `run`: what the worker needs; `test`:
# what the tests need on top; `engine`: what makes their Docker engine. Installs what is missing when root or a
# password-less sudo allows it, otherwise asks for it in one line.
set -euo pipefail

has_library() { ldconfig -p 2>/dev/null | grep -q "^[[:space:]]*$1 "; }
has_command() { PATH="$PATH:/usr/sbin" command -v "$1" >/dev/null; }

missing=()
want_library() { has_library "$1" || missing+=("$2"); }
want_command() { has_command "$1" || missing+=("$2"); }

PATH="$PATH:/usr/sbin:/sbin"
case "${1:?run, test or engine}" in
run)
    want_library libEGL.so.1 libegl1
    want_library libGLESv2.so.2 libgles2
    want_library libGL.so.1 libgl1
    want_library libxcb.so.1 libxcb1
    want_library libgthread-2.0.so.0 libglib2.0-0
    python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
    ;;
test)
    want_command mosquitto mosquitto
    want_command pgbouncer pgbouncer
    want_command prometheus prometheus
    want_command etcd etcd-server
    want_command openssl openssl
    want_command npm npm # brings the networks of lite and heavy, and axe-core
    browser=chromium-headless-shell
    grep -q '^ID=ubuntu' /etc/os-release && browser=chromium # it has no other
    want_command "$browser" "$browser"
    want_command ip iproute2
    want_command mmdebstrap mmdebstrap # a bare Debian, to walk the guide in
    # An RTSP server for the tests of camera.py.
    want_library libgstrtspserver-1.0.so.0 gir1.2-gst-rtsp-server-1.0
    /usr/bin/python3 -c 'import gi' 2>/dev/null || missing+=(python3-gi)
    [ -e "/usr/lib/$(uname -m)-linux-gnu/gstreamer-1.0/libgstrtp.so" ] || missing+=(gstreamer1.0-plugins-good)
    ;;
engine)
    want_command mmdebstrap mmdebstrap
    want_command unshare util-linux
    ;;
esac
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=(env)
elif has_command sudo && sudo -n true 2>/dev/null; then
    as_root=(sudo)
fi
if [ -n "${as_root+x}" ] && has_command apt-get; then
    echo "Installing system packages: ${missing[*]}"
    "${as_root[@]}" apt-get update -qq
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
else
    echo "Missing system packages; as root: apt-get install --no-install-recommends ${missing[*]}" >&2
    exit 1
fi
