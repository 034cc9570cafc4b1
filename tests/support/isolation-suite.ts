import mqtt from 'mqtt';
import {
  BifrostError,
  type RatatoskrClient,
  readText,
  type SessionAnswer,
} from '../../device/client/index.ts';
import {
  Command,
  ComputeRequest,
  ComputeResult,
  Delivery,
  decodePayload,
  Event,
  encodePayload,
  FrameType,
  RatatoskrType,
} from '../../proto/index.ts';
import { type Attack, type Target, UNKNOWN_TARGET } from './attack.ts';
import { ATTACKS, KEPT_KEY, KEPT_ORDER, VISIBLE_ATTACKS } from './attacks.ts';
import { BifrostSocket } from './bifrost-socket.ts';
import { deltaPayload } from './compute.ts';
import {
  hideAction,
  hideConnections,
  hideDispute,
  hideLock,
  hideRegistration,
  hideRelease,
  victimRows,
} from './hidden-things.ts';
import { ProviderSocket } from './provider-socket.ts';
import { openClient } from './ratatoskr.ts';
import type { TestServer } from './server.ts';
import {
  createDevice,
  createHousehold,
  createWorld,
  type DeviceCredentials,
  topUp,
  type World,
} from './world.ts';

/** Somebody who asks for what isn't his. */
export interface Attacker {
  readonly name: string;
  readonly token: string;
  /** The tenant it acts in; `target`: names the one of the target. */
  readonly tenantId: string | 'target' | null;
  /** True where what lies in Alice's kitchen is in sight. */
  readonly isGuest?: boolean;
}

/** A server with a victim, and all who attack her. */
interface Scene {
  readonly world: World;
  readonly attackers: readonly Attacker[];
  /** What is hidden from each attacker. */
  readonly hidden: Target;
  /** What a guest sees and may not change. */
  readonly visible: Target;
  readonly cellar: DeviceCredentials;
  readonly kitchen: DeviceCredentials;
  /** Text that no answer to an attacker may hold. */
  readonly secrets: readonly string[];
}

/**
 * Runs every attack on a running server, once `openWalls` took away what is not to be tested, and gives those that got something, in words: an answer other than to what does
 * not exist, a word of the victim's, a change of her rows. Empty: the tenants are apart.
 */
export async function attackEverything(
  server: TestServer,
  openWalls: () => Promise<void>,
): Promise<readonly string[]> {
  const scene = await setTheScene(server);
  await openWalls();
  const before = await victimRows(server, scene.hidden.tenantId);
  const found = [...(await attackByFrames(scene)), ...(await attackByMqtt(scene))];
  for (const attacker of scene.attackers) {
    const client = openClient(server, { credentials: attacker });
    const ways: readonly Way[] = [
      (attack, target) => send(server, attacker, attack, target),
      (attack, target) => sendInSession(server, client, attacker, attack, target),
    ];
    for (const attack of ATTACKS) {
      for (const way of ways) found.push(...(await tryAttack(scene, attacker, attack, way)));
    }
    for (const attack of attacker.isGuest ? VISIBLE_ATTACKS : []) {
      for (const way of ways) await way(attack, scene.visible);
    }
    client.close();
  }
  const after = await victimRows(server, scene.hidden.tenantId);
  for (const table of before.keys()) {
    if (before.get(table) !== after.get(table)) found.push(`rows of ${table} changed`);
  }
  return found;
}

const newUser = (world: World, name: string) =>
  world.server.post<{ user: { id: string }; token: string }>('/api/v1/users', { name }, world.adminToken);

async function homeOf({ server }: World, token: string): Promise<string> {
  const { items } = await server.get<{ items: { id: string; role: string }[] }>('/api/v1/tenants', token);
  return items.find(({ role }) => role === 'owner')?.id ?? '';
}

