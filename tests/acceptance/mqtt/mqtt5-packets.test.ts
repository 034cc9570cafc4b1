import { describe, expect, it } from 'vitest';
import {
  ack,
  bytesOf,
  connect5,
  connectBytes,
  connectPackets,
  openPackets,
  packetBytes as packet,
  publish,
  subscribe,
  topicBytes,
} from './packet-client.ts';
import { startPacketWorld } from './packet-world.ts';

const { server, world, device, newDevice, newTopic } = await startPacketWorld('packets');

describe('CONNECT', () => {
  it('is answered with what the server offers', async () => {
    const { connack } = await connectPackets(server, device);
    expect(connack).toMatchObject({ reasonCode: 0, sessionPresent: false });
    expect(connack.properties).toEqual({
      receiveMaximum: 256,
      maximumPacketSize: 264_192,
      topicAliasMaximum: 16,
      sharedSubscriptionAvailable: false,
    });
  });

  it('without a client id is told the one it got, with which the session goes on', async () => {
    const more = { clientId: '', properties: { sessionExpiryInterval: 60 } };
    const first = await connectPackets(server, device, more);
    const { assignedClientIdentifier } = first.connack.properties as { assignedClientIdentifier: string };
    expect(assignedClientIdentifier).toMatch(/^[0-9a-f-]{36}$/);
    const again = await connectPackets(server, device, {
      clientId: assignedClientIdentifier,
      clean: false,
      properties: { sessionExpiryInterval: 0 },
    });
    expect(again.connack.sessionPresent).toBe(true);
  });

  it('with a long keep-alive is told a shorter one, and else none', async () => {
    const long = await connectPackets(server, device, { keepalive: 3_600, clientId: 'long' });
    const none = await connectPackets(server, device, { keepalive: 0, clientId: 'none' });
    expect(long.connack.properties).toMatchObject({ serverKeepAlive: 60 });
    expect(none.connack.properties).not.toHaveProperty('serverKeepAlive');
  });

  it.each([
    ['a wrong password', { password: Buffer.from('no') }, 0x86],
    ['no credentials', { username: undefined, password: undefined }, 0x86],
    ['an authentication method', { properties: { authenticationMethod: 'SCRAM-SHA-1' } }, 0x8c],
    ['a client id that is too long', { clientId: 'x'.repeat(129) }, 0x85],
    ["a will into another's topic", { will: { topic: '$SYS/a', payload: 'x', qos: 0, retain: false } }, 0x87],
  ])('with %s is refused in CONNACK, with a reason', async (_what, more, reasonCode) => {
    const client = await openPackets(server);
    client.send(connect5(device, more));
    const connack = await client.next();
    expect(connack).toMatchObject({ cmd: 'connack', reasonCode, sessionPresent: false });
    expect(connack.properties).toHaveProperty('reasonString');
    await client.closed();
  });

  it.each([
    ['a receive maximum of 0', connectBytes([0x21, 0, 0]), 0x82],
    ['a maximum packet size of 0', connectBytes([0x27, 0, 0, 0, 0]), 0x82],
    ['authentication data without a method', connectBytes([0x16, 0, 1, 1]), 0x82],
    ['a property twice', connectBytes([0x21, 0, 1, 0x21, 0, 1]), 0x82],
    ['a flag that is none', connectBytes([0x17, 2]), 0x82],
    ['a property of PUBLISH', connectBytes([0x23, 0, 1]), 0x81],
    ['an unknown property', connectBytes([0x7f, 0]), 0x81],
    ['a property that ends too soon', connectBytes([0x11, 0, 0]), 0x81],
    ['the reserved flag', connectBytes([], 3), 0x81],
    ['a will with QoS 3', connectBytes([], 0x1e), 0x81],
    ['a QoS for no will', connectBytes([], 0x0a), 0x81],
    ['a client id that is not UTF-8', connectBytes([], 2, [0, 1, 0xff]), 0x81],
    ['bytes behind', connectBytes([], 2, [0, 1, 0x61, 0]), 0x81],
  ])('with %s is refused in CONNACK', async (_what, bytes, reasonCode) => {
    const client = await openPackets(server);
    client.sendBytes(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode });
    await client.closed();
  });

  it('and what follows it at once are answered in order, also a byte at a time', async () => {
    const topic = newTopic();
    const all = Buffer.concat([
      bytesOf(connect5(device, { clientId: 'bytes' })),
      bytesOf(subscribe(topic)),
      bytesOf(publish(topic, { qos: 1, messageId: 7 })),
      bytesOf({ cmd: 'pingreq' }),
    ]);
    for (const pieces of [[all], [...all].map((byte) => Buffer.from([byte]))]) {
      const client = await openPackets(server);
      for (const piece of pieces) client.sendBytes(piece);
      const cmds = [];
      for (let count = 0; count < 5; count++) cmds.push((await client.next()).cmd);
      expect(cmds[0]).toBe('connack');
      expect(cmds.sort()).toEqual(['connack', 'pingresp', 'puback', 'publish', 'suback']);
    }
  });
});

