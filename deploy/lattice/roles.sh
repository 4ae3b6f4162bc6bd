#!/bin/sh
# Makes the two roles of Lattice in a new PostgreSQL; the image runs it as a first start's script.
set -eu
psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner_password="$LATTICE_OWNER_PASSWORD" \
    --set service_password="$LATTICE_SERVICE_PASSWORD" <<'SQL'
CREATE ROLE lattice_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE lattice_service LOGIN PASSWORD :'service_password';
CREATE DATABASE lattice OWNER lattice_owner;
\connect lattice
ALTER DEFAULT PRIVILEGES FOR ROLE lattice_owner
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO lattice_service;
ALTER DEFAULT PRIVILEGES FOR ROLE lattice_owner GRANT USAGE ON SEQUENCES TO lattice_service;
SQL
