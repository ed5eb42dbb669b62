#!/bin/sh
# Lets a camera in, and prints its settings:  docker compose exec broker add-camera desk3
# Once more for the same name: a new password. With --home-assistant in the place of a name:
# a user that reads results, and writes pauses.
set -eu
umask 077
name=${1:-}
case $name in
--home-assistant) name=homeassistant ;;
homeassistant)
    echo "add-camera: a camera cannot have the name of Home Assistant's user" >&2
    exit 2
    ;;
'' | *[!A-Za-z0-9._-]* | [._-]* | *.)
    echo "add-camera '$name': expected a name of letters, digits, . _ and -, such as desk3" >&2
    exit 2
    ;;
esac
if [ "${#name}" -gt 64 ]; then
    echo "add-camera: a name has at most 64 characters, this one ${#name}" >&2
    exit 2
fi
password=$(LC_ALL=C tr -dc 'a-hjkmnp-z2-9' </dev/urandom | head -c 24)
kept=/mosquitto/data/cameras
new=$kept.new
awk -F: -v name="$name" '$1 != name' "$kept" >"$new"
printf '%s:%s\n' "$name" "$password" >"$new.one"
mosquitto_passwd -U "$new.one"
cat "$new.one" >>"$new"
rm "$new.one"
chown mosquitto "$new"
mv "$new" "$kept"
cp "$kept" /etc/mosquitto/cameras
kill -HUP 1 # Mosquitto reads its users again
[ "$name" = homeassistant ] || echo "CAMERA_NAME=$name"
cat <<END
MQTT_HOST=${BOX_ADDRESS:-127.0.0.1}
MQTT_PORT=${CAMERA_PORT:-1884}
MQTT_USER=$name
MQTT_PASSWORD=$password
END
