import { describe, expect, test } from 'vitest';
import { eventually } from '../http/server-under-test.ts';
import { startBroker } from './server-under-test.ts';

describe('a publication', () => {
  test.each([0, 1, 2] as const)('of QoS %i reaches the endpoint once and nobody else', async (qos) => {
    const { seen, connect, subscribe } = await startBroker();
    const ann = await connect('ann');
    const bob = await connect('bob');
    const received: string[] = [];
    for (const client of [ann, bob]) client.on('message', (topic) => received.push(topic));
    await subscribe(bob, 'bob');
    await ann.publishAsync('ann/up', 'hello', { qos });
    await eventually('the publication', () => seen.published.length > 0);
    expect(seen.published).toEqual([{ client: 'ann', topic: 'ann/up', payload: 'hello' }]);
    await bob.publishAsync('bob/up', 'x', { qos: 1 });
    expect(received).toEqual([]);
  });

  test('of QoS 1 is acknowledged only after the endpoint kept it', async () => {
    let keep: (() => void) | undefined;
    const { connect } = await startBroker(
      {},
      {
        published: () =>
          new Promise((resolve) => {
            keep = () => resolve(true);
          }),
      },
    );
    const client = await connect('ann');
    let acknowledged = false;
    const publishing = client.publishAsync('ann/up', 'x', { qos: 1 }).then(() => {
      acknowledged = true;
    });
    await eventually('the publication', () => keep);
    // A PINGRESP that comes later than the publication shows that no PUBACK was sent before it.
    await new Promise<void>((resolve) => {
      client.once('packetreceive', () => resolve());
      client.sendPing();
    });
    expect(acknowledged).toBe(false);
    keep?.();
    await publishing;
  });

  test('that the endpoint could not keep is not acknowledged: the connection ends', async () => {
    const { connect, logger } = await startBroker(
      {},
      { published: () => Promise.reject(new Error('the disk is full')) },
    );
    const client = await connect('ann');
    const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
    let acknowledged = false;
    client.publish('ann/up', 'x', { qos: 1 }, (error) => {
      acknowledged = !error;
    });
    await closed;
    expect(acknowledged).toBe(false);
    expect(logger.lines.some((line) => line.level === 'error')).toBe(true);
  });

  test('that the endpoint does not take ends the connection with QoS 1 and 2, and has no answer with QoS 0', async () => {
    const { connect, seen } = await startBroker({}, { published: async () => false });
    for (const qos of [1, 2] as const) {
      const client = await connect('ann');
      const answers: string[] = [];
      client.on('packetreceive', ({ cmd }) => answers.push(cmd));
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      client.publish('ann/up', 'x', { qos }, () => undefined);
      await closed;
      expect(answers).toEqual([]);
    }
    const client = await connect('bob');
    await client.publishAsync('bob/up', 'x', { qos: 0 });
    expect(await client.subscribeAsync('bob/down')).toHaveLength(1);
    expect(seen.events).not.toContain('disconnected bob');
  });

  test('acknowledgements keep the order of publications, whichever is kept first', async () => {
    const keep: (() => void)[] = [];
    const { connect } = await startBroker(
      {},
      {
        published: () =>
          new Promise((resolve) => {
            keep.push(() => resolve(true));
          }),
      },
    );
    const client = await connect('ann');
    const order: number[] = [];
    client.on('packetreceive', (received) => {
      if (received.cmd === 'puback') order.push(received.messageId ?? 0);
    });
    const sent: number[] = [];
    client.on('packetsend', (packet) => {
      if (packet.cmd === 'publish') sent.push(packet.messageId ?? 0);
    });
    const all = [1, 2, 3].map(() => client.publishAsync('ann/up', 'x', { qos: 1 }));
    await eventually('three publications', () => keep.length === 3);
    for (const one of keep.reverse()) one();
    await Promise.all(all);
    expect(order).toEqual(sent);
  });

  test('to a topic that is not the client’s, or deeper than topics go, ends its connection', async () => {
    const { connect, seen } = await startBroker();
    for (const topic of ['bob/up', '$SYS/x', 'ann/up/x', `ann${'/a'.repeat(150)}`, 'ann/down']) {
      const client = await connect('ann');
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      client.publish(topic, 'x', { qos: 1 });
      await closed;
    }
    expect(seen.published).toEqual([]);
  });

  test('with the retain flag is relayed and not retained', async () => {
    const { connect, seen, subscribe } = await startBroker({}, { maySubscribe: () => true });
    const ann = await connect('ann');
    await ann.publishAsync('ann/up', 'kept?', { qos: 1, retain: true });
    expect(seen.published).toHaveLength(1);
    const late = await connect('late');
    const received: string[] = [];
    late.on('message', (topic) => received.push(topic));
    await late.subscribeAsync('ann/up', { qos: 1 });
    const connection = await subscribe(late, 'late');
    connection.deliver('late/down', Buffer.from('end'));
    await eventually('the last message', () => received.includes('late/down'));
    expect(received).toEqual(['late/down']);
  });
});

