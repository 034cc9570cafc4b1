import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it, vi } from 'vitest';
import { type FoundServer, findServers } from '../../../device/node/find-servers.ts';
import { type Announcer, createAnnouncer } from '../../../server/platform/mdns/announcer.ts';
import { createMemoryLogger } from '../../support/logger.ts';

const hostname = vi.hoisted(() => vi.fn<() => string>());
vi.mock('node:os', async (original) => {
  const os = await original<typeof import('node:os')>();
  hostname.mockImplementation(os.hostname);
  return { ...os, hostname };
});

const { logger, lines } = createMemoryLogger();
const announcers: Announcer[] = [];
afterEach(async () => {
  for (const announcer of announcers.splice(0)) await announcer.stop();
});

const announced = (host: string, port: number) => {
  const announcer = createAnnouncer({ host }, { logger });
  announcers.push(announcer);
  announcer.start({ port, values: { v: '1', tls: '1', mqtt: '8883', mqtts: '1' } });
  return announcer;
};

/** A port that no server of this machine has, as a mark of a test's own. */
const nobodysPort = () => 20_000 + Math.floor(Math.random() * 40_000);

const find = async (port: number, seconds = 3): Promise<FoundServer | undefined> =>
  (await findServers(seconds * 1000)).find(({ name }) => name.endsWith(`port ${port}`));

it('is found in the local network with its addresses, until it says goodbye', async () => {
  const port = nobodysPort();
  const announcer = announced('0.0.0.0', port);
  const found = await find(port);
  const [address = ''] = found?.addresses ?? [];
  expect(found).toEqual({
    name: expect.stringMatching(/^Yggdrasil on \S+, port \d+$/),
    url: `https://${address}:${port}`,
    mqttUrl: `mqtts://${address}:8883`,
    addresses: expect.arrayContaining([address]),
  });
  await announcer.stop();
  expect(await find(port, 1)).toBeUndefined();
});

it('tells no other address of the machine than the one that is listened at', async () => {
  const all = (await announcedEverywhere())?.addresses ?? [];
  const [only = ''] = all;
  const port = nobodysPort();
  announced(only, port);
  expect((await find(port))?.addresses).toEqual([only]);
});

const announcedEverywhere = () => {
  const port = nobodysPort();
  announced('0.0.0.0', port);
  return find(port);
};

it('is found on a machine with a name that is too long for one label of DNS', async () => {
  const name = `${'a'.repeat(60)}-x2x`;
  hostname.mockReturnValueOnce(name);
  const port = nobodysPort();
  announced('0.0.0.0', port);
  const found = await find(port);
  expect(found?.name).toMatch(/^Yggdrasil on a+-x2x, port \d+$/);
  expect(found?.name).toHaveLength(63);
});

it('goes without where another program keeps the port to itself, and says so', async () => {
  const taken = createSocket('udp4').bind(0);
  await once(taken, 'listening');
  try {
    const { port: udpPort } = taken.address() as AddressInfo;
    const announcer = createAnnouncer({ host: '0.0.0.0', udpPort }, { logger });
    announcers.push(announcer);
    announcer.start({ port: 1, values: {} });
    await vi.waitFor(() =>
      expect(lines.map(({ message }) => message)).toContain('the local network is not told of the server'),
    );
    await expect(findServers(60_000, udpPort)).rejects.toMatchObject({ code: 'EADDRINUSE' });
  } finally {
    taken.close();
  }
});
