import { describe, expect, it } from 'vitest';
import { eventually } from '../../integration/http/server-under-test.ts';
import {
  ack,
  openPackets,
  type Packet5,
  packetBytes,
  publish,
  subscribe,
  topicBytes,
  until,
} from './packet-client.ts';
import { startPacketWorld } from './packet-world.ts';

/** What MQTT 5 asks of a broker for messages, subscriptions and sessions, beside what `mqtt5.test.ts` holds. */

const { server, device, newTopic, connected, subscribed } = await startPacketWorld('delivery');

const lasting = (clientId: string, clean = false) => ({
  clientId,
  clean,
  properties: { sessionExpiryInterval: 600 },
});

const texts = (packets: readonly Packet5[]) => packets.map(({ payload }) => String(payload));

describe('what is published', () => {
  it.each([0, 1, 2] as const)(
    'with QoS %i comes with the lower one of it and what was granted, once, and without DUP',
    async (qos) => {
      const topic = newTopic();
      const publisher = await connected({ clientId: `publisher-${qos}` });
      for (const granted of [0, 1, 2] as const) {
        const client = await subscribed(topic, { qos: granted });
        publisher.send(publish(topic, { qos, messageId: 7 + granted, dup: qos > 0 }));
        expect(await client.next()).toMatchObject({
          cmd: 'publish',
          qos: Math.min(qos, granted),
          dup: false,
          retain: false,
        });
        client.send(publish(topic, { payload: 'end' }));
        expect(await until(client, 'end')).toEqual([]);
        client.vanish();
      }
    },
  );

  it('is matched as it is written: no case, no slash, no form of a letter is another’s', async () => {
    const root = newTopic();
    const client = await subscribed(`${root}/a\u00e9`, { qos: 0 });
    client.send(publish(`${root}/A\u00e9`), publish(`${root}/ae\u0301`), publish(`/${root}/a\u00e9`));
    client.send(publish(`${root}//a\u00e9`), publish(`${root}/a\u00e9/`), publish(`${root}/\ufeffa\u00e9`));
    client.send(publish(`${root}/a\u00e9`, { payload: 'end' }));
    expect(await until(client, 'end')).toEqual([]);
    const marked = await subscribed(`${root}/\ufeffb`, { qos: 0 });
    marked.send(publish(`${root}/b`), publish(`${root}/\ufeffb`));
    expect((await marked.next()).topic).toBe(`${root}/\ufeffb`);
  });

  it('keeps its user properties in their order, and so does a will', async () => {
    const topic = newTopic();
    const client = await subscribed(topic, { qos: 0 });
    const pair = (name: string, value: string) => [0x26, ...topicBytes(name), ...topicBytes(value)];
    const pairs = [...pair('b', '1'), ...pair('a', '2'), ...pair('b', '3'), ...pair('', '')];
    const sender = await connected({ clientId: 'pairs' });
    sender.sendBytes(packetBytes(0x30, ...topicBytes(topic), pairs.length, ...pairs));
    await client.next();
    expect(client.bytes().includes(Buffer.from(pairs))).toBe(true);
    const seen = client.bytes().length;
    const dying = await openPackets(server);
    const will = [pairs.length, ...pairs, ...topicBytes(topic), ...topicBytes('gone')];
    const who = [...topicBytes(device.deviceId), ...topicBytes(device.token)];
    const body = [0, 4, 0x4d, 0x51, 0x54, 0x54, 5, 0xc6, 0, 60, 0, ...topicBytes('dying'), ...will, ...who];
    dying.sendBytes([0x10, (body.length & 0x7f) | 0x80, body.length >> 7, ...body]);
    expect(await dying.next()).toMatchObject({ cmd: 'connack', reasonCode: 0 });
    dying.vanish();
    expect(String((await client.next()).payload)).toBe('gone');
    expect(client.bytes().subarray(seen).includes(Buffer.from(pairs))).toBe(true);
  });

  it('may use every alias that is offered, none of an earlier connection, and comes without where none is taken', async () => {
    const topic = newTopic();
    const client = await subscribed(`${topic}/#`, { qos: 0 });
    const sender = await connected({ clientId: 'aliases' });
    for (let topicAlias = 1; topicAlias <= 16; topicAlias++)
      sender.send(publish(`${topic}/${topicAlias}`, { properties: { topicAlias } }));
    sender.send(publish('', { payload: 'end', properties: { topicAlias: 16 } }));
    const heard = await until(client, 'end');
    expect(heard.map((packet) => packet.topic)).toEqual(
      Array.from({ length: 16 }, (_, index) => `${topic}/${index + 1}`),
    );
    for (const { properties } of heard) expect(properties ?? {}).not.toHaveProperty('topicAlias');
    const again = await connected({ clientId: 'aliases', clean: false });
    again.send(publish('', { properties: { topicAlias: 16 } }));
    expect(await again.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
  });

  it('with RETAIN replaces what was kept; without, it leaves it; with no payload it takes it away', async () => {
    const topic = newTopic();
    const publisher = await connected({ clientId: 'keeper' });
    const kept = async (more: object) => {
      publisher.send(publish(topic, { qos: 1, messageId: 1, ...more }));
      await publisher.next();
      const client = await subscribed(topic, { qos: 0 });
      client.send(publish(topic, { payload: 'end' }));
      return texts(await until(client, 'end'));
    };
    expect(await kept({ retain: true, payload: 'one' })).toEqual(['one']);
    expect(await kept({ retain: true, payload: 'two' })).toEqual(['two']);
    expect(await kept({ retain: false, payload: 'three' })).toEqual(['two']);
    expect(await kept({ retain: false, payload: '' })).toEqual(['two']);
    expect(await kept({ retain: true, payload: '' })).toEqual([]);
  });

  it('under a packet identifier that is acknowledged in full is new, whatever its DUP says', async () => {
    const topic = newTopic();
    const client = await subscribed(topic, { qos: 0 });
    const sender = await connected({ clientId: 'again' });
    for (const dup of [false, true]) {
      sender.send(publish(topic, { qos: 1, messageId: 3, dup, payload: 'one' }));
      expect(await sender.next()).toMatchObject({ cmd: 'puback', messageId: 3 });
    }
    for (const dup of [false, true]) {
      sender.send(publish(topic, { qos: 2, messageId: 3, dup, payload: 'two' }));
      expect(await sender.next()).toMatchObject({ cmd: 'pubrec', messageId: 3 });
      sender.send(ack('pubrel', 3));
      expect(await sender.next()).toMatchObject({ cmd: 'pubcomp', messageId: 3 });
    }
    sender.send(publish(topic, { payload: 'end' }));
    expect(texts(await until(client, 'end'))).toEqual(['one', 'one', 'two', 'two']);
  });

  it('has an identifier that none under way has', async () => {
    const topic = newTopic();
    const client = await subscribed(topic, { qos: 2 });
    const sender = await connected({ clientId: 'many' });
    for (let count = 0; count < 100; count++) {
      sender.send(publish(topic, { qos: 1 + (count % 2), messageId: 1 + count }));
      await sender.next();
      if (count % 2 === 1) sender.send(ack('pubrel', 1 + count));
    }
    const ids = new Set<unknown>();
    for (let count = 0; count < 100; count++) ids.add((await client.next()).messageId);
    expect([ids.size, ids.has(0)]).toEqual([100, false]);
  });
});

describe('a will', () => {
  it.each([true, false])('with retain %s is kept as that', async (retain) => {
    const topic = newTopic();
    const listener = await subscribed(topic, { qos: 0, rap: true });
    const will = { topic, payload: Buffer.from('gone'), qos: 1, retain };
    (await connected({ clientId: `will-${retain}`, will })).vanish();
    expect(await listener.next()).toMatchObject({ cmd: 'publish', retain });
    const late = await subscribed(topic, { qos: 0 });
    late.send(publish(topic, { payload: 'end' }));
    expect(texts(await until(late, 'end'))).toEqual(retain ? ['gone'] : []);
  });
});

describe('a subscription', () => {
  it('takes the place of the one before it with the same filter, and loses nothing', async () => {
    const topic = newTopic();
    const client = await subscribed(topic, { qos: 0 }, { clientId: 'replaced' });
    const sender = await connected({ clientId: 'sender' });
    sender.send(publish(topic, { qos: 1, messageId: 1, retain: true, payload: 'one' }));
    expect(await client.next()).toMatchObject({ qos: 0 });
    client.send(subscribe(topic, { qos: 1 }));
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [1] });
    expect(await client.next()).toMatchObject({ qos: 1, retain: true });
    sender.send(publish(topic, { qos: 1, messageId: 2, payload: 'two' }));
    expect(await client.next()).toMatchObject({ qos: 1, retain: false });
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 2, granted: [0] });
    sender.send(publish(topic, { payload: 'three' }));
    client.send(subscribe(topic, { rh: 2, qos: 0 }), publish(topic, { payload: 'end' }));
    expect(texts((await until(client, 'end')).filter(({ cmd }) => cmd === 'publish'))).toEqual([]);
  });

  it('that ends leaves a handshake that had begun to its end', async () => {
    const topic = newTopic();
    const client = await subscribed(topic, { qos: 2 });
    const sender = await connected({ clientId: 'ending' });
    sender.send(publish(topic, { qos: 2, messageId: 1 }), ack('pubrel', 1));
    const { messageId } = await client.next();
    client.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: [topic] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback' });
    client.send(ack('pubrec', messageId as number));
    expect(await client.next()).toMatchObject({ cmd: 'pubrel', messageId, reasonCode: 0 });
    client.send(ack('pubcomp', messageId as number));
  });

  it('is the same by one SUBSCRIBE of several filters as by several', async () => {
    const [first, second] = [newTopic(), newTopic()];
    const client = await connected({ clientId: 'several' });
    const subscriptions = [first, second, first].map((topic, index) => ({
      topic,
      qos: index,
      nl: false,
      rap: false,
      rh: 0,
    }));
    client.send({ cmd: 'subscribe', messageId: 1, subscriptions });
    expect(await client.next()).toMatchObject({ cmd: 'suback', granted: [0, 1, 2] });
    client.send(publish(first, { qos: 1, messageId: 1 }), publish(second, { qos: 1, messageId: 2 }));
    const heard = (await Promise.all([1, 2, 3, 4].map(() => client.next()))).filter(
      ({ cmd }) => cmd === 'publish',
    );
    expect(heard.map(({ topic, qos }) => [topic, qos])).toEqual([
      [first, 1],
      [second, 1],
    ]);
  });
});