describe('a subscription', () => {
  test.each(['#', '+/down', 'ann/#', 'ann/+', '$SYS/#', '$share/g/ann/down', 'bob/down', '$SYS/x'])(
    'to %s is refused with 0x80, and the connection stays',
    async (filter) => {
      const { connect, seen } = await startBroker();
      const client = await connect('ann');
      await expect(client.subscribeAsync(filter)).rejects.toThrow(/Unspecified error|Subscribe error/);
      await client.publishAsync('ann/up', 'still here', { qos: 1 });
      expect(seen.events).toEqual(['connected ann']);
      expect(seen.published).toHaveLength(1);
    },
  );

  test('is granted or refused filter by filter', async () => {
    const { connect } = await startBroker();
    const client = await connect('ann');
    const suback = new Promise((resolve) => {
      client.on('packetreceive', (packet) => {
        if (packet.cmd === 'suback') resolve(packet.granted);
      });
    });
    await client
      .subscribeAsync({ '#': { qos: 0 }, 'ann/down': { qos: 1 }, 'bob/down': { qos: 1 } })
      .catch(() => undefined);
    expect(await suback).toEqual([0x80, 1, 0x80]);
  });
});

describe('a delivery', () => {
  test('reaches its client only, in order, and its token comes back with the PUBACK', async () => {
    const { connect, subscribe, seen } = await startBroker();
    const ann = await connect('ann');
    const bob = await connect('bob');
    const received: string[] = [];
    ann.on('message', (topic, payload, packet) => received.push(`${topic} ${payload} ${packet.qos}`));
    bob.on('message', () => received.push('bob got something'));
    await subscribe(bob, 'bob');
    const connection = await subscribe(ann, 'ann');
    expect(connection.deliver('ann/down', Buffer.from('one'), 71)).toBe(true);
    expect(connection.deliver('ann/down', Buffer.from('two'))).toBe(true);
    expect(connection.deliver('ann/down', Buffer.from('three'), 72)).toBe(true);
    await eventually('two acknowledgements', () => seen.acknowledged.length === 2);
    expect(received).toEqual(['ann/down one 1', 'ann/down two 0', 'ann/down three 1']);
    expect(seen.acknowledged).toEqual([71, 72]);
  });

  test('without a subscription, or after unsubscribing, is refused', async () => {
    const { connect, subscribe, seen } = await startBroker();
    const client = await connect('ann');
    const early = await eventually('the connection', () => seen.connections.get('ann'));
    expect(early.deliver('ann/down', Buffer.from('x'), 1)).toBe(false);
    const connection = await subscribe(client, 'ann');
    expect(connection.deliver('ann/down', Buffer.from('x'), 1)).toBe(true);
    await client.unsubscribeAsync('ann/down');
    expect(connection.deliver('ann/down', Buffer.from('x'), 1)).toBe(false);
  });

  test('to a subscription of QoS 0 counts as acknowledged when it was written', async () => {
    const { connect, subscribe, seen } = await startBroker();
    const client = await connect('ann');
    const received: number[] = [];
    client.on('message', (_topic, _payload, packet) => received.push(packet.qos));
    const connection = await subscribe(client, 'ann', 0);
    connection.deliver('ann/down', Buffer.from('x'), 5);
    await eventually('both', () => seen.acknowledged.length === 1 && received.length === 1);
    expect([seen.acknowledged, received]).toEqual([[5], [0]]);
  });

  test('is never of QoS 2, whatever was subscribed', async () => {
    const { connect, subscribe, seen } = await startBroker();
    const client = await connect('ann');
    const received: number[] = [];
    client.on('message', (_topic, _payload, packet) => received.push(packet.qos));
    const connection = await subscribe(client, 'ann', 2);
    connection.deliver('ann/down', Buffer.from('x'), 5);
    await eventually('the acknowledgement', () => seen.acknowledged.length === 1);
    expect(received).toEqual([1]);
  });

  test('of more than 65,535 messages never uses an identifier twice at a time', async () => {
    const { connect, subscribe, seen } = await startBroker();
    const client = await connect('ann');
    const connection = await subscribe(client, 'ann');
    const payload = Buffer.from('x');
    for (let sent = 0; sent < 66_500; ) {
      if (connection.deliver('ann/down', payload, sent)) sent++;
      else await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually('every acknowledgement', () => seen.acknowledged.length === 66_500);
    expect(new Set(seen.acknowledged).size).toBe(66_500);
  });
});

describe('a connection', () => {
  test('is told of once, and its end too', async () => {
    const { connect, seen } = await startBroker();
    const client = await connect('ann');
    await client.endAsync();
    await eventually('the end', () => seen.events.includes('disconnected ann'));
    expect(seen.events).toEqual(['connected ann', 'disconnected ann']);
    expect(seen.connections.get('ann')?.deliver('ann/down', Buffer.from('x'))).toBe(false);
  });

  test('with the same name and client id replaces the older one; a stranger’s does not', async () => {
    const { connect, seen } = await startBroker();
    const first = await connect('ann', { clientId: 'same' });
    const stranger = await connect('bob', { clientId: 'same' });
    const closed = new Promise<void>((resolve) => first.once('close', () => resolve()));
    await connect('ann', { clientId: 'same' });
    await closed;
    await stranger.publishAsync('bob/up', 'still here', { qos: 1 });
    expect(seen.events).toEqual(['connected ann', 'connected bob', 'disconnected ann', 'connected ann']);
  });

  test('that asks for a lasting session gets none, and says so', async () => {
    const { connect, subscribe, seen } = await startBroker();
    const first = await connect('ann', { clean: false });
    await subscribe(first, 'ann');
    await first.endAsync();
    const second = await connect('ann', { clean: false });
    let present: boolean | undefined;
    await second.endAsync();
    const third = await connect('ann', { clean: false, manualConnect: false });
    third.on('connect', (connack) => {
      present = connack.sessionPresent;
    });
    await third.reconnect();
    await eventually('CONNACK', () => present !== undefined);
    expect(present).toBe(false);
    expect(seen.connections.get('ann')?.deliver('ann/down', Buffer.from('x'))).toBe(false);
  });

  test('with wrong credentials or a will is refused', async () => {
    const { connect, seen, logger } = await startBroker();
    await expect(connect('ann', { password: 'wrong' })).rejects.toMatchObject({ code: 4 });
    const will = { topic: 'ann/up', payload: Buffer.from('dead'), qos: 1 as const, retain: false };
    await expect(connect('ann', { will })).rejects.toMatchObject({ code: 5 });
    expect(seen.events).toEqual([]);
    expect(logger.lines.map((line) => line.fields.reason)).toEqual([
      'wrong credentials',
      'wills are not offered',
    ]);
    expect(JSON.stringify(logger.lines)).not.toContain('secret');
  });

  test('is refused with 3 when it can’t be found out who it is', async () => {
    const { connect, logger } = await startBroker(
      {},
      { authenticate: () => Promise.reject(new Error('no database')) },
    );
    await expect(connect('ann')).rejects.toMatchObject({ code: 3 });
    expect(logger.lines.some((line) => line.level === 'error')).toBe(true);
  });

  test.each(['__proto__', 'constructor', 'toString', '../..', '{"a":1}'])(
    'may be called %s',
    async (clientId) => {
      const { connect, seen, subscribe } = await startBroker();
      const client = await connect('ann', { clientId });
      const connection = await subscribe(client, 'ann');
      expect(connection.clientId).toBe(clientId);
      connection.deliver('ann/down', Buffer.from('x'), 9);
      await eventually('the acknowledgement', () => seen.acknowledged[0] === 9);
      const closed = new Promise<void>((resolve) => client.once('close', () => resolve()));
      connection.close();
      await closed;
      await eventually('the end', () => seen.events.includes('disconnected ann'));
    },
  );
});
