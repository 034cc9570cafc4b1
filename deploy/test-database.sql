-- Who owns the tests' databases is no superuser: a server that somebody else runs gives no more than this.
CREATE ROLE tester LOGIN CREATEDB CREATEROLE PASSWORD 'tester';
CREATE DATABASE tester OWNER tester;
