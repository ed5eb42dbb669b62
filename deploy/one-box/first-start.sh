#!/bin/sh
# Makes the secrets of docker-compose.yml at the first start, and keeps them at later ones.
#   docker compose logs setup                     shows the page's first password
#   docker compose run --rm setup new-password    makes another one for the page
#   docker compose run --rm setup own-password    asks for one
# Then: docker compose restart page
# A password that .env has is taken as it is.
set -eu
cd /secrets

random() { # LENGTH: letters and digits that are not mistaken for each other
    LC_ALL=C tr -dc 'a-hjkmnp-z2-9' </dev/urandom | head -c "$1"
}

keep() { # FILE: what comes in, whole or not at all, also after a power cut
    cat >"$1.new"
    sync "$1.new"
    mv "$1.new" "$1"
}

secret() { # FILE GIVEN
    if [ -n "$2" ]; then
        printf '%s\n' "$2" | keep "$1"
    elif [ ! -s "$1" ]; then
        printf '%s\n' "$(random 24)" | keep "$1"
    fi
}

page_password() {
    password="$(random 4)-$(random 4)-$(random 4)-$(random 4)"
    printf '%s\n' "$password" | python3 /app/live_page.py --make-hash | keep page/hash
    echo "The page's password, shown this once: $password"
}

certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
        -subj "/CN=$BOX_NAME" -addext "subjectAltName=DNS:$BOX_NAME,DNS:$BOX_NAME.local" \
        -keyout page/key.new -out page/certificate.new 2>/dev/null
    chmod 644 page/key.new # the page is not root; nobody else sees this volume
    mv page/key.new page/key
    mv page/certificate.new page/certificate
}

case ${1:-} in
'')
    secret broker/password "$MQTT_PASSWORD"
    secret database/password "$SUPABASE_PASSWORD"
    secret reader/password ''
    secret keeper/password ''
    [ -s page/key ] && [ -s page/certificate ] || certificate
    [ -s page/hash ] || page_password
    echo "The page: $PAGE_ADDRESS"
    ;;
new-password) page_password ;;
own-password) python3 /app/live_page.py --make-hash | keep page/hash ;;
*)
    echo "$1: new-password or own-password" >&2
    exit 2
    ;;
esac
