"""The Dockerfile of scaler and watcher: what can be seen without an engine."""

import json

from tests.docker.test_files import ROOT
from tests.fixtures.pins import pins_of, plain
from tests.fixtures.scripts import in_a_fresh_process

PLACEMENT = ROOT / "deploy" / "placement.Dockerfile"
# The packages that the modules of both bring in, sooner or later.
IMPORTED = """
import importlib, json, sys
before = set(sys.modules)
from importlib.metadata import packages_distributions
import cpu_monitor_and_offload, gpu_affinity_watcher
import common.status_port, kube.live, placement.loads.source, placement.loop
import scaler.cpu_monitor, scaler.scaler, scaler.server, scaler.servicer
from kube.import_stubs import RARELY_USED
for each in RARELY_USED:
    importlib.import_module(each)
known = packages_distributions()
new = set(sys.modules) - before
print(json.dumps([sorted(new), {each: known.get(each, ()) for each in new}]))
"""


def test_everything_that_both_import_is_in_it_and_nothing_more():
    modules, known = json.loads(in_a_fresh_process(IMPORTED))
    needed = {plain(name) for names in known.values() for name in names}
    # It generates code for whoever changes the contract, and shares a name with others.
    needed.discard("grpcio-tools")
    installed = pins_of(ROOT / "deploy" / "requirements-placement.txt").keys()
    assert needed <= installed
    # prometheus-api-client reads dates by these, once it is asked for one.
    late = {"dateparser", "prometheus-api-client", "pytz", "regex", "tzlocal"}
    assert installed - needed <= late
    assert not [each for each in modules if each.startswith("kubernetes.aio")]