describe('a connected client', () => {
  it.each([
    ['a second CONNECT', () => bytesOf(connect5(device)), 0x82],
    ['AUTH', () => packet(0xf0), 0x82],
    ['a CONNACK', () => packet(0x20, 0, 0, 0), 0x82],
    ['the packet type 0', () => packet(0x00), 0x81],
    ['PINGREQ with flags', () => packet(0xc1), 0x81],
    ['SUBSCRIBE without its flag', () => packet(0x80, 0, 1, 0, ...topicBytes('a'), 0), 0x81],
    ['PUBLISH with QoS 3', () => packet(0x36, ...topicBytes('a'), 0, 1, 0), 0x81],
    ['PUBLISH with DUP and QoS 0', () => packet(0x38, ...topicBytes('a'), 0), 0x81],
    ['a topic that is not UTF-8', () => packet(0x30, 0, 1, 0xff, 0), 0x81],
    ['a topic with U+0000', () => packet(0x30, 0, 1, 0, 0), 0x81],
    ['a topic that is longer than its packet', () => packet(0x30, 0, 9, 0x61, 0), 0x81],
    ['properties that are longer than their packet', () => packet(0x30, ...topicBytes('a'), 9), 0x81],
    ['a length of more than four bytes', () => [0x30, 0x80, 0x80, 0x80, 0x80, 1], 0x81],
    ['an integer with bytes too many', () => packet(0x30, ...topicBytes('a'), 0x80, 0), 0x81],
    ['the packet identifier 0', () => packet(0x32, ...topicBytes('a'), 0, 0, 0), 0x82],
    ['no topic and no alias', () => packet(0x30, 0, 0, 0), 0x82],
    ['an alias for nothing', () => packet(0x30, 0, 0, 3, 0x23, 0, 1), 0x82],
    ['the alias 0', () => packet(0x30, ...topicBytes('a'), 3, 0x23, 0, 0), 0x94],
    ['an alias that is not offered', () => packet(0x30, ...topicBytes('a'), 3, 0x23, 0, 17), 0x94],
    ['a topic with a wildcard', () => packet(0x30, ...topicBytes('a/#'), 0), 0x90],
    ['a response topic with a wildcard', () => packet(0x30, ...topicBytes('a'), 4, 8, 0, 1, 0x2b), 0x82],
    ['a subscription identifier in PUBLISH', () => packet(0x30, ...topicBytes('a'), 2, 0x0b, 1), 0x82],
    ['a payload format that is none', () => packet(0x30, ...topicBytes('a'), 2, 1, 2), 0x82],
    ['a property of CONNECT in PUBLISH', () => packet(0x30, ...topicBytes('a'), 3, 0x21, 0, 1), 0x81],
    ['the subscription identifier 0', () => packet(0x82, 0, 1, 2, 0x0b, 0, ...topicBytes('a'), 0), 0x82],
    ['SUBSCRIBE without a filter', () => packet(0x82, 0, 1, 0), 0x82],
    ['a subscription with QoS 3', () => packet(0x82, 0, 1, 0, ...topicBytes('a'), 3), 0x82],
    ['the retain handling 3', () => packet(0x82, 0, 1, 0, ...topicBytes('a'), 0x30), 0x82],
    ['reserved subscription options', () => packet(0x82, 0, 1, 0, ...topicBytes('a'), 0x40), 0x81],
    ['no local for a shared subscription', () => packet(0x82, 0, 1, 0, ...topicBytes('$share/a/b'), 4), 0x82],
    ['UNSUBSCRIBE without a filter', () => packet(0xa2, 0, 1, 0), 0x82],
    ['PUBACK with a reason code it has not', () => packet(0x40, 0, 1, 0x81), 0x82],
    ['bytes behind PUBACK', () => packet(0x40, 0, 1, 0, 0, 0), 0x81],
    ['a session expiry that CONNECT had not', () => packet(0xe0, 0, 5, 0x11, 0, 0, 0, 5), 0x82],
    ['a packet that is too large', () => [0x30, 0xff, 0xff, 0x7f], 0x95],
  ])('that sends %s is told why, and cut', async (_what, bytes, reasonCode) => {
    const client = await connectPackets(server, device);
    client.sendBytes(bytes());
    const last = await client.next();
    expect(last).toMatchObject({ cmd: 'disconnect', reasonCode });
    await client.closed();
  });

  it('that asks and asks, and does not read, is cut before its answers fill the memory', async () => {
    const client = await connectPackets(server, device);
    client.stopReading();
    const pings = Buffer.alloc(1_000_000, bytesOf({ cmd: 'pingreq' }));
    for (let megabytes = 0; megabytes < 40; megabytes++) client.sendBytes(pings);
    await client.closed();
  });

  it('that is silent for one and a half of its keep-alive is told so, and cut', async () => {
    const client = await connectPackets(server, device, { keepalive: 1 });
    expect(await client.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8d });
    await client.closed();
  });

  it('whose session another connection takes over is told so, whichever version that has', async () => {
    const clientId = 'taken';
    const first = await connectPackets(server, device, { clientId });
    const second = await connectPackets(server, device, { clientId });
    expect(await first.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    const third = await openPackets(server);
    third.sendBytes(bytesOf({ ...connect5(device, { clientId }), protocolVersion: 4 }));
    expect(await second.next()).toMatchObject({ cmd: 'disconnect', reasonCode: 0x8e });
    const fourth = await connectPackets(server, device, { clientId });
    await third.closed();
    expect(fourth.connack.reasonCode).toBe(0);
  });

  it('whose device is removed is told that it may not any more', async () => {
    const gone = await newDevice();
    const client = await connectPackets(server, gone);
    await server.request('DELETE', `/api/v1/devices/${gone.deviceId}`, {
      token: world.alice.token,
      expect: 200,
    });
    const last = await client.next();
    expect(last.cmd).toBe('disconnect');
    expect(last.reasonCode).toBeGreaterThanOrEqual(0x80);
    await client.closed();
  });
});

