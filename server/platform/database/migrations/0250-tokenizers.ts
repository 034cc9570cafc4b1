import type { Migration } from './migration.ts';

/**
 * Tokenizers of models: each file once, who brought which, and which one counts. Written by the server alone. Transactions say which one
 * counted them; those of before were counted with o200k_base.
 */
export const tokenizers: Migration = {
  name: '0250-tokenizers',
  up: `
    CREATE TABLE marketplace_tokenizers (
      -- SHA-256 of the file, unpacked.
      hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
      -- Packed by gzip.
      packed bytea NOT NULL CHECK (octet_length(packed) <= 16777216)
    );
    CREATE TABLE marketplace_brought_tokenizers (
      tenant_id uuid NOT NULL REFERENCES tenants ON DELETE CASCADE,
      model text NOT NULL CHECK (length(model) BETWEEN 1 AND 128),
      hash bytea NOT NULL REFERENCES marketplace_tokenizers,
      brought_at timestamptz NOT NULL,
      PRIMARY KEY (tenant_id, model)
    );
    CREATE INDEX marketplace_brought_tokenizers_by_model ON marketplace_brought_tokenizers (model, hash);
    CREATE INDEX marketplace_brought_tokenizers_by_hash ON marketplace_brought_tokenizers (hash);
    CREATE TABLE marketplace_tokenizers_in_use (
      model text PRIMARY KEY CHECK (length(model) BETWEEN 1 AND 128),
      hash bytea NOT NULL REFERENCES marketplace_tokenizers,
      -- Why it counts: it was the first, most owners brought it, an operator said so.
      rule text NOT NULL CHECK (rule IN ('first', 'majority', 'operator')),
      -- The operator's account; null: the rule alone.
      decided_by uuid,
      decided_at timestamptz NOT NULL
    );
    ALTER TABLE marketplace_tokenizers ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_tokenizers FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_tokenizers_in_use ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_tokenizers_in_use FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_brought_tokenizers ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_brought_tokenizers FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_tenant ON marketplace_brought_tokenizers FOR SELECT TO yggdrasil_tenant USING (
      tenant_id = (SELECT whole_tenant_id()));
    CREATE POLICY server ON marketplace_tokenizers TO yggdrasil_money USING (true);
    CREATE POLICY server ON marketplace_tokenizers_in_use TO yggdrasil_money USING (true);
    CREATE POLICY server ON marketplace_brought_tokenizers TO yggdrasil_money USING (true);
    GRANT SELECT ON marketplace_brought_tokenizers TO yggdrasil_tenant;
    GRANT SELECT, INSERT, DELETE ON marketplace_tokenizers TO yggdrasil_money;
    GRANT SELECT, INSERT, UPDATE ON marketplace_brought_tokenizers, marketplace_tokenizers_in_use TO yggdrasil_money;

    -- SHA-256 of the tokenizer's file, in hexadecimal; null: o200k_base, which estimates.
    ALTER TABLE marketplace_transactions ADD tokenizer text CHECK (tokenizer ~ '^[0-9a-f]{64}$');
    ALTER TABLE marketplace_served ADD tokenizer text CHECK (tokenizer ~ '^[0-9a-f]{64}$');
    GRANT SELECT (tokenizer) ON marketplace_transactions, marketplace_served TO yggdrasil_tenant;
    GRANT UPDATE (tokenizer) ON marketplace_transactions TO yggdrasil_money;
  `,
  down: `
    ALTER TABLE marketplace_served DROP tokenizer;
    ALTER TABLE marketplace_transactions DROP tokenizer;
    DROP TABLE marketplace_tokenizers_in_use;
    DROP TABLE marketplace_brought_tokenizers;
    DROP TABLE marketplace_tokenizers;
  `,
};
