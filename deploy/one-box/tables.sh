#!/bin/sh
# Brings the tables of docker-compose.yml to what this version wants; changes nothing else.
set -eu
PGPASSWORD=$(cat /secrets/database/password)
export PGPASSWORD
run() { psql --quiet --no-psqlrc --set ON_ERROR_STOP=1 "$@"; }
export PGOPTIONS='--client-min-messages=warning'
for each in posture_log posture_log_reasons posture_log_page posture_page_role posture_keeper \
    posture_baseline; do
    run --file "/sql/$each.sql"
done
# In no argument, and in no log.
run <<'END'
\set reader `cat /secrets/reader/password`
\set keeper `cat /secrets/keeper/password`
ALTER ROLE posture_page PASSWORD :'reader';
ALTER ROLE posture_keeper PASSWORD :'keeper';
END
