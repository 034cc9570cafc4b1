import type { RatatoskrClient } from '../../device/client/index.ts';
import { Command, Delivery, Event, encodePayload, FrameType } from '../../proto/index.ts';
import { connectPlain, type PlainClient } from '../acceptance/mqtt/plain-clients.ts';
import { type Attack, type Target, UNKNOWN_ID, UNKNOWN_TARGET } from './attack.ts';
import { ATTACKS } from './attacks.ts';
import { BifrostSocket, codeOf } from './bifrost-socket.ts';
import { hideConnections, hideLock } from './hidden-things.ts';
import { type Attacker, send, sendInSession } from './isolation-suite.ts';
import { Normalizer } from './normalizer.ts';
import { createSeededRandom } from './random.ts';
import { openClient } from './ratatoskr.ts';
import type { TestServer } from './server.ts';
import { createDevice, createHousehold, type DeviceCredentials, type Household } from './world.ts';

/** They list some of what they have in the order of ids, which are chance, or in that in which things of the same moment were noted. */
const IN_ORDER_OF_CHANCE: ReadonlySet<string> = new Set(['users.exportSelf', 'audit.records.list']);

/** What they answer hangs on what the server has signed by now, which it does now and then: that they are asked is all. */
const BY_WHAT_IS_SIGNED: ReadonlySet<string> = new Set([
  'audit.heads.getLast',
  'audit.heads.list',
  'audit.consistency.get',
  'audit.proofs.get',
  'audit.countersignatures.create',
]);

/** Of one script. */
export const STEPS = 12;
const NEIGHBOURS = 2;
const TOPICS = ['home/state', 'home/lamp', 'garden/gate'] as const;

/** A server with the same tenant in it, alone or beside busy neighbours. */
export interface World {
  readonly server: TestServer;
  readonly adminToken: string;
  readonly neighbours: readonly Neighbour[];
}

/** Somebody else, who knows the ids of the tenant and uses them. */
interface Neighbour {
  readonly household: Household;
  readonly target: Target;
}

/** Somebody with some of everything that a request can name. */
async function newTarget(server: TestServer, { token, userId, network, device }: Household): Promise<Target> {
  const { items } = await server.get<{ items: { id: string; role: string }[] }>('/api/v1/tenants', token);
  const { token: made } = await server.post<{ token: { id: string } }>(
    '/api/v1/users/me/tokens',
    { name: 'Another' },
    token,
  );
  const { invitation } = await server.post<{ invitation: { id: string } }>(
    '/api/v1/invitations',
    { role: 'member', networkIds: [network.id] },
    token,
  );
  return {
    ...UNKNOWN_TARGET({ own: { networkId: network.id, deviceId: device.deviceId }, cursors: {} } as Target),
    tenantId: items.find(({ role }) => role === 'owner')?.id ?? UNKNOWN_ID,
    networkId: network.id,
    deviceId: device.deviceId,
    userId,
    tokenId: made.id,
    invitationId: invitation.id,
    ...(await hideConnections(server, token, network.id, device.deviceId)),
    ...(await hideLock(server, token, network.id)),
  };
}

/** Fills a server; with `isBusy`, with neighbours. */
export async function createSide(server: TestServer, isBusy: boolean): Promise<World> {
  const setUp = { code: server.setupCode, name: 'Administrator' };
  const { token: adminToken } = await server.post<{ token: string }>('/api/v1/setup', setUp);
  const neighbours: Neighbour[] = [];
  for (let count = isBusy ? NEIGHBOURS : 0; count > 0; count--) {
    const household = await createHousehold(server, adminToken);
    neighbours.push({ household, target: await newTarget(server, household) });
  }
  return { server, adminToken, neighbours };
}

/** What a tenant has open while its script runs. */
interface Scene {
  readonly server: TestServer;
  readonly caller: Attacker;
  readonly session: RatatoskrClient;
  readonly own: Target;
  /** Of somebody else; where there is nobody, of nothing that exists. */
  readonly foreign: Target;
  readonly hand: DeviceCredentials;
  readonly lamp: PlainClient;
  readonly random: ReturnType<typeof createSeededRandom>;
}

type Step = (scene: Scene) => Promise<string>;

const pick = <Item>(random: Scene['random'], items: readonly Item[]): Item =>
  items[Math.floor(random.fraction() * items.length)] as Item;

/** A request of any operation, over HTTP or in a session, mostly about what is one's own. */
const call: Step = async ({ server, caller, session, own, foreign, random }) => {
  const attack = pick(random, ATTACKS);
  const target = random.fraction() < 0.75 ? own : foreign;
  const isInSession = random.fraction() < 0.4;
  const answer = isInSession
    ? await sendInSession(server, session, caller, attack, target)
    : await send(server, caller, attack, target);
  const shown = IN_ORDER_OF_CHANCE.has(attack.operation) ? answer.slice(0, 3) : answer;
  if (BY_WHAT_IS_SIGNED.has(attack.operation)) return attack.operation;
  return `${attack.operation} ${isInSession ? 'in a session' : 'over HTTP'}: ${shown}`;
};

