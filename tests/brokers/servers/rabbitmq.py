"""RabbitMQ as Debian packages it, in a folder that is its root."""

import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path

from tests.brokers.servers.server import MissingError, Server, bring, cached
from tests.fixtures.net import free_port

_SUITE = "trixie"  # with RabbitMQ 4; MQTT 5 came with 3.13
_PACKAGES = "rabbitmq-server dash coreutils sed grep mawk hostname procps"
_CONF = """
listeners.tcp = none
mqtt.listeners.tcp.1 = 127.0.0.1:{port}
mqtt.max_session_expiry_interval_seconds = infinity
anonymous_login_user = guest
anonymous_login_pass = guest
"""
_PROGRAM = "/usr/lib/rabbitmq/bin/rabbitmq-server"
_BRING = f"""
set -e
mkdir -p lists/partial cache/archives/partial root
mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -m1 -E '/debian/?$')
key=/usr/share/keyrings/debian-archive-keyring.gpg
echo "deb [signed-by=$key] $mirror {_SUITE} main" > sources.list
: > status
apt() {{ apt-get -qq -o Dir::Etc::sourcelist=$PWD/sources.list \\
  -o Dir::Etc::sourceparts=/dev/null -o Dir::State::lists=$PWD/lists \\
  -o Dir::Cache=$PWD/cache -o Dir::State::status=$PWD/status \\
  -o APT::Sandbox::User=root "$@"; }}
apt update
apt install --no-install-recommends --download-only -y {_PACKAGES}
for each in cache/archives/*.deb; do dpkg-deb -x "$each" root; done
ls cache/archives | grep -o 'rabbitmq-server_[0-9.]*' | cut -d_ -f2 > version
rm -r cache lists
cd root
for each in bin sbin lib lib64; do ln -sfn usr/$each $each; done
ln -sf dash usr/bin/sh
mkdir -p tmp dev var/run
mknod -m 666 dev/null c 1 3
mknod -m 666 dev/urandom c 1 9
echo 'hosts: files' > etc/nsswitch.conf
echo 'root:x:0:0::/root:/bin/sh' > etc/passwd
"""


class RabbitMQ(Server):
    name = "RabbitMQ"
    verdict = "a new number, with a mark"

    @classmethod
    def prepare(cls) -> None:
        if os.geteuid() or not shutil.which("apt-get"):
            raise MissingError("RabbitMQ: it needs root and apt-get")
        folder = cls._folder()
        bring(["bash", "-c", _BRING], folder, "RabbitMQ by apt-get")
        cls.version = (folder / "version").read_text().strip()
        (folder / "root/etc/hosts").write_text(
            f"127.0.0.1 localhost {socket.gethostname()}\n"
        )

    @classmethod
    def _folder(cls) -> Path:
        return cached(f"rabbitmq-{_SUITE}")

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._ports = free_port(), free_port()
        # Below a root of its own, where what was killed may have left another.
        root = self._folder().resolve() / "root"
        own = Path(tempfile.mkdtemp(dir=root / "tmp"))
        self._inside = f"/{own.relative_to(root)}"

    def command(self) -> list[str]:
        root, here = self._folder() / "root", self._inside
        (root / here[1:] / "rabbitmq.conf").write_text(_CONF.format(port=self.port))
        (root / here[1:] / "enabled_plugins").write_text("[rabbitmq_mqtt].")
        erlang, finder = self._ports
        only_here = "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1"
        environ = {
            "PATH": "/usr/bin:/bin",
            "HOME": here,
            "LANG": "C.UTF-8",
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": finder,
            "RABBITMQ_NODENAME": f"r{self.port}@localhost",
            "RABBITMQ_CONFIG_FILE": f"{here}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{here}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{here}/data",
            "RABBITMQ_LOG_BASE": f"{here}/log",
            "RABBITMQ_DIST_PORT": erlang,
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": only_here,
        }
        given = [f"{name}={value}" for name, value in environ.items()]
        return ["chroot", str(root), "/usr/bin/env", "-i", *given, "/bin/sh", _PROGRAM]

    def stop(self, number: int = signal.SIGTERM) -> None:
        super().stop(number)
        self._end_helpers()

    def clear(self) -> None:
        shutil.rmtree(self._folder() / "root" / self._inside[1:])

    def _end_helpers(self) -> None:
        """End the port mapper and what else lives on in sessions of its own."""
        root = (self._folder() / "root").resolve()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                ours = (process / "root").readlink() == root
                told = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue
            if ours and f"HOME={self._inside}".encode() in told:
                os.kill(int(process.name), signal.SIGKILL)
