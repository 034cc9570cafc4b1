import type { ServiceActor } from '../../kernel/actor.ts';
import type { Database, Sql } from '../../kernel/database.ts';
import type { StoredTree, TreeChanges, TreeStore } from './ports.ts';
import type { Packet, Qos, Subscription, TreeOwner, Will } from './types.ts';

interface PacketRow {
  topic: string;
  payload: Buffer;
  qos: number;
  retain: boolean;
  properties: string | null;
  expires_at: Date | null;
}

const actorOf = ({ tenantId }: TreeOwner): ServiceActor => ({ kind: 'service', tenantId, service: 'topics' });

/** Trees in PostgreSQL, each in transactions of the tenant that owns its network. */
export function createTreeStore(database: Database): TreeStore {
  return {
    load: (owner) => database.read(actorOf(owner), (sql) => load(sql, owner)),
    save: (owner, changes) =>
      database.tenant(actorOf(owner), async (sql, lastly) => {
        await lastly(() =>
          Promise.all([
            ...saveSessions(sql, owner, changes),
            ...saveRetained(sql, owner, changes),
            ...saveWills(sql, owner, changes),
            ...saveSubscriptions(sql, owner, changes),
            ...saveQueued(sql, owner, changes),
            ...saveHandshakes(sql, owner, changes),
          ]),
        );
      }),
  };
}

async function load(sql: Sql, { networkId, tenantId }: TreeOwner): Promise<StoredTree> {
  const [retained, sessions, wills, subscriptions, queued, handshakes] = await Promise.all([
    sql<PacketRow[]>`
      SELECT topic, payload, qos, true AS retain, properties::text, expires_at FROM mqtt_retained
      WHERE network_id = ${networkId} AND tenant_id = ${tenantId}`,
    sql<{ client_id: string; began_at: Date; expiry_seconds: bigint | null; left_at: Date | null }[]>`
      SELECT client_id, began_at, expiry_seconds, left_at FROM mqtt_sessions
      WHERE network_id = ${networkId} AND tenant_id = ${tenantId}`,
    sql<(PacketRow & { client_id: string; broker_id: string })[]>`
      SELECT client_id, broker_id, topic, payload, qos, retain, properties::text, expires_at FROM mqtt_wills
      WHERE network_id = ${networkId} AND tenant_id = ${tenantId}`,
    sql<{ client_id: string; filter: string; qos: number; options: string }[]>`
      SELECT client_id, filter, qos, options::text FROM mqtt_subscriptions
      WHERE network_id = ${networkId} AND tenant_id = ${tenantId}`,
    sql<
      (PacketRow & {
        client_id: string;
        position: bigint;
        message_id: number | null;
        is_released: boolean;
        publisher: string | null;
      })[]
    >`
      SELECT client_id, position, topic, payload, qos, retain, properties::text, expires_at, message_id, is_released, publisher
      FROM mqtt_queued WHERE network_id = ${networkId} AND tenant_id = ${tenantId} ORDER BY position`,
    sql<{ client_id: string; message_id: number }[]>`
      SELECT client_id, message_id FROM mqtt_handshakes
      WHERE network_id = ${networkId} AND tenant_id = ${tenantId}`,
  ]);
  return {
    retained: retained.map(toPacket),
    sessions: sessions.map((row) => ({
      clientId: row.client_id,
      session: {
        beganAtMs: row.began_at.getTime(),
        expirySeconds: row.expiry_seconds === null ? null : Number(row.expiry_seconds),
        leftAtMs: row.left_at?.getTime() ?? null,
      },
    })),
    wills: wills.map((row) => ({
      clientId: row.client_id,
      will: { ...toPacket(row), clientId: row.client_id, brokerId: row.broker_id } as Will,
    })),
    subscriptions: subscriptions.map((row) => ({
      clientId: row.client_id,
      subscription: { topic: row.filter, qos: row.qos as Qos, ...JSON.parse(row.options) } as Subscription,
    })),
    queued: queued.map((row) => ({
      clientId: row.client_id,
      position: Number(row.position),
      packet: row.is_released
        ? ({ cmd: 'pubrel', messageId: row.message_id ?? 0 } as Packet)
        : {
            ...toPacket(row),
            ...(row.publisher === null ? {} : { clientId: row.publisher }),
            ...(row.message_id === null ? {} : { messageId: row.message_id }),
          },
    })),
    handshakes: handshakes.map((row) => ({ clientId: row.client_id, messageId: row.message_id })),
  };
}

