import { describe, expect, test } from 'vitest';
import {
  type ConnectionBudget,
  type ConnectionPlace,
  createConnectionBudget,
  type Protocol,
} from '../../../server/platform/listening/connection-budget.ts';
import { connectionsWithin, readDescriptorLimit } from '../../../server/platform/listening/descriptors.ts';
import { countIn } from '../../../server/platform/listening/remote-addresses.ts';
import { keepingLogger } from '../../integration/http/server-under-test.ts';
import { FakeClock } from '../../support/clock.ts';

function start(connectionsMax: number) {
  const clock = new FakeClock();
  const logger = keepingLogger();
  const refusals: string[] = [];
  const budget = createConnectionBudget(
    { connectionsMax },
    { clock, logger, cut: (protocol, reason) => refusals.push(`${protocol} ${reason}`) },
  );
  const cut: string[] = [];
  const admit = (name: string, remoteAddress = name, protocol: 'mqtt' | 'websocket' = 'mqtt') =>
    budget.admit({ protocol, remoteAddress, cut: () => void cut.push(name) });
  return { clock, logger, refusals, budget, cut, admit };
}

const owner = (deviceId: string, tenantId = deviceId) => ({ deviceId, tenantId });
const total = (budget: ConnectionBudget) =>
  (['http', 'websocket', 'mqtt'] satisfies Protocol[]).reduce(
    (sum, protocol) => sum + budget.count(protocol),
    0,
  );

describe('a full budget', () => {
  test('lets another in where the oldest unknown one can go, and keeps those that are known', () => {
    const { admit, cut, budget } = start(4);
    admit('known')?.belongsTo(owner('lamp'));
    for (const name of ['a', 'b', 'c', 'd', 'e']) expect(admit(name)).not.toBeNull();
    expect(cut).toEqual(['a', 'b']);
    expect(total(budget)).toBe(4);
  });

  test('turns away where all are known, and lets in when one has left', () => {
    const { admit, cut, refusals } = start(3);
    const places = ['a', 'b', 'c'].map((name) => admit(name));
    for (const [index, place] of places.entries()) place?.belongsTo(owner(`${index}`));
    expect(admit('d')).toBeNull();
    expect([cut, refusals]).toEqual([[], ['mqtt all']]);
    places[0]?.leave();
    places[0]?.leave();
    expect(admit('e')).not.toBeNull();
    expect(admit('f')).not.toBeNull();
    expect(cut).toEqual(['e']);
  });
});

describe('one who takes more than its part', () => {
  test('loses its own oldest, by address before it is known', () => {
    const { admit, cut, refusals } = start(10);
    admit('victim');
    for (let index = 0; index < 8; index++) admit(`flood ${index}`, 'flood');
    expect(cut).toEqual(['flood 0', 'flood 1', 'flood 2']);
    expect(new Set(refusals)).toEqual(new Set(['mqtt address']));
  });

  test('loses its own oldest, by device', () => {
    const { admit, cut } = start(100);
    admit('neighbour')?.belongsTo(owner('neighbour'));
    for (let index = 0; index < 10; index++) admit(`${index}`)?.belongsTo(owner('lamp'));
    expect(cut).toEqual(['0', '1']);
  });

  test('loses its own oldest, by tenant, and leaves a quarter to others', () => {
    const { admit, cut } = start(100);
    for (let index = 0; index < 80; index++) admit(`${index}`)?.belongsTo(owner(`device ${index}`, 'big'));
    expect(cut).toEqual(['0', '1', '2', '3', '4']);
    for (let index = 0; index < 25; index++) expect(admit(`other ${index}`)).not.toBeNull();
    expect(cut).toHaveLength(5);
  });

  test('finds less where others do the same, so that a part stays for the next', () => {
    const { admit, cut, refusals } = start(1_000);
    for (const tenant of ['first', 'second', 'third']) {
      for (let index = 0; index < 1_000; index++) {
        const name = `${tenant} ${index}`;
        admit(name)?.belongsTo(owner(name, tenant));
      }
    }
    const before = cut.length;
    admit('late')?.belongsTo(owner('late'));
    expect(cut.slice(before)).toEqual([]);
    expect(refusals).not.toContain('mqtt all');
  });

  test('does not lose known devices to strangers and HTTP', () => {
    const { admit, cut, budget } = start(1_000);
    for (let index = 0; index < 500; index++) admit(`${index}`)?.belongsTo(owner(`device ${index}`, 'home'));
    for (let index = 0; index < 400; index++) budget.admitHttp(`${index}`);
    for (let index = 0; index < 100; index++) admit(`stranger ${index}`);
    admit('one more')?.belongsTo(owner('one more', 'home'));
    expect(cut).toEqual(['stranger 0']);
  });
});

