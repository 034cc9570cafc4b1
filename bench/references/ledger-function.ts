/** Accounts, transfers and a function that makes a hold and its post: what a server-side ledger has at least. */
export const LEDGER_FUNCTION_SCHEMA = `
  CREATE SCHEMA bench;
  CREATE TABLE bench.accounts (id integer PRIMARY KEY, available bigint NOT NULL CHECK (available >= 0),
    held bigint NOT NULL CHECK (held >= 0));
  CREATE TABLE bench.transfers (id bigserial PRIMARY KEY, kind text NOT NULL, account_id integer NOT NULL,
    payee_id integer, amount bigint NOT NULL, made_at timestamptz NOT NULL DEFAULT now());
  CREATE FUNCTION bench.hold_and_post(payer integer, payee integer, amount bigint) RETURNS void
  LANGUAGE plpgsql AS $$
  BEGIN
    UPDATE bench.accounts SET available = available - amount, held = held + amount WHERE id = payer;
    INSERT INTO bench.transfers (kind, account_id, amount) VALUES ('hold', payer, amount);
    UPDATE bench.accounts SET held = held - amount WHERE id = payer;
    UPDATE bench.accounts SET available = available + amount WHERE id = payee;
    INSERT INTO bench.transfers (kind, account_id, payee_id, amount) VALUES ('post', payer, payee, amount);
  END $$;`;
