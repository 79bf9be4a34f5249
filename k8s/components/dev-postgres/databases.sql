-- Run once by the image, when the data folder is new: for each service a database, a role that owns it and changes its
-- tables, and a role that the service logs in with. What the latter may do with a table is granted by the setup.
\set ON_ERROR_STOP on

REVOKE CONNECT ON DATABASE postgres, template1 FROM PUBLIC;

-- Each column of the result is a statement, and is executed. The passwords are files of the Secret `postgres`.
SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', name, pg_read_file('/run/secrets/postgres/' || name)),
       format('CREATE ROLE %I LOGIN PASSWORD %L', owner, pg_read_file('/run/secrets/postgres/' || owner)),
       format('CREATE DATABASE %I OWNER %I', name, owner),
       format('REVOKE ALL ON DATABASE %I FROM PUBLIC', name),
       format('GRANT CONNECT ON DATABASE %I TO %I', name, name)
  FROM unnest(ARRAY['order_api', 'inventory', 'payment', 'logistics', 'email', 'sandbox', 'events']) AS name,
       format('%s_owner', name) AS owner
\gexec
