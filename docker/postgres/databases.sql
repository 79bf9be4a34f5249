-- Run once by the image of Postgres, as the superuser, on an empty volume: for each service a database, a role that owns
-- it and changes its tables, and a role that the service logs in with. What the latter may do with a table is granted
-- by the setup that makes the table.
\set ON_ERROR_STOP on
\getenv password DATABASE_PASSWORD

REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;

-- Each column of the result is a statement, and is executed.
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', name, :'password'),
       format('CREATE ROLE %I LOGIN PASSWORD %L', name || '_owner', :'password'),
       format('CREATE DATABASE %I OWNER %I', name, name || '_owner'),
       format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name),
       format('GRANT CONNECT ON DATABASE %I TO %I', name, name)
  FROM unnest(ARRAY['order_api', 'inventory', 'payment', 'logistics', 'email', 'sandbox', 'events']) AS name
\gexec