function toPacket(row: PacketRow): Packet {
  return {
    cmd: 'publish',
    topic: row.topic,
    payload: row.payload,
    qos: row.qos as Qos,
    retain: row.retain,
    dup: false,
    ...(row.properties === null ? {} : { properties: propertiesOf(row.properties) }),
    ...(row.expires_at === null ? {} : { messageExpiry: row.expires_at.getTime() }),
  };
}

/** Arrays of columns: a statement has 65,534 parameters at most. */
function columnsOf(packets: readonly Packet[]) {
  return {
    topics: packets.map(({ topic }) => topic ?? ''),
    // As base64, because the client can't send arrays of bytes.
    payloads: packets.map(({ payload }) => Buffer.from(payload ?? '').toString('base64')),
    qos: packets.map(({ qos }) => qos ?? 0),
    retain: packets.map(({ retain }) => (retain === true ? 1 : 0)),
    properties: packets.map(({ properties }) =>
      properties === undefined ? null : JSON.stringify(properties, bytesAsText),
    ),
    expiresAt: packets.map(({ messageExpiry }) =>
      messageExpiry === undefined ? null : new Date(messageExpiry).toISOString(),
    ),
  };
}

const BYTES = 'base64:';

/** Bytes among properties (correlation data) as text. `Buffer` has become an object by the time JSON asks. */
function bytesAsText(_key: string, value: unknown): unknown {
  const isBytes = typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer';
  return isBytes ? BYTES + Buffer.from(value as unknown as Buffer).toString('base64') : value;
}

function propertiesOf(text: string): Record<string, unknown> {
  const properties = JSON.parse(text) as Record<string, unknown>;
  const { correlationData } = properties;
  if (typeof correlationData !== 'string') return properties;
  return { ...properties, correlationData: Buffer.from(correlationData.slice(BYTES.length), 'base64') };
}

/** Of these statements those that have rows to keep or to remove. They begin, in their order, when they are awaited. */
const needed = <Statement>(
  ...statements: readonly (readonly [rows: readonly unknown[], statement: Statement])[]
) => statements.flatMap(([rows, statement]) => (rows.length > 0 ? [statement] : []));

function saveSessions(sql: Sql, { networkId, tenantId }: TreeOwner, { sessions }: TreeChanges) {
  const gone = sessions.filter(({ session }) => session === undefined).map(({ clientId }) => clientId);
  const kept = sessions.flatMap(({ clientId, session }) =>
    session === undefined ? [] : [{ clientId, ...session }],
  );
  // What belongs to the session goes with it.
  const removed = sql`
    DELETE FROM mqtt_sessions WHERE network_id = ${networkId} AND tenant_id = ${tenantId}
      AND client_id = ANY (${gone}::text[])`;
  const isoOf = (atMs: number | null) => (atMs === null ? null : new Date(atMs).toISOString());
  const added = sql`
    INSERT INTO mqtt_sessions (network_id, tenant_id, client_id, began_at, expiry_seconds, left_at)
    SELECT ${networkId}, ${tenantId}, client_id, began_at, expiry_seconds, left_at
    FROM unnest(${kept.map(({ clientId }) => clientId)}::text[],
      ${kept.map(({ beganAtMs }) => isoOf(beganAtMs))}::timestamptz[],
      ${kept.map(({ expirySeconds }) => expirySeconds)}::bigint[],
      ${kept.map(({ leftAtMs }) => isoOf(leftAtMs))}::timestamptz[])
      AS kept (client_id, began_at, expiry_seconds, left_at)
    ON CONFLICT (network_id, client_id) DO UPDATE SET began_at = excluded.began_at,
      expiry_seconds = excluded.expiry_seconds, left_at = excluded.left_at`;
  return needed([gone, removed], [kept, added]);
}