describe('HTTP', () => {
  test('has half of all, and none of what is full', () => {
    const { budget, admit, refusals } = start(10);
    for (let index = 0; index < 5; index++) expect(budget.admitHttp(`${index}`)).toBe(true);
    expect(budget.admitHttp('b')).toBe(false);
    budget.leaveHttp();
    for (let index = 0; index < 6; index++) admit(`${index}`)?.belongsTo(owner(`${index}`));
    expect(budget.admitHttp('b')).toBe(false);
    expect(refusals).toEqual(['http http', 'http all']);
  });

  test('counts IPv6 by network, and a proxy, whose clients are many, not by address', () => {
    const { budget, admit, cut, refusals } = start(20);
    for (let index = 0; index < 5; index++) expect(budget.admitHttp(`2001:db8::${index}`)).toBe(true);
    expect(budget.admitHttp('2001:0db8:0000:0000:ffff:0000:0000:0001')).toBe(false);
    for (let index = 0; index < 5; index++) budget.leaveHttp();
    budget.learnAddresses(
      new Map([
        ['2001:0db8:0000:0000:0000:0000:0000:0001', 3],
        ['2001:0db8:0000:0000:ffff:0000:0000:0001', 2],
      ]),
    );
    expect(budget.admitHttp('2001:db8::9')).toBe(false);
    for (let index = 0; index < 10; index++) expect(budget.admitHttp('2001:db8::9', true)).toBe(true);
    expect(budget.admitHttp('2001:db8::9', true)).toBe(false);
    expect(refusals).toEqual(['http address', 'http address', 'http http']);
    for (let index = 0; index < 10; index++) budget.leaveHttp();
    for (let index = 0; index < 12; index++) admit(`${index}`, `2001:db8::${index}`);
    expect(cut).toEqual(['0', '1']);
  });

  test('counts WebSockets under the proxy that is connected, and trims them by client', () => {
    const { budget } = start(20);
    const cut: number[] = [];
    const connect = (index: number, remoteAddress: string) => {
      expect(budget.admitHttp('proxy', true)).toBe(true);
      return budget.upgrade({
        protocol: 'websocket',
        remoteAddress,
        peerAddress: 'proxy',
        cut: () => void cut.push(index),
      });
    };
    for (let index = 0; index < 12; index++) connect(index, 'client');
    expect(cut).toEqual([0, 1]);
    connect(12, 'other');
    expect(cut).toEqual([0, 1]);
    budget.learnAddresses(
      new Map([
        ['proxy', 11],
        ['client', 1],
      ]),
    );
    for (let index = 0; index < 4; index++) expect(budget.admitHttp('client')).toBe(true);
    expect(budget.admitHttp('client')).toBe(false);
  });

  test('has half of that for one address, WebSockets of there aside', () => {
    const { budget } = start(100);
    const sockets: ConnectionPlace[] = [];
    for (let index = 0; index < 30; index++) {
      expect(budget.admitHttp('a')).toBe(true);
      if (index < 20)
        sockets.push(budget.upgrade({ protocol: 'websocket', remoteAddress: 'a', cut: () => undefined }));
    }
    budget.learnAddresses(new Map([['a', 30]]));
    for (let index = 10; index < 25; index++) expect(budget.admitHttp('a')).toBe(true);
    expect(budget.admitHttp('a')).toBe(false);
    expect(budget.admitHttp('b')).toBe(true);
    expect(budget.count('websocket')).toBe(20);
    for (const socket of sockets) socket.leave();
    expect(total(budget)).toBe(26);
  });
});

test('the log gets one line at once, and then one a second with the numbers', async () => {
  const { admit, clock, logger } = start(2);
  for (const name of ['a', 'b']) admit(name)?.belongsTo(owner(name));
  for (let index = 0; index < 100; index++) admit('late');
  await clock.advance(1_000);
  await clock.advance(1_000);
  admit('later');
  expect(logger.lines.map(({ fields }) => fields.cut)).toEqual([{ all: 1 }, { all: 99 }, { all: 1 }]);
});

test('the limit of descriptors is the system’s, less what others need', () => {
  expect(readDescriptorLimit()).toBeGreaterThan(100);
  expect(connectionsWithin(1_000, 50)).toBe(800);
  expect(connectionsWithin(100, 50)).toBe(32);
});

test('connections are counted by address, IPv4 and IPv6', () => {
  const tables = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0100007F:1F90 0200007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 2 1 0 100 0 0 10 0
   2: 0100007F:1F90 0200007F:C351 08 00000000:00000000 00:00000000 00000000     0        0 3 1 0 100 0 0 10 0
   3: 0100007F:1F90 0200007F:C352 06 00000000:00000000 00:00000000 00000000     0        0 0 1 0 100 0 0 10 0
   4: 0200007F:C350 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 4 1 0 100 0 0 10 0
   5: 0100007F:1F91 0400007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 5 1 0 100 0 0 10 0
   0: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000300007F:C353 01 00000000:00000000 00:00000000 00000000 0 0 5
   1: 00000000000000000000000001000000:1F90 B80D0120000000000000000001000000:C354 01 00000000:00000000 00:00000000 00000000 0 0 6
`;
  expect(countIn(tables, [0x1f90])).toEqual(
    new Map([
      ['127.0.0.2', 2],
      ['127.0.0.3', 1],
      ['2001:0db8:0000:0000:0000:0000:0000:0001', 1],
    ]),
  );
  expect(countIn(tables, [0x1f90, 0x1f91]).get('127.0.0.4')).toBe(1);
});
