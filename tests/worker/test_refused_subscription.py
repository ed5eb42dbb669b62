"""A subscription that is refused is asked for again, on the connection that stays."""

import json

import pytest

from common.broker_settings import BrokerSettings
from common.publisher import Publisher
from tests.fixtures.mosquitto import ADMIN, dynamic_security, running_mosquitto
from tests.fixtures.settings import settings_from
from tests.fixtures.worker import ForkedWorker
from tests.worker.conftest import GOOD, payload

CONTROL = "$CONTROL/dynamic-security/v1"


def allow_to_subscribe(broker):
    acls = [{"acltype": "subscribe", "allow": True}]
    command = {"command": "setDefaultACLAccess", "acls": acls}
    user, password = ADMIN
    environ = broker.environ | {"MQTT_USER": user, "MQTT_PASSWORD": password}
    with Publisher(settings_from(BrokerSettings, environ)) as admin:
        admin.send(CONTROL, json.dumps({"commands": [command]}).encode())
        admin.finish()


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_worker_that_may_subscribe_later_begins_then(
    tmp_path, postgres, wait_for_rows, version
):
    extra = dynamic_security(tmp_path, "subscribe")
    with running_mosquitto(tmp_path / "broker", extra) as broker:
        environ = broker.environ | postgres.environ
        environ |= {"MQTT_VERSION": version, "THREADS": "1", "EXIT_WHEN_IDLE": "15"}
        worker = ForkedWorker(tmp_path / "worker", environ)
        try:
            worker.wait_for("refuses the subscription to images/#")
            allow_to_subscribe(broker)
            worker.wait_ready()
            broker.publish("images/pi1", payload(GOOD))
            wait_for_rows(postgres, 1)
            assert worker.stop() == 0
        finally:
            worker.end()
        assert broker.log.count(" as posture-analyzer ") == 1
