#!/bin/bash
# Whether the worker of this container is at work: its Docker image asks every so often.
#
# It is when it has its connection to the broker: it opens that one last, once the models
# are loaded and the folders can be written, and a worker that is stuck loses it within a
# keepalive. A database that is away is no fault of the worker, which waits for it.
#
# The kernel's list of connections tells, so the worker needs no port to ask at; and no
# Python, which takes fifty times as long. Exit codes: 0 connected, 1 not.
port=${MQTT_PORT:-1883}
# The other end's port, and 01: established (tcp_states.h of the kernel).
printf -v connected ':%04X 01 ' "$((10#$port))"
grep -qs "$connected" /proc/net/tcp /proc/net/tcp6 && exit
echo "no connection to the broker at $MQTT_HOST:$port" >&2
exit 1
