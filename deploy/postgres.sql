-- Runs once, when the data folder is empty. The application has a role of its own: the role the image
-- creates is a superuser, which may read files and run programs on the database server.
\set password `cat /run/secrets/database_password`
CREATE ROLE salescope LOGIN PASSWORD :'password';
CREATE DATABASE salescope OWNER salescope;
REVOKE ALL ON DATABASE salescope FROM PUBLIC;
