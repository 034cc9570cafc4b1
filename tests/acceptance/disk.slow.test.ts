import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BifrostClient } from '../../device/client/index.ts';
import { Event, encodePayload, FrameType } from '../../proto/index.ts';
import { type CrashHousehold, call, createCrashHousehold } from '../support/crash/household.ts';
import { clientOf, onReading } from '../support/crash/load.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { createSmallDisk, type SmallDisk } from '../support/small-disk.ts';

const MEBIBYTE = 1_048_576;
/** A new cluster takes 60 MB, its log as much before it is used again. */
const DISK_BYTES = 320 * MEBIBYTE;
const RESERVE_BYTES = 32 * MEBIBYTE;
/** Nothing that PostgreSQL could make smaller. */
const PADDING = randomBytes(45_000).toString('base64');
/** Frames that are tried until the disk is full: several times what there is room for. */
const TRIES_MAX = 1_000;
const REFUSALS = 20;

let disk: SmallDisk;
let server: ServerProcess;
let household: CrashHousehold;
let sensor: BifrostClient;
let number = 0;
const accepted: string[] = [];

beforeAll(async () => {
  disk = createSmallDisk(DISK_BYTES);
  server = await startServerProcess({
    YGGDRASIL_DATA_DIR: join(disk.path, 'data'),
    YGGDRASIL_DISK_RESERVE_BYTES: String(RESERVE_BYTES),
  });
  household = await createCrashHousehold(server);
  sensor = clientOf(server, household.sensor);
  await sensor.connect();
});
afterAll(async () => {
  sensor?.close();
  await server?.end('SIGTERM');
  disk?.remove();
});

/** Publishes a large reading. The code of its refusal, or null. */
async function publish(): Promise<string | null> {
  const reading = ++number;
  const payload = encodePayload(Event, { name: 'sensor', value: { number: reading }, unit: PADDING });
  try {
    await sensor.send({ type: FrameType.EVENT, payload });
    accepted.push(`sensor:${reading}`);
    return null;
  } catch (error) {
    return (error as { code: string }).code;
  }
}

async function publishUntilRefused(): Promise<string[]> {
  const refusals: string[] = [];
  for (let tries = 0; tries < TRIES_MAX && refusals.length < REFUSALS; tries++) {
    const refusal = await publish();
    if (refusal !== null) refusals.push(refusal);
  }
  return refusals;
}

const newDevice = (name: string) =>
  call<{ device: { id: string } }>(server, 'POST', '/api/v1/devices', {
    token: household.token,
    body: { name, networkId: household.sensor.networkId, worldType: 'jotunheim' },
  });

describe('a disk that is full', () => {
  it('is not written to the end: what stores more is refused, what reads or removes goes on', async () => {
    const { device } = await newDevice('Removed');
    expect(await publish()).toBeNull();
    disk.fill(RESERVE_BYTES + 4 * MEBIBYTE);
    expect(await publishUntilRefused()).toEqual(Array.from({ length: REFUSALS }, () => 'storage_full'));
    await expect(newDevice('Refused')).rejects.toThrow('storage_full');
    const { token } = household;
    await call(server, 'DELETE', `/api/v1/devices/${device.id}`, { token });
    await expect(call(server, 'GET', `/api/v1/devices/${device.id}`, { token })).rejects.toThrow('404');
    disk.clear();
    await expect.poll(publish, { timeout: 10_000, interval: 200 }).toBeNull();
  });

  it('also if others filled it at once makes the server refuse, and serve again by itself when there is room', async () => {
    disk.fill(0);
    const refusals = await publishUntilRefused();
    expect(refusals).toHaveLength(REFUSALS);
    expect(refusals.filter((code) => code !== 'storage_full' && code !== 'unavailable')).toEqual([]);
    const live = await fetch(`${server.httpUrl}/healthz`);
    expect([live.status, server.child.exitCode]).toEqual([200, null]);
    disk.clear();
    await expect.poll(publish, { timeout: 20_000, interval: 200 }).toBeNull();
  });

  it('lost nothing that was accepted, and kept its order', async () => {
    const found: string[] = [];
    const archive = clientOf(server, household.archive);
    onReading(archive, (_offset, text) => found.push(text));
    await archive.connect();
    await expect.poll(() => found.at(-1), { timeout: 20_000 }).toBe(accepted.at(-1));
    archive.close();
    // What was refused may have been stored when the answer got lost.
    const kept = new Set(accepted);
    expect(found.filter((text) => kept.has(text))).toEqual(accepted);
  });
});
