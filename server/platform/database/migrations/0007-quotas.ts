import type { Migration } from './migration.ts';

/**
 * What each stream, each tenant and each account's keyed requests keep, counted where it changes, so that nobody has to add
 * it up; and what is gone from a stream. A stored frame counts its content and 256 bytes. Frames are written behind their
 * stream's row, which is locked, so that nobody has to look for it once more for each of them; a trigger removes them with it.
 * Within a stream they are in the order of their time, so that the age needs no index.
 */
export const quotas: Migration = {
  name: '0007-quotas',
  up: `
    ALTER TABLE relay_streams
      ADD stored_bytes bigint NOT NULL DEFAULT 0,
      -- Up to here frames were removed before everybody had read them,
      ADD expired_offset bigint NOT NULL DEFAULT 0,
      -- and up to here some that all whom they were for had acknowledged.
      ADD trimmed_offset bigint NOT NULL DEFAULT 0;
    CREATE TABLE relay_tenants (
      tenant_id uuid PRIMARY KEY,
      stored_bytes bigint NOT NULL
    );
    CREATE TABLE marketplace_key_counts (
      tenant_id uuid NOT NULL,
      account_id uuid NOT NULL,
      keys bigint NOT NULL,
      kept_bytes bigint NOT NULL,
      PRIMARY KEY (tenant_id, account_id)
    );

    -- The owner, who brings the tables up to date, is subject to their policies too.
    ALTER TABLE relay_streams NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE relay_frames NO FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_keyed_requests NO FORCE ROW LEVEL SECURITY;
    UPDATE relay_streams SET
      stored_bytes = (SELECT coalesce(sum(octet_length(content) + 256), 0) FROM relay_frames
        WHERE relay_frames.network_id = relay_streams.network_id),
      expired_offset = coalesce((SELECT min(stream_offset) - 1 FROM relay_frames
        WHERE relay_frames.network_id = relay_streams.network_id), head);
    INSERT INTO relay_tenants (tenant_id, stored_bytes)
      SELECT tenant_id, sum(stored_bytes) FROM relay_streams GROUP BY tenant_id;
    INSERT INTO marketplace_key_counts (tenant_id, account_id, keys, kept_bytes)
      SELECT tenant_id, account_id, count(*), coalesce(sum(octet_length(answer)), 0)
      FROM marketplace_keyed_requests GROUP BY tenant_id, account_id;
    ALTER TABLE relay_streams FORCE ROW LEVEL SECURITY;
    ALTER TABLE relay_frames FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_keyed_requests FORCE ROW LEVEL SECURITY;

    ALTER TABLE relay_frames DROP CONSTRAINT relay_frames_network_id_fkey;
    DROP INDEX relay_frames_by_age;

    -- Whoever changes a stream, also by removing its network, runs this: so it works as the owner.
    CREATE FUNCTION follow_stream() RETURNS trigger
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        IF TG_OP = 'DELETE' THEN
          DELETE FROM relay_frames WHERE network_id = OLD.network_id;
          UPDATE relay_tenants SET stored_bytes = stored_bytes - OLD.stored_bytes WHERE tenant_id = OLD.tenant_id;
        ELSE
          INSERT INTO relay_tenants AS counted (tenant_id, stored_bytes)
            VALUES (NEW.tenant_id, NEW.stored_bytes - coalesce(OLD.stored_bytes, 0))
            ON CONFLICT (tenant_id) DO UPDATE SET stored_bytes = counted.stored_bytes + excluded.stored_bytes;
        END IF;
        RETURN NULL;
      END
      $$;
    REVOKE EXECUTE ON FUNCTION follow_stream() FROM PUBLIC;
    CREATE TRIGGER follow_stream AFTER INSERT OR UPDATE OF stored_bytes OR DELETE ON relay_streams
      FOR EACH ROW EXECUTE FUNCTION follow_stream();

    CREATE FUNCTION count_keys() RETURNS trigger
      LANGUAGE plpgsql SET search_path = yggdrasil, pg_temp
      AS $$
      BEGIN
        IF TG_OP <> 'INSERT' THEN
          UPDATE marketplace_key_counts counted
            SET keys = keys - (TG_OP = 'DELETE')::int, kept_bytes = kept_bytes - coalesce(octet_length(OLD.answer), 0)
            WHERE counted.tenant_id = OLD.tenant_id AND counted.account_id = OLD.account_id;
        END IF;
        IF TG_OP <> 'DELETE' THEN
          INSERT INTO marketplace_key_counts AS counted (tenant_id, account_id, keys, kept_bytes)
            VALUES (NEW.tenant_id, NEW.account_id, (TG_OP = 'INSERT')::int, coalesce(octet_length(NEW.answer), 0))
            ON CONFLICT (tenant_id, account_id) DO UPDATE
              SET keys = counted.keys + excluded.keys, kept_bytes = counted.kept_bytes + excluded.kept_bytes;
        END IF;
        RETURN NULL;
      END
      $$;
    REVOKE EXECUTE ON FUNCTION count_keys() FROM PUBLIC;
    CREATE TRIGGER count_keys AFTER INSERT OR UPDATE OF answer OR DELETE ON marketplace_keyed_requests
      FOR EACH ROW EXECUTE FUNCTION count_keys();

    ALTER TABLE relay_tenants ENABLE ROW LEVEL SECURITY;
    ALTER TABLE relay_tenants FORCE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_key_counts ENABLE ROW LEVEL SECURITY;
    ALTER TABLE marketplace_key_counts FORCE ROW LEVEL SECURITY;
    CREATE POLICY owner ON relay_tenants TO CURRENT_USER USING (true);
    CREATE POLICY owner ON relay_frames FOR SELECT TO CURRENT_USER USING (true);
    CREATE POLICY removed ON relay_frames FOR DELETE TO CURRENT_USER USING (true);
    CREATE POLICY server ON relay_tenants TO yggdrasil_relay USING (true);
    CREATE POLICY server ON marketplace_key_counts TO yggdrasil_money USING (true);
    GRANT SELECT ON relay_tenants TO yggdrasil_relay;
    GRANT SELECT, INSERT, UPDATE ON marketplace_key_counts TO yggdrasil_money;
  `,
  down: `
    DROP TRIGGER count_keys ON marketplace_keyed_requests;
    DROP FUNCTION count_keys();
    DROP TRIGGER follow_stream ON relay_streams;
    DROP FUNCTION follow_stream();
    DROP POLICY removed ON relay_frames;
    DROP POLICY owner ON relay_frames;
    CREATE INDEX relay_frames_by_age ON relay_frames (stored_at);
    ALTER TABLE relay_frames ADD FOREIGN KEY (network_id) REFERENCES relay_streams ON DELETE CASCADE;
    DROP TABLE marketplace_key_counts;
    DROP TABLE relay_tenants;
    ALTER TABLE relay_streams DROP stored_bytes, DROP expired_offset, DROP trimmed_offset;
  `,
};
