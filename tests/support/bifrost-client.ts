import {
  type BifrostClient,
  type BifrostClientOptions,
  createBifrostClient,
  encodeEvent,
} from '../../device/client/index.ts';
import { madeUpCredentials, StandInServer } from './bifrost-server.ts';
import { FakeClock } from './clock.ts';
import { createDeviceCore } from './core.ts';
import { createSeededRandom } from './random.ts';

export const credentials = madeUpCredentials();
export const OTHER_DEVICE = '00000000-0000-4000-8000-0000000000d2';
export const THIRD_DEVICE = '00000000-0000-4000-8000-0000000000d3';
export const core = createDeviceCore();

/** A client that has not connected yet, and its stand-in for a server. */
export function setUp(options: Partial<BifrostClientOptions> = {}) {
  const server = new StandInServer(credentials);
  const clock = new FakeClock();
  const client = createBifrostClient(
    { url: 'ws://server/bifrost', credentials, ...options },
    { core, openSocket: server.openSocket, clock, random: createSeededRandom(1) },
  );
  return { server, clock, client };
}

/** A client whose session is open. */
export async function connected(options: Partial<BifrostClientOptions> = {}) {
  const world = setUp(options);
  const start = world.client.connect();
  world.server.connection.welcome();
  await start;
  return world;
}

/** A reading as devices publish it. */
export const reading = (value: number) =>
  encodeEvent({ name: 'sensor.temperature', value, unit: 'celsius', measuredAtMs: 5 });

/** Codes of the close events, and what comes next. */
/** What `close` says from now on. */
export function closings(client: BifrostClient) {
  const delays: (number | null)[] = [];
  client.on('close', ({ retryInMs }) => delays.push(retryInMs));
  return delays;
}
