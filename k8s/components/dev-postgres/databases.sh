#!/bin/sh
# Runs once, when the data folder is new. Of each database: a role that owns it, and one that the service logs in with.
set -eu

password() { cat "/run/secrets/postgres/$1"; }

for database in order_api inventory payment logistics email sandbox events; do
  psql --username postgres -v ON_ERROR_STOP=1 -v name="$database" -v owner="${database}_owner" \
    -v password="$(password "$database")" -v owner_password="$(password "${database}_owner")" <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE ROLE :"owner" LOGIN PASSWORD :'owner_password';
CREATE DATABASE :"name" OWNER :"owner";
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"name" TO :"name";
SQL
done
psql --username postgres -v ON_ERROR_STOP=1 -c 'REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC'