async function setTheScene(server: TestServer): Promise<Scene> {
  const world = await createWorld(server);
  const { alice, bob } = world;
  const cellar = await server.post<{ id: string }>(
    '/api/v1/networks',
    { name: 'Secret cellar' },
    alice.token,
  );
  const cooler = await createDevice(server, alice.token, cellar.id, 'Secret cooler');
  await server.request('PUT', `/api/v1/devices/${cooler.deviceId}`, {
    body: { name: 'Secret cooler', assignedId: 'Secret-id' },
    token: alice.token,
    expect: 200,
  });
  await topUp(world, alice.userId, 73_129);
  const asked = await askForSomething(world);
  const { token } = await server.post<{ token: { id: string } }>(
    '/api/v1/users/me/tokens',
    { name: 'Secret token' },
    alice.token,
  );
  const { invitation } = await server.post<{ invitation: { id: string } }>(
    '/api/v1/invitations',
    { role: 'member', networkIds: [cellar.id] },
    alice.token,
  );
  const bonds = {
    ...(await hideConnections(server, alice.token, cellar.id, cooler.deviceId)),
    ...(await hideLock(server, alice.token, cellar.id)),
    ...(await hideAction(server, alice.token, cellar.id)),
    ...(await hideRelease(server, alice.token, cooler.deviceId)),
  };
  await hideRegistration(server, alice.token, cooler.deviceId);
  const attackers = await gatherAttackers(world);
  const { available } = await server.get<{ available: { value: string } }>(
    '/api/v1/ledger/balance',
    alice.token,
  );
  const hidden: Target = {
    tenantId: await homeOf(world, alice.token),
    networkId: cellar.id,
    deviceId: cooler.deviceId,
    userId: alice.userId,
    tokenId: token.id,
    invitationId: invitation.id,
    ...asked,
    ...bonds,
    cursors: await cursorsOf(world),
    own: { networkId: bob.network.id, deviceId: bob.device.deviceId },
  };
  return {
    world,
    attackers,
    hidden,
    visible: { ...hidden, networkId: alice.network.id, deviceId: alice.device.deviceId },
    cellar: cooler,
    kitchen: alice.device,
    secrets: [
      cellar.id,
      cooler.deviceId,
      token.id,
      invitation.id,
      ...Object.values(bonds),
      'Secret',
      ...Object.values(asked),
      '731.29',
      available.value,
    ],
  };
}

/** Alice's own positions in her lists. */
async function cursorsOf({ server, alice }: World): Promise<Target['cursors']> {
  const cursors: Record<string, string> = {};
  const lists = [
    'networks',
    'devices',
    'locks',
    'actions',
    'members',
    'connections',
    'releases',
    'rollouts',
    'users/me/tokens',
    'ledger/entries',
    'marketplace/disputes',
  ] as const;
  for (const list of lists) {
    const { next } = await server.get<{ next: string | null }>(`/api/v1/${list}?limit=1`, alice.token);
    if (next !== null) cursors[list] = next;
  }
  return cursors;
}

async function gatherAttackers(world: World): Promise<readonly Attacker[]> {
  const { server, alice, bob } = world;
  const [adam, gus, sina] = [
    await newUser(world, 'Adam'),
    await newUser(world, 'Gus'),
    await newUser(world, 'Sina'),
  ];
  const invite = (token: string, userId: string, role: string, networkIds: string[] | null) =>
    server.post('/api/v1/members', { userId, role, networkIds }, token);
  await invite(bob.token, adam.user.id, 'administrator', null);
  await invite(alice.token, gus.user.id, 'guest', [alice.network.id]);
  await invite(alice.token, sina.user.id, 'member', [alice.network.id]);
  const [aliceHome, bobHome] = [await homeOf(world, alice.token), await homeOf(world, bob.token)];
  return [
    { name: 'a stranger', token: bob.token, tenantId: null },
    { name: 'a stranger who names the tenant', token: bob.token, tenantId: 'target' },
    { name: 'an administrator of another tenant', token: adam.token, tenantId: bobHome },
    { name: 'a guest of one network', token: gus.token, tenantId: aliceHome, isGuest: true },
    { name: 'a member for one network', token: sina.token, tenantId: aliceHome },
    { name: "a stranger's device", token: bob.device.token, tenantId: null },
    { name: 'a device of the tenant', token: alice.device.token, tenantId: null },
  ];
}