function saveRetained(sql: Sql, { networkId, tenantId }: TreeOwner, { retained }: TreeChanges) {
  const gone = retained.filter(({ packet }) => packet === undefined).map(({ topic }) => topic);
  const kept = retained.flatMap(({ packet }) => packet ?? []);
  const removed = sql`
    DELETE FROM mqtt_retained WHERE network_id = ${networkId} AND tenant_id = ${tenantId}
      AND topic = ANY (${gone}::text[])`;
  const columns = columnsOf(kept);
  const added = sql`
    INSERT INTO mqtt_retained (network_id, tenant_id, topic, payload, qos, properties, expires_at)
    SELECT ${networkId}, ${tenantId}, topic, decode(payload, 'base64'), qos, properties::jsonb, expires_at
    FROM unnest(${columns.topics}::text[], ${columns.payloads}::text[], ${columns.qos}::smallint[],
      ${columns.properties}::text[], ${columns.expiresAt}::timestamptz[])
      AS kept (topic, payload, qos, properties, expires_at)
    ON CONFLICT (network_id, topic) DO UPDATE SET payload = excluded.payload, qos = excluded.qos,
      properties = excluded.properties, expires_at = excluded.expires_at`;
  return needed([gone, removed], [kept, added]);
}

function saveWills(sql: Sql, { networkId, tenantId }: TreeOwner, { wills }: TreeChanges) {
  const gone = wills.filter(({ will }) => will === undefined).map(({ clientId }) => clientId);
  const kept = wills.flatMap(({ clientId, will }) => (will === undefined ? [] : [{ clientId, will }]));
  const removed = sql`
    DELETE FROM mqtt_wills WHERE network_id = ${networkId} AND tenant_id = ${tenantId}
      AND client_id = ANY (${gone}::text[])`;
  const columns = columnsOf(kept.map(({ will }) => will));
  const added = sql`
    INSERT INTO mqtt_wills
      (network_id, tenant_id, client_id, broker_id, topic, payload, qos, retain, properties, expires_at)
    SELECT ${networkId}, ${tenantId}, client_id, broker_id, topic, decode(payload, 'base64'), qos, retain = 1, properties::jsonb, expires_at
    FROM unnest(${kept.map(({ clientId }) => clientId)}::text[], ${kept.map(({ will }) => will.brokerId ?? '')}::text[],
      ${columns.topics}::text[], ${columns.payloads}::text[], ${columns.qos}::smallint[], ${columns.retain}::smallint[],
      ${columns.properties}::text[], ${columns.expiresAt}::timestamptz[])
      AS kept (client_id, broker_id, topic, payload, qos, retain, properties, expires_at)
    ON CONFLICT (network_id, client_id) DO UPDATE SET broker_id = excluded.broker_id, topic = excluded.topic,
      payload = excluded.payload, qos = excluded.qos, retain = excluded.retain, properties = excluded.properties,
      expires_at = excluded.expires_at`;
  return needed([gone, removed], [kept, added]);
}

function saveSubscriptions(sql: Sql, { networkId, tenantId }: TreeOwner, { subscriptions }: TreeChanges) {
  const gone = subscriptions.filter(({ subscription }) => subscription === undefined);
  const kept = subscriptions.flatMap(({ clientId, subscription }) =>
    subscription === undefined ? [] : [{ clientId, ...subscription }],
  );
  const removed = sql`
    DELETE FROM mqtt_subscriptions USING unnest(
      ${gone.map(({ clientId }) => clientId)}::text[], ${gone.map(({ filter }) => filter)}::text[])
      AS gone (client_id, filter)
    WHERE network_id = ${networkId} AND tenant_id = ${tenantId}
      AND mqtt_subscriptions.client_id = gone.client_id AND mqtt_subscriptions.filter = gone.filter`;
  const options = kept.map(({ rh, rap, nl, subscriptionIdentifier }) =>
    JSON.stringify({ rh, rap, nl, subscriptionIdentifier }),
  );
  const added = sql`
    INSERT INTO mqtt_subscriptions (network_id, tenant_id, client_id, filter, qos, options)
    SELECT ${networkId}, ${tenantId}, client_id, filter, qos, options::jsonb
    FROM unnest(${kept.map(({ clientId }) => clientId)}::text[], ${kept.map(({ topic }) => topic)}::text[],
      ${kept.map(({ qos }) => qos)}::smallint[], ${options}::text[]) AS kept (client_id, filter, qos, options)
    ON CONFLICT (network_id, client_id, filter) DO UPDATE SET qos = excluded.qos, options = excluded.options`;
  return needed([gone, removed], [kept, added]);
}

