#!/bin/sh
# Starts the broker of docker-compose.yml with its users and access lists.
set -eu
umask 077
printf '%s:%s\n' "$MQTT_USER" "$(cat /secrets/broker/password)" >/etc/mosquitto/passwords
mosquitto_passwd -U /etc/mosquitto/passwords
sed "s/^user posture$/user $MQTT_USER/" /posture.acl >/etc/mosquitto/posture.acl
cp /cameras.acl /etc/mosquitto/
cat >>/etc/mosquitto/cameras.acl <<'END'

# `add-camera --home-assistant` makes this user.
user homeassistant
topic readwrite homeassistant/#
topic read posture/#
topic write posture/+/pause
topic write posture/+/nudge/suspend
END
# Users that add-camera has made; they are kept with the broker's data.
touch /mosquitto/data/cameras
cp /mosquitto/data/cameras /etc/mosquitto/
chown -R mosquitto /etc/mosquitto /mosquitto/data
cd /mosquitto/data
exec mosquitto -c /mosquitto.conf