describe('a publication', () => {
  it('of QoS 2 is a handshake, of which every repetition is answered and none published again', async () => {
    const topic = newTopic();
    const client = await connectPackets(server, device);
    client.send(subscribe(topic, { qos: 0 }));
    await client.next();
    client.send(
      publish(topic, { qos: 2, messageId: 5 }),
      publish(topic, { qos: 2, messageId: 5, dup: true }),
    );
    const cmds = [await client.next(), await client.next(), await client.next()].map(({ cmd }) => cmd);
    expect(cmds.sort()).toEqual(['publish', 'pubrec', 'pubrec']);
    client.send(ack('pubrel', 5));
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 5, reasonCode: 0 });
    client.send(ack('pubrel', 5));
    expect(await client.next()).toMatchObject({ cmd: 'pubcomp', messageId: 5, reasonCode: 0x92 });
  });

  it('where the client may not is refused by its acknowledgement, and the connection stays', async () => {
    const client = await connectPackets(server, device);
    client.send(publish('$SYS/a'), publish('$SYS/a', { qos: 1, messageId: 1 }));
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 1, reasonCode: 0x87 });
    client.send(publish('$SYS/a', { qos: 2, messageId: 2 }));
    const pubrec = await client.next();
    expect(pubrec).toMatchObject({ cmd: 'pubrec', messageId: 2, reasonCode: 0x87 });
    expect(pubrec.properties).toHaveProperty('reasonString');
    client.send(publish(newTopic(), { qos: 2, messageId: 2 }));
    expect(await client.next()).toMatchObject({ cmd: 'pubrec', messageId: 2, reasonCode: 0 });
    client.send(publish('a/'.repeat(100), { qos: 1, messageId: 3 }));
    expect(await client.next()).toMatchObject({ cmd: 'puback', messageId: 3, reasonCode: 0x90 });
  });

  it('of a plain device that can not be understood is refused with its code and reason', async () => {
    const client = await connectPackets(server, device);
    client.send(publish(`devices/${device.deviceId}/readings/t`, { qos: 1, messageId: 3 }));
    const puback = await client.next();
    expect(puback).toMatchObject({ cmd: 'puback', messageId: 3, reasonCode: 0x99 });
    expect(puback.properties).toMatchObject({ reasonString: expect.stringMatching(/^malformed_json: /) });
  });

  it('is refused without a reason where the client wants none, or takes no packet of that size', async () => {
    for (const properties of [{ requestProblemInformation: false }, { maximumPacketSize: 30 }]) {
      const client = await openPackets(server);
      client.send(connect5(device, { properties }));
      await client.next();
      client.send(publish('$SYS/a', { qos: 1, messageId: 1 }));
      const puback = await client.next();
      expect(puback).toMatchObject({ cmd: 'puback', reasonCode: 0x87 });
      expect(puback.properties).toBeUndefined();
    }
  });

  it('too many at once ends the connection', async () => {
    const client = await connectPackets(server, device);
    const topic = newTopic();
    for (let messageId = 1; messageId <= 257; messageId++) client.send(publish(topic, { qos: 2, messageId }));
    let last = await client.next();
    while (last.cmd === 'pubrec') last = await client.next();
    expect(last).toMatchObject({ cmd: 'disconnect', reasonCode: 0x93 });
  });

  it('by an alias goes to its topic, and takes none along', async () => {
    const [topic, other] = [newTopic(), newTopic()];
    const client = await connectPackets(server, device);
    client.send(subscribe('packets/#', { qos: 0 }));
    await client.next();
    const aliased = (name: string) => publish(name, { properties: { topicAlias: 16, contentType: 'a' } });
    client.send(aliased(topic), aliased(''), aliased(other), aliased(''));
    const heard = [await client.next(), await client.next(), await client.next(), await client.next()];
    expect(heard.map((packet) => packet.topic)).toEqual([topic, topic, other, other]);
    expect(heard[1]?.properties).toEqual({ contentType: 'a' });
  });
});

