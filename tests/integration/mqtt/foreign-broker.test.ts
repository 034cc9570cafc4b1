import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { generate, type Packet, parser } from 'mqtt-packet';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createForeignBroker } from '../../../server/platform/mqtt/foreign-broker/client.ts';
import type { ForeignListener } from '../../../server/platform/mqtt/foreign-broker/types.ts';
import { createSystemClock } from '../../../server/platform/system/clock.ts';
import { createMemoryLogger } from '../../support/logger.ts';
import { eventually } from '../http/server-under-test.ts';

interface Habits {
  readonly levels?: readonly number[];
  readonly hasShared?: boolean;
  readonly receiveMaximum?: number;
  readonly maximumPacketSize?: number;
  readonly serverKeepAlive?: number;
}

/** A broker that a test drives packet by packet: it answers CONNECT and SUBSCRIBE, and nothing else. */
async function standIn({ levels = [4, 5], hasShared = true, ...limits }: Habits = {}) {
  const packets: Packet[] = [];
  let socket: Socket | null = null;
  let level = 5;
  const send = (packet: Packet) => socket?.write(generate(packet, { protocolVersion: level }));
  const answer = (packet: Packet) => {
    if (packet.cmd === 'connect') {
      level = packet.protocolVersion ?? 4;
      const code = levels.includes(level) ? 0 : 0x84;
      const limit = Object.keys(limits).length === 0 ? {} : { properties: limits };
      send({ cmd: 'connack', sessionPresent: true, returnCode: code, reasonCode: code, ...limit });
    }
    if (packet.cmd === 'subscribe') {
      const granted = packet.subscriptions.map(({ topic }) =>
        topic.startsWith('$share') && !hasShared ? 0x80 : 1,
      );
      send({ cmd: 'suback', messageId: packet.messageId ?? 0, granted });
    }
  };
  const server = createServer((accepted) => {
    socket = accepted;
    accepted.on('error', () => undefined);
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => {
      packets.push(packet);
      answer(packet);
    });
    accepted.on('data', (bytes) => void reader.parse(bytes));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    socket?.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const all = <Command extends Packet['cmd']>(cmd: Command) =>
    packets.filter((packet): packet is Extract<Packet, { cmd: Command }> => packet.cmd === cmd);
  const sendBytes = (bytes: Uint8Array) => socket?.write(bytes);
  return { port, packets, send, sendBytes, all, cut: () => void socket?.destroy() };
}

type StandIn = Awaited<ReturnType<typeof standIn>>;

function clientOf({ port }: StandIn, received: ForeignListener = async () => undefined) {
  const { logger, lines } = createMemoryLogger();
  const broker = createForeignBroker(
    {
      ...{ host: '127.0.0.1', port, isSecure: false, clientId: 'ours' },
      ...{ filters: ['said/#'], retainedFilters: ['known'], speakerOf: (topic: string) => topic },
    },
    { clock: createSystemClock(), logger },
  );
  onTestFinished(() => broker.stop());
  broker.start(received);
  return { broker, lines };
}

const subscribed = (stand: StandIn, times: number) =>
  eventually('to be subscribed', () => stand.all('subscribe').length >= times);

const publication = (messageId: number, topic = 'said/x') =>
  ({ cmd: 'publish', topic, payload: 'x', qos: 1, dup: false, retain: false, messageId }) as const;

const message = (topic: string) => ({ topic, payload: Buffer.from('x'), retain: false });

describe('a client of a foreign broker', () => {
  it('shares with its group what it hears, and keeps its session', async () => {
    const stand = await standIn();
    clientOf(stand);
    await subscribed(stand, 2);
    const [connect] = stand.all('connect');
    expect(connect).toMatchObject({ clientId: 'ours', clean: false, protocolVersion: 5 });
    const topics = stand.all('subscribe').flatMap(({ subscriptions }) => subscriptions);
    expect(topics.map(({ topic }) => topic)).toEqual(['known', '$share/yggdrasil/said/#']);
  });

  it('subscribes alone where the broker has no shared subscriptions, and says so', async () => {
    const stand = await standIn({ hasShared: false });
    const { lines } = clientOf(stand);
    await subscribed(stand, 3);
    const [last] = stand.all('subscribe').at(-1)?.subscriptions ?? [];
    expect(last).toMatchObject({ topic: 'said/#', rh: 2 });
    await eventually('the line', () => lines.some((line) => /one server alone/.test(JSON.stringify(line))));
  });

  it('speaks 3.1.1 with a broker that knows no other', async () => {
    const stand = await standIn({ levels: [4] });
    clientOf(stand);
    await subscribed(stand, 2);
    expect(stand.all('connect').map(({ protocolVersion }) => protocolVersion)).toEqual([5, 4]);
  });

  it('acknowledges what it has dealt with, in order, however long the first takes', async () => {
    const stand = await standIn();
    const done: (() => void)[] = [];
    clientOf(stand, () => new Promise((resolve) => done.push(resolve)));
    await subscribed(stand, 2);
    for (const id of [7, 8, 9]) stand.send(publication(id));
    await eventually('three at work', () => done.length === 3);
    done[2]?.();
    done[1]?.();
    done[0]?.();
    await eventually('three acknowledgements', () => stand.all('puback').length === 3);
    expect(stand.all('puback').map(({ messageId }) => messageId)).toEqual([7, 8, 9]);
  });

  it('never acknowledges what it could not deal with: it comes again', async () => {
    const stand = await standIn();
    let attempts = 0;
    clientOf(stand, async () => {
      if (attempts++ === 0) throw new Error('no database');
    });
    await subscribed(stand, 2);
    stand.send(publication(7));
    await subscribed(stand, 4);
    expect(stand.all('puback')).toEqual([]);
    stand.send({ ...publication(7), dup: true });
    await eventually('the acknowledgement', () => stand.all('puback').length === 1);
  });

  it('sends again on the next connection what has no PUBACK, and nothing that has', async () => {
    const stand = await standIn();
    const { broker } = clientOf(stand);
    await subscribed(stand, 2);
    const outcomes: string[] = [];
    for (const topic of ['a', 'b', 'c']) {
      broker.publish(message(topic), (outcome) => void outcomes.push(`${topic} ${outcome}`));
    }
    await eventually('three messages', () => stand.all('publish').length === 3);
    const [a, b] = stand.all('publish');
    stand.send({ cmd: 'puback', messageId: a?.messageId ?? 0 });
    stand.send({ cmd: 'puback', messageId: b?.messageId ?? 0, reasonCode: 0x10 });
    await eventually('two outcomes', () => outcomes.length === 2);
    expect(outcomes).toEqual(['a taken', 'b unheard']);
    stand.cut();
    await eventually('the third again', () => stand.all('publish').length === 4);
    expect(stand.all('publish').at(-1)).toMatchObject({ topic: 'c', dup: true });
  });

  it('has no more under way than the broker takes, and no more waiting than there is room for', async () => {
    const stand = await standIn({ receiveMaximum: 2 });
    const { broker } = clientOf(stand);
    await subscribed(stand, 2);
    let taken = 0;
    while (broker.publish(message('m'), () => undefined)) taken++;
    expect(taken).toBe(4_096);
    await eventually('two messages', () => stand.all('publish').length === 2);
    stand.send({ cmd: 'puback', messageId: stand.all('publish')[0]?.messageId ?? 0 });
    await eventually('a third', () => stand.all('publish').length === 3);
    expect(broker.publish(message('m'), () => undefined)).toBe(true);
  });

  it('leaves out what is larger than the broker takes, and goes on where it asks for no signs of life', async () => {
    const stand = await standIn({ maximumPacketSize: 1_000, serverKeepAlive: 0 });
    const { broker, lines } = clientOf(stand);
    await subscribed(stand, 2);
    const outcomes: string[] = [];
    const large = { ...message('large'), payload: Buffer.alloc(1_000) };
    for (const each of [large, message('small')])
      broker.publish(each, (outcome) => void outcomes.push(outcome));
    await eventually('the small one', () => stand.all('publish').length > 0);
    expect(stand.all('publish').map(({ topic }) => topic)).toEqual(['small']);
    expect(outcomes).toEqual(['taken']);
    expect(lines.filter(({ level }) => level === 'warn').map(({ message: said }) => said)).toEqual([
      'a message is larger than the broker takes, and was left out',
    ]);
    expect(stand.all('pingreq')).toEqual([]);
  });

  it('deals with what others say while one says more than is at work at a time, and waits for it', async () => {
    const stand = await standIn();
    const begun: string[] = [];
    const done: (() => void)[] = [];
    clientOf(stand, ({ topic }) => {
      begun.push(topic);
      return topic === 'said/flood' ? new Promise((resolve) => done.push(resolve)) : Promise.resolve();
    });
    await subscribed(stand, 2);
    for (let id = 1; id <= 200; id++) stand.send(publication(id, 'said/flood'));
    stand.send(publication(201, 'said/quiet'));
    await eventually('the quiet one', () => begun.includes('said/quiet'));
    expect(begun.filter((topic) => topic === 'said/flood')).toHaveLength(16);
    // Acknowledgements keep the order in which publications came.
    expect(stand.all('puback')).toEqual([]);
    await eventually('all of them', () => {
      for (const end of done.splice(0)) end();
      return stand.all('puback').length === 201;
    });
    expect(stand.all('puback').map(({ messageId }) => messageId)).toEqual(
      Array.from({ length: 201 }, (_, index) => index + 1),
    );
  });

  it.each([4, 5])(
    'acknowledges with MQTT %i what is too large, keeps nothing of it, and goes on',
    async (level) => {
      const stand = await standIn({ levels: [level] });
      const heard: string[] = [];
      const { lines } = clientOf(stand, async ({ topic }) => void heard.push(topic));
      await subscribed(stand, 2);
      const large = { ...publication(7, 'said/large'), payload: Buffer.alloc(1_000_000) };
      stand.send(large);
      stand.send(publication(8, 'said/small'));
      await eventually('two acknowledgements', () => stand.all('puback').length === 2);
      expect(stand.all('puback').map(({ messageId }) => messageId)).toEqual([7, 8]);
      expect(heard).toEqual(['said/small']);
      expect(JSON.stringify(lines)).toContain('said/large');
    },
  );

  it('ends a connection on which something else is too large', async () => {
    const stand = await standIn();
    clientOf(stand);
    await subscribed(stand, 2);
    stand.sendBytes(Buffer.from([0x90, 0xff, 0xff, 0xff, 0x7f]));
    await subscribed(stand, 4);
  });
});