describe('a session that goes on', () => {
  it.each([1, 2] as const)(
    'gets what it has not acknowledged of QoS %i under the same identifier, with DUP, in order, and nothing else again',
    async (qos) => {
      const topic = newTopic();
      const more = lasting(`goes-on-${qos}`);
      const client = await subscribed(topic, { qos }, more);
      const sender = await connected({ clientId: 'sender' });
      for (const [index, payload] of ['one', 'two', 'three'].entries())
        sender.send(publish(topic, { qos: 1 + (qos - 1), messageId: index + 1, payload }));
      const [one, two, three] = [await client.next(), await client.next(), await client.next()];
      expect(texts([one, two, three])).toEqual(['one', 'two', 'three']);
      // One is refused by its receiver, and is over with that.
      client.send(ack(qos === 1 ? 'puback' : 'pubrec', one.messageId as number, 0x83), { cmd: 'pingreq' });
      expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
      client.vanish();
      const back = await connected(more);
      expect(back.connack.sessionPresent).toBe(true);
      const again = [await back.next(), await back.next()];
      expect(again.map(({ messageId, dup }) => [messageId, dup])).toEqual([
        [two.messageId, true],
        [three.messageId, true],
      ]);
      back.send({ cmd: 'pingreq' });
      expect(await back.next()).toMatchObject({ cmd: 'pingresp' });
    },
  );

  it('gets PUBREL again, and not the message, where it had received that', async () => {
    const topic = newTopic();
    const more = lasting('released');
    const client = await subscribed(topic, { qos: 2 }, more);
    const sender = await connected({ clientId: 'sender' });
    sender.send(publish(topic, { qos: 2, messageId: 1 }));
    const { messageId } = await client.next();
    client.send(ack('pubrec', messageId as number));
    expect(await client.next()).toMatchObject({ cmd: 'pubrel', messageId });
    client.vanish();
    const back = await connected(more);
    expect(await back.next()).toMatchObject({ cmd: 'pubrel', messageId });
    back.send(ack('pubcomp', messageId as number));
  });

  it('gets a message again whose life ended after it was sent, and none that was not sent by then', async () => {
    const topic = newTopic();
    const more = lasting('expired');
    const client = await subscribed(topic, { qos: 2 }, more);
    const sender = await connected({ clientId: 'sender' });
    const properties = { messageExpiryInterval: 1 };
    sender.send(publish(topic, { qos: 2, messageId: 1, payload: 'sent', properties, retain: true }));
    const { messageId } = await client.next();
    client.vanish();
    sender.send(publish(topic, { qos: 2, messageId: 2, payload: 'waiting', properties, retain: true }));
    await eventually('the end of their lives', async () => {
      const late = await subscribed(topic, { qos: 0 });
      late.send(publish(topic, { payload: 'end' }));
      const kept = await until(late, 'end');
      late.vanish();
      return kept.length === 0;
    });
    const back = await connected(more);
    expect(await back.next()).toMatchObject({ messageId, dup: true });
    sender.send(publish(topic, { qos: 1, messageId: 3, payload: 'last' }));
    const rest = await until(back, 'last');
    expect(texts(rest)).not.toContain('waiting');
  });
});