describe('what a client gets', () => {
  it('is no more at once than its receive maximum, and goes on with each acknowledgement', async () => {
    const topic = newTopic();
    const client = await connectPackets(server, device, { properties: { receiveMaximum: 2 } });
    client.send(subscribe(topic, { qos: 2 }));
    await client.next();
    const publisher = await connectPackets(server, await newDevice());
    for (let messageId = 1; messageId <= 4; messageId++) {
      publisher.send(
        publish(topic, { qos: messageId % 2 === 0 ? 1 : 2, messageId, payload: String(messageId) }),
      );
      await publisher.next();
    }
    const first = await client.next();
    const second = await client.next();
    client.send({ cmd: 'pingreq' });
    expect(await client.next()).toMatchObject({ cmd: 'pingresp' });
    client.send(ack('puback', second.messageId as number));
    const third = await client.next();
    expect(String(third.payload)).toBe('3');
    client.send(ack('pubrec', first.messageId as number));
    expect(await client.next()).toMatchObject({ cmd: 'pubrel', messageId: first.messageId, reasonCode: 0 });
    client.send(ack('pubcomp', first.messageId as number));
    expect(String((await client.next()).payload)).toBe('4');
  });

  it('is over with a PUBREC that fails, and PUBREC for nothing is answered so', async () => {
    const topic = newTopic();
    const client = await connectPackets(server, device, { properties: { receiveMaximum: 1 } });
    client.send(subscribe(topic, { qos: 2 }));
    await client.next();
    const publisher = await connectPackets(server, await newDevice());
    for (const messageId of [1, 2])
      publisher.send(publish(topic, { qos: 2, messageId, payload: String(messageId) }));
    const first = await client.next();
    client.send(ack('pubrec', first.messageId as number, 0x83));
    const second = await client.next();
    expect([String(first.payload), String(second.payload)]).toEqual(['1', '2']);
    client.send(ack('pubrec', 999));
    expect(await client.next()).toMatchObject({ cmd: 'pubrel', messageId: 999, reasonCode: 0x92 });
  });

  it('is never larger than it takes, and what is goes past it', async () => {
    const topic = newTopic();
    const more = { clientId: 'small', clean: false };
    for (const properties of [
      { maximumPacketSize: 60 },
      { maximumPacketSize: 60, sessionExpiryInterval: 60 },
    ]) {
      const client = await connectPackets(server, device, { ...more, properties });
      client.send(subscribe(topic, { qos: 1 }));
      await client.next();
      const publisher = await connectPackets(server, await newDevice());
      for (const [index, bytes] of [100, 10, 100, 11].entries())
        publisher.send(
          publish(topic, { qos: index % 2 === 0 ? 1 : 0, messageId: 1, payload: 'x'.repeat(bytes) }),
        );
      publisher.send(publish(topic, { qos: 1, messageId: 1, payload: 'end' }));
      const heard = [await client.next(), await client.next(), await client.next()];
      expect(heard.map(({ payload }) => String(payload).length).sort()).toEqual([10, 11, 3]);
    }
  });

  it('has aliases for as many topics as it takes, and no more', async () => {
    const [first, second] = [newTopic(), newTopic()];
    const client = await connectPackets(server, device, { properties: { topicAliasMaximum: 1 } });
    client.send(subscribe('packets/#', { qos: 1 }));
    await client.next();
    const publisher = await connectPackets(server, await newDevice());
    for (const [topic, qos] of [
      [first, 0],
      [first, 1],
      [second, 0],
      [first, 0],
    ] as const)
      publisher.send(publish(topic, { qos, messageId: 1 }));
    const heard = [await client.next(), await client.next(), await client.next(), await client.next()];
    expect(heard.map(({ topic, properties }) => [topic, properties])).toEqual([
      [first, { topicAlias: 1 }],
      ['', { topicAlias: 1 }],
      [second, undefined],
      ['', { topicAlias: 1 }],
    ]);
  });
});

describe('SUBSCRIBE and UNSUBSCRIBE', () => {
  it('say of each filter what became of it', async () => {
    const client = await connectPackets(server, device);
    const filters = [newTopic(), '$share/group/a', 'a/#/b', '$SYS/#', 'b+', 'a'.repeat(1_025)];
    client.send({
      cmd: 'subscribe',
      messageId: 9,
      subscriptions: filters.map((topic) => ({ topic, qos: 1, nl: false, rap: false, rh: 0 })),
    });
    expect(await client.next()).toMatchObject({
      cmd: 'suback',
      messageId: 9,
      granted: [1, 0x9e, 0x8f, 0x87, 0x8f, 0x8f],
    });
    client.send({ cmd: 'unsubscribe', messageId: 10, unsubscriptions: [filters[0], 'never', 'a/#/b'] });
    expect(await client.next()).toMatchObject({ cmd: 'unsuback', messageId: 10, granted: [0, 0x11, 0x8f] });
  });
});