/** A frame of one's own device, in one's own network or in another one; what it is answered. */
const frame: Step = async ({ server, hand, foreign, random }) => {
  const networkId = random.fraction() < 0.6 ? hand.networkId : foreign.networkId;
  const destinationId = pick(random, [null, foreign.deviceId]);
  const isCommand = destinationId !== null;
  const socket = await BifrostSocket.open(server, hand).catch((error: Error) => error.message);
  if (typeof socket === 'string') return `no session: ${socket}`;
  const payload = isCommand
    ? encodePayload(Command, { name: 'led.set' })
    : encodePayload(Event, { name: 'state', value: { number: 1 } });
  const type = isCommand ? FrameType.COMMAND : FrameType.EVENT;
  socket.send({ type, networkId, destinationId, delivery: Delivery.STORED }, payload);
  const answer = await socket
    .next(FrameType.ACK)
    .then(({ payload: bytes }) => `kept ${Buffer.from(bytes).length > 0}`)
    .catch(() => {
      const error = socket.frames.find(({ header }) => header.type === FrameType.ERROR);
      return error === undefined ? `closed ${socket.closeCode}` : codeOf(error);
    });
  const heard = socket.frames.filter(({ header }) => header.type === FrameType.EVENT).length;
  socket.close();
  return `a frame: ${answer}, heard ${heard}`;
};

/** A publication in the tree of one's network, and what is heard by then. */
const publish: Step = async ({ lamp, random }) => {
  if (!lamp.mqtt.connected) return 'MQTT: not connected';
  const topic = pick(random, TOPICS);
  await lamp.mqtt.subscribeAsync(pick(random, [topic, 'home/#']), { qos: 1 });
  await lamp.mqtt.publishAsync(topic, `value ${Math.floor(random.fraction() * 100)}`, {
    qos: 1,
    retain: random.fraction() < 0.5,
  });
  await lamp.settled();
  return `MQTT: ${lamp.heard.splice(0).join(', ')}`;
};

const STEP_KINDS: readonly Step[] = [call, call, call, call, call, frame, publish];

/** What neighbours do meanwhile, with the tenant's ids. Whatever they are answered. */
async function bother({ server, neighbours }: World, victim: Target, random: Scene['random']): Promise<void> {
  await Promise.all(
    neighbours.map(async ({ household, target }) => {
      const { token, device } = household;
      const caller = { name: 'a neighbour', token, tenantId: pick(random, [null, 'target'] as const) };
      const attack: Attack = pick(random, ATTACKS);
      // What is the neighbour's own stays, so that there is something to confuse.
      const isHarmless = !/(remove|delete|revoke|withdraw|logout|leave)/i.test(attack.operation);
      await send(server, caller, attack, isHarmless ? pick(random, [victim, target]) : victim).catch(
        () => {},
      );
      const socket = await BifrostSocket.open(server, device).catch(() => null);
      socket?.send({ networkId: victim.networkId, delivery: Delivery.STORED }, new Uint8Array(0));
      socket?.send({ type: FrameType.COMMAND, destinationId: victim.deviceId }, new Uint8Array(0));
      await socket?.next(FrameType.ERROR).catch(() => {});
      socket?.close();
    }),
  );
}

/**
 * An answer without what differs between two runs of one script in one world: ids, by the order in which they turn up, secrets, times, hashes,
 * keys, and a passkey's name of its account. These fields alone are not compared, and of a few operations the answer (above).
 */
function comparable(foreign: Target): (text: string) => string {
  const normalizer = new Normalizer();
  return (text) =>
    normalizer
      .text(text.replaceAll(foreign.networkId, UNKNOWN_ID).replaceAll(foreign.deviceId, UNKNOWN_ID))
      .replaceAll(/"[0-9a-f]{16,}"/g, '"hash"')
      // A passkey's account, by a name that is made for each.
      .replaceAll(/"user":\{"id":"[\w-]{22}"/g, '"user":{"id":"handle"')
      .replaceAll(/\b[B-Z]{4}(-[B-Z]{4}){4}\b/g, 'recovery-code')
      .replaceAll(/"[\w-]*(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{30,}(\.[\w-]+)*"/g, '"secret"');
}

/** Runs the script of a seed as a new tenant; every answer, in order, without what chance and the moment decide. */
export async function tellScript(world: World, seed: number): Promise<readonly string[]> {
  const { server, adminToken, neighbours } = world;
  const random = createSeededRandom(seed);
  const household = await createHousehold(server, adminToken);
  const { token, network } = household;
  const own = await newTarget(server, household);
  const [hand, plain] = [
    await createDevice(server, token, network.id, 'Hand'),
    await createDevice(server, token, network.id, 'Lamp'),
  ];
  const caller = { name: 'the tenant', token, tenantId: null };
  const lamp = await connectPlain(server, plain);
  const session = openClient(server, { credentials: { token } });
  const foreign = neighbours[0]?.target ?? UNKNOWN_TARGET(own);
  const scene: Scene = {
    server,
    caller,
    session,
    own: { ...own, cursors: {} },
    foreign: { ...foreign, cursors: {}, own: own.own },
    hand,
    lamp,
    random,
  };
  const normal = comparable(foreign);
  const chance = createSeededRandom(seed + 1_000_000);
  const told: string[] = [];
  try {
    for (let count = 0; count < STEPS; count++) {
      const step = pick(random, STEP_KINDS);
      const [answer] = await Promise.all([step(scene), bother(world, own, chance)]);
      told.push(normal(answer));
    }
  } finally {
    session.close();
    await lamp.mqtt.endAsync(true);
  }
  return told;
}