/** Alice asks a third household for an answer, which is worth nothing, and disputes it. */
async function askForSomething({ server, adminToken, alice }: World) {
  const carol = await createHousehold(server, adminToken);
  const provider = await ProviderSocket.open(server, carol.device);
  const models = [{ name: 'isolation', priceCents: '100', contextTokens: 4_096 }];
  await provider.offer(models, 1);
  const asking = server.request('POST', '/v1/chat/completions', {
    body: KEPT_ORDER,
    token: alice.token,
    headers: { 'idempotency-key': KEPT_KEY },
  });
  const [request] = await Promise.race([
    // Twice: the first request waits for the tokenizer to start.
    Promise.all([
      provider.next(RatatoskrType.COMPUTE_REQUEST).catch(() => provider.next(RatatoskrType.COMPUTE_REQUEST)),
    ]),
    asking.then(() => Promise.reject(new Error('answered without the provider'))),
  ]);
  const { requestId } = decodePayload(ComputeRequest, request.payload);
  provider.send(RatatoskrType.COMPUTE_DELTA, deltaPayload(requestId, 0, { content: 'Secret recipe' }));
  provider.send(
    RatatoskrType.COMPUTE_RESULT,
    encodePayload(ComputeResult, { requestId, finishReason: 'stop' }),
  );
  await asking;
  provider.close();
  const { items } = await server.get<{ items: { id: string }[] }>(
    '/api/v1/marketplace/transactions',
    alice.token,
  );
  const transactionId = items[0]?.id ?? '';
  return { transactionId, disputeId: await hideDispute(server, alice.token, transactionId) };
}

/** The answer to an attack, without the id of the request. */
export async function send(
  server: TestServer,
  attacker: Attacker,
  attack: Attack,
  target: Target,
): Promise<string> {
  const { method, path, body, headers } = attack.request(target);
  const tenantId = attacker.tenantId === 'target' ? target.tenantId : attacker.tenantId;
  const answer = await server.request(method, path, {
    ...(body === undefined ? {} : { body }),
    token: attacker.token,
    headers: { ...headers, ...(tenantId === null ? {} : { 'x-tenant-id': tenantId }) },
  });
  const requestId = answer.headers.get('x-request-id') ?? '';
  return `${answer.status} ${JSON.stringify(answer.body).replaceAll(requestId, 'request')}`;
}

/** The same over Ratatoskr: the operation by its name, with the parts of the request as its input. */
export async function sendInSession(
  server: TestServer,
  client: RatatoskrClient,
  attacker: Attacker,
  attack: Attack,
  target: Target,
): Promise<string> {
  const { path, body, headers } = attack.request(target);
  const { pathname, searchParams } = new URL(path, server.httpUrl);
  const tenantId = attacker.tenantId === 'target' ? target.tenantId : attacker.tenantId;
  const input = {
    params: paramsOf(server, attack.operation, pathname),
    query: Object.fromEntries(searchParams),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body }),
  };
  let answer: SessionAnswer;
  try {
    answer = await client.open(attack.operation, input, tenantId === null ? {} : { tenantId });
  } catch (error) {
    // Where nothing keeps tenants apart, an attack before has taken the attacker's own token away.
    if (error instanceof BifrostError) return `ended with ${error.code}`;
    throw error;
  }
  const isStream = answer.contentType.startsWith('text/event-stream');
  if (isStream) answer.body.cancel();
  const text = isStream ? 'stream' : await readText(answer);
  return `${answer.status} ${text.replaceAll(answer.requestId, 'request')}`;
}

/** What a path holds for the names of its operation. */
function paramsOf({ catalogue }: TestServer, operation: string, pathname: string): Record<string, string> {
  const served = [...catalogue.rest, ...catalogue.openai, ...catalogue.anthropic];
  const template = served.find((each) => each.operation === operation)?.path.split('/') ?? [];
  const parts = pathname.split('/').map(decodeURIComponent);
  const named = template.flatMap((segment, index) => {
    if (segment === '*') return [['*', parts.slice(index).join('/')] as const];
    return segment.startsWith(':') ? [[segment.slice(1), parts[index] ?? ''] as const] : [];
  });
  return Object.fromEntries(named);
}

/** One way to send an attack; gives the answer. */
type Way = (attack: Attack, target: Target) => Promise<string>;

async function tryAttack(scene: Scene, attacker: Attacker, attack: Attack, way: Way): Promise<string[]> {
  const foreign = await way(attack, scene.hidden);
  const found: string[] = [];
  const told = scene.secrets.find((secret) => foreign.includes(secret));
  if (told !== undefined) found.push(`${attacker.name}: ${attack.operation} tells ${told}`);
  if (attack.names === 'nothing') return found;
  const unknown = await way(attack, UNKNOWN_TARGET(scene.hidden));
  if (foreign !== unknown) {
    found.push(`${attacker.name}: ${attack.operation} answers ${foreign} and not ${unknown}`);
  }
  return found;
}

