#!/usr/bin/env bash
# On the master (Debian 12 or later, Ubuntu 22.04 or later): what the workers need around
# them, from the distribution's packages: broker, database, Prometheus, Docker, and the
# scripts' virtual environment.
#
#   sudo deploy/setup-master.sh          (docs/cluster.md; k3s has to be there)
#
# Doing it again does no harm. What is there stays: .env with its passwords, a
# prometheus.yml of yours, other users of broker and database.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup: $*"; }
fail() { echo "setup: $*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || fail "it installs packages: run it with sudo"
owner=${SUDO_USER:-root}
as_owner() { runuser -u "$owner" -- "$@"; }
cluster=${K3S_KUBECONFIG:-/etc/rancher/k3s/k3s.yaml}
[ -f "$cluster" ] || fail "no $cluster: install k3s first (docs/cluster.md)"

packages() {
    say "packages"
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends python3-venv make curl openssl ssl-cert \
        mosquitto mosquitto-clients postgresql postgresql-client prometheus >/dev/null
    python3 -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' ||
        apt-get install -y -qq --no-install-recommends python3.11 python3.11-venv >/dev/null
    tools/system_packages.sh run
    command -v kubectl >/dev/null || fail "no kubectl: k3s brings it"
    if ! command -v docker >/dev/null; then
        say "Docker, by its own script"
        curl -fsSL https://get.docker.com | sh
    fi
    if getent group docker >/dev/null; then usermod -aG docker "$owner"; fi
}

# The user's own kubeconfig, and .env with the passwords that this machine makes up.
settings() {
    local home address
    home=$(getent passwd "$owner" | cut -d: -f6)
    if [ ! -e "$home/.kube/config" ]; then
        install -d -o "$owner" "$home/.kube"
        install -m 600 -o "$owner" "$cluster" "$home/.kube/config"
    fi
    if [ ! -e .env ]; then
        address=${MASTER_ADDRESS:-$(hostname -I | cut -d' ' -f1)}
        say ".env, with new passwords, for this machine at $address"
        (
            umask 077
            sed -e "s/192\.168\.1\.79/$address/" .env.cluster.example | while read -r line; do
                case $line in *_PASSWORD=) line+=$(openssl rand -hex 16) ;; esac
                echo "$line"
            done >.env
        )
        chown "$owner" .env
    fi
    set -a
    # shellcheck source=/dev/null
    . ./.env
    set +a
}

broker() {
    say "broker on port 1883"
    install -m 644 deploy/mosquitto.conf /etc/mosquitto/conf.d/posture.conf
    local passwords=/etc/mosquitto/passwords new
    if ! grep -qs "^$MQTT_USER:" "$passwords"; then
        new=$(mktemp)
        printf '%s:%s\n' "$MQTT_USER" "$MQTT_PASSWORD" >"$new"
        mosquitto_passwd -U "$new"
        cat "$new" >>"$passwords"
        rm "$new"
    fi
    # Cameras have a file of their own, which is empty until there is one.
    touch /etc/mosquitto/cameras
    chown mosquitto: "$passwords" /etc/mosquitto/cameras
    chmod 600 "$passwords" /etc/mosquitto/cameras
    install -m 600 -o mosquitto deploy/posture.acl deploy/cameras.acl /etc/mosquitto/
    service mosquitto restart
    answers 1883 || fail "the broker does not run: journalctl -u mosquitto"
}

# A daemon that ends at once has been started all the same.
answers() {
    for _ in $(seq 100); do
        (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        sleep 0.2
    done
    return 1
}

database() {
    say "database on port 5432"
    local folder
    folder=$(echo /etc/postgresql/*/main | awk '{print $NF}')
    # Nodes are neighbours; pods of k3s come from 10.42.0.0/16. TLS or nothing.
    if ! grep -q "posture-analyzer" "$folder/pg_hba.conf"; then
        printf 'hostssl %s %s %s scram-sha-256  # posture-analyzer\n' \
            "$SUPABASE_DB" "$SUPABASE_USER" samenet "$SUPABASE_DB" "$SUPABASE_USER" 10.42.0.0/16 \
            >>"$folder/pg_hba.conf"
    fi
    echo "listen_addresses = '*'" >"$folder/conf.d/posture-analyzer.conf"
    service postgresql restart
    in_postgres() { runuser -u postgres -- psql -qv ON_ERROR_STOP=1 -d "$1"; }
    until echo 'SELECT' | in_postgres postgres >/dev/null 2>&1; do sleep 0.5; done
    # Quoted by psql itself, and never in an argument list.
    in_postgres postgres <<SQL
\\set user '$SUPABASE_USER'
\\set password '$SUPABASE_PASSWORD'
\\set db '$SUPABASE_DB'
SELECT format('CREATE ROLE %I LOGIN', :'user')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'user') \\gexec
ALTER ROLE :"user" PASSWORD :'password';
SELECT format('CREATE DATABASE %I', :'db')
 WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = :'db') \\gexec
SQL
    in_postgres "$SUPABASE_DB" <deploy/posture_log.sql
    in_postgres "$SUPABASE_DB" <deploy/posture_log_page.sql
    in_postgres "$SUPABASE_DB" <<SQL
\\set user '$SUPABASE_USER'
GRANT SELECT, INSERT ON posture_log TO :"user";
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO :"user";
SQL
}

prometheus() {
    local file=/etc/prometheus/prometheus.yml nodes=/etc/prometheus/posture-nodes.yml
    local at='{range .items[*]}{.metadata.name} '
    at+='{.status.addresses[?(@.type=="InternalIP")].address}{"\n"}{end}'
    kubectl --kubeconfig "$cluster" get nodes -l gpu-node -o "jsonpath=$at" |
        while read -r name address; do
            printf -- '- targets: ["%s:9108"]\n  labels: {node: %s}\n' "$address" "$name"
        done >"$nodes.new"
    [ -s "$nodes.new" ] || fail "no node carries the label gpu-node: see docs/cluster.md"
    mv "$nodes.new" "$nodes"
    say "Prometheus on port 9090, which asks the agents of $(grep -c targets "$nodes") nodes"
    if grep -q posture-node-agent "$file"; then
        return # reads the list of nodes by itself
    elif [[ $(dpkg -V prometheus || true) == *"$file"* ]]; then
        say "$file is yours and stays: add the jobs of deploy/monitoring/prometheus-master.yml"
        return
    fi
    install -m 644 deploy/monitoring/alerts.yml /etc/prometheus/alerts.yml
    install -m 644 deploy/monitoring/prometheus-master.yml "$file"
    promtool check config "$file" >/dev/null || fail "Prometheus refuses $file"
    service prometheus restart
    answers 9090 || fail "Prometheus does not run: journalctl -u prometheus"
}

environment() {
    say "the scripts' virtual environment"
    as_owner make install
}

packages
settings
broker
database
prometheus
environment
say "done; log in again if docker was new here, then: set -a; . ./.env; set +a"