function saveQueued(sql: Sql, { networkId, tenantId }: TreeOwner, { queued }: TreeChanges) {
  const gone = queued.filter(({ message }) => message === undefined);
  const kept = queued.flatMap(({ clientId, position, message }) =>
    message === undefined ? [] : [{ clientId, position, packet: message.packet }],
  );
  const removed = sql`
    DELETE FROM mqtt_queued USING unnest(
      ${gone.map(({ clientId }) => clientId)}::text[], ${gone.map(({ position }) => position)}::bigint[])
      AS gone (client_id, position)
    WHERE network_id = ${networkId} AND tenant_id = ${tenantId}
      AND mqtt_queued.client_id = gone.client_id AND mqtt_queued.position = gone.position`;
  const packets = kept.map(({ packet }) => packet);
  const columns = columnsOf(packets);
  const added = sql`
    INSERT INTO mqtt_queued (network_id, tenant_id, client_id, position, topic, payload, qos, retain, properties,
      expires_at, message_id, is_released, publisher)
    SELECT ${networkId}, ${tenantId}, client_id, position, topic, decode(payload, 'base64'), qos, retain = 1, properties::jsonb, expires_at,
      message_id, is_released = 1, publisher
    FROM unnest(${kept.map(({ clientId }) => clientId)}::text[], ${kept.map(({ position }) => position)}::bigint[],
      ${columns.topics}::text[], ${columns.payloads}::text[], ${columns.qos}::smallint[], ${columns.retain}::smallint[],
      ${columns.properties}::text[], ${columns.expiresAt}::timestamptz[],
      ${packets.map(({ messageId }) => messageId ?? null)}::integer[],
      ${packets.map(({ cmd }) => (cmd === 'pubrel' ? 1 : 0))}::smallint[],
      ${packets.map(({ clientId }) => clientId ?? null)}::text[])
      AS kept (client_id, position, topic, payload, qos, retain, properties, expires_at, message_id, is_released, publisher)
    ON CONFLICT (network_id, client_id, position) DO UPDATE SET topic = excluded.topic, payload = excluded.payload,
      message_id = excluded.message_id, is_released = excluded.is_released`;
  return needed([gone, removed], [kept, added]);
}

function saveHandshakes(sql: Sql, { networkId, tenantId }: TreeOwner, { handshakes }: TreeChanges) {
  const [open, closed] = [
    handshakes.filter(({ isOpen }) => isOpen),
    handshakes.filter(({ isOpen }) => !isOpen),
  ];
  const removed = sql`
    DELETE FROM mqtt_handshakes USING unnest(
      ${closed.map(({ clientId }) => clientId)}::text[], ${closed.map(({ messageId }) => messageId)}::integer[])
      AS closed (client_id, message_id)
    WHERE network_id = ${networkId} AND tenant_id = ${tenantId}
      AND mqtt_handshakes.client_id = closed.client_id AND mqtt_handshakes.message_id = closed.message_id`;
  const added = sql`
    INSERT INTO mqtt_handshakes (network_id, tenant_id, client_id, message_id)
    SELECT ${networkId}, ${tenantId}, client_id, message_id
    FROM unnest(${open.map(({ clientId }) => clientId)}::text[], ${open.map(({ messageId }) => messageId)}::integer[])
      AS open (client_id, message_id)
    ON CONFLICT (network_id, client_id, message_id) DO NOTHING`;
  return needed([closed, removed], [open, added]);
}