/** Frames of devices that are not in the network, or not in this tenant: refused as if neither existed, heard by nobody. */
async function attackByFrames({ world: { server, bob }, hidden, cellar, kitchen }: Scene): Promise<string[]> {
  const found: string[] = [];
  const victim = await BifrostSocket.open(server, cellar);
  for (const [name, device] of [
    ["a stranger's device", bob.device],
    ['a device of another network', kitchen],
  ] as const) {
    const spy = await BifrostSocket.open(server, device);
    const refusal = async (networkId: string, destinationId: string | null, delivery: Delivery) => {
      spy.send(
        { type: FrameType.COMMAND, networkId, destinationId, delivery },
        encodePayload(Command, { name: 'led.set' }),
      );
      return Buffer.from((await spy.next(FrameType.ERROR)).payload).toString('hex');
    };
    const unknown = UNKNOWN_TARGET(hidden);
    for (const delivery of [Delivery.STORED, Delivery.TRANSIENT]) {
      for (const [foreign, missing] of [
        [
          [hidden.networkId, null],
          [unknown.networkId, null],
        ],
        [
          [hidden.networkId, hidden.deviceId],
          [unknown.networkId, unknown.deviceId],
        ],
        [
          [device.networkId, hidden.groupId],
          [device.networkId, unknown.groupId],
        ],
        [
          [device.networkId, hidden.deviceId],
          [device.networkId, unknown.deviceId],
        ],
      ] as const) {
        const answers = [
          await refusal(foreign[0], foreign[1], delivery),
          await refusal(missing[0], missing[1], delivery),
        ];
        if (answers[0] !== answers[1]) found.push(`${name}: a frame to ${foreign.join(', ')} is answered`);
      }
    }
    spy.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'to everybody' }));
    await spy.next(FrameType.ACK);
    spy.close();
  }
  victim.send({ type: FrameType.PING });
  await victim.next(FrameType.PONG);
  if (victim.frames.length > 0) found.push('the victim heard a frame of another network');
  victim.close();
  return found;
}

/** Topics, wildcards and names of others over MQTT: none is granted, and nothing of the victim's is heard or changed. */
async function attackByMqtt({ world: { server, bob }, cellar, kitchen }: Scene): Promise<string[]> {
  const found: string[] = [];
  for (const [name, { deviceId, token }] of [
    ["a stranger's device", bob.device],
    ['a device of another network', kitchen],
  ] as const) {
    const log = (username: string) =>
      mqtt.connectAsync(server.mqttUrl, { username, password: token, reconnectPeriod: 0 });
    const stolen = await log(cellar.deviceId).catch(() => null);
    if (stolen !== null) {
      found.push(`${name}: MQTT takes it for another device`);
      await stolen.endAsync(true);
    }
    const spy = await log(deviceId);
    // What it is refused, it is told on a topic of its own.
    spy.on('message', (topic) => {
      if (topic !== `devices/${deviceId}/refused`) found.push(`${name}: hears ${topic}`);
    });
    await spy.subscribeAsync(['#', '+/+/+/down'], { qos: 1 });
    for (const filter of [`bifrost/v1/${cellar.deviceId}/down`, `bifrost/v1/${cellar.deviceId}/up`]) {
      const granted = await spy.subscribeAsync(filter, { qos: 1 }).catch(() => [{ qos: 128 }]);
      if (granted.some(({ qos }) => qos !== 128)) found.push(`${name}: is granted ${filter}`);
    }
    const victim = await BifrostSocket.open(server, cellar);
    victim.send({ delivery: Delivery.STORED }, encodePayload(Event, { name: 'Secret' }));
    await victim.next(FrameType.ACK);
    const closed = new Promise<void>((resolve) => spy.once('close', () => resolve()));
    spy.publish(`bifrost/v1/${cellar.deviceId}/down`, 'for the victim');
    await closed;
    victim.send({ type: FrameType.PING });
    await victim.next(FrameType.PONG);
    if (victim.frames.length > 0) found.push(`${name}: the victim heard something over MQTT`);
    victim.close();
  }
  return found;
}
