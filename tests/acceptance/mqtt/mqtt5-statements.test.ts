import { describe, expect, it } from 'vitest';
import {
  ack,
  bytesOf,
  connect5,
  connectBytes,
  openPackets,
  packetBytes,
  publish,
  subscribe,
  topicBytes,
  until,
} from './packet-client.ts';
import { startPacketWorld } from './packet-world.ts';

/** What MQTT 5 asks of a broker and no other test of ours holds; `mqtt5-statements.ts` says which test holds which statement. */

const { server, device, newTopic, connected, subscribed } = await startPacketWorld('statements');

describe('CONNECT', () => {
  const USER_NAME = 0x80;
  const PASSWORD = 0x40;
  const WILL = 0x04;

  it.each([
    ['a will that is not there', connectBytes([], 2 | WILL), 0x81],
    [
      'a will without a payload',
      connectBytes([], 2 | WILL, [...topicBytes('a'), 0, ...topicBytes('w')]),
      0x81,
    ],
    ['a user name that is not there', connectBytes([], 2 | USER_NAME), 0x81],
    [
      'a password that is not there',
      connectBytes([], 2 | USER_NAME | PASSWORD, [...topicBytes('a'), ...topicBytes('u')]),
      0x81,
    ],
    [
      'a user name that is not announced',
      connectBytes([], 2, [...topicBytes('a'), ...topicBytes('u')]),
      0x81,
    ],
    [
      'a will topic that is not UTF-8',
      connectBytes([], 2 | WILL, [...topicBytes('a'), 0, 0, 1, 0xff, 0, 0]),
      0x81,
    ],
    [
      'a user name that is not UTF-8',
      connectBytes([], 2 | USER_NAME, [...topicBytes('a'), 0, 1, 0xff]),
      0x81,
    ],
    ['a user property that is not UTF-8', connectBytes([0x26, 0, 1, 0x61, 0, 1, 0xff]), 0x81],
    ['no client id', connectBytes([], 2, []), 0x81],
  ])('with %s is refused in CONNACK, and DISCONNECT never follows', async (_what, bytes, reasonCode) => {
    const client = await openPackets(server);
    client.sendBytes(bytes);
    expect(await client.next()).toMatchObject({ cmd: 'connack', reasonCode, sessionPresent: false });
    await client.closed();
    expect(client.heard).toHaveLength(1);
  });

  it.each([
    ['of another protocol', packetBytes(0x10, 0, 4, 0x4d, 0x51, 0x54, 0x58, 5, 2, 0, 60, 0, 0, 1, 0x61)],
    ['of a version to come', packetBytes(0x10, 0, 4, 0x4d, 0x51, 0x54, 0x54, 6, 2, 0, 60, 0, 0, 1, 0x61)],
    ['with reserved flags', [0x11, ...connectBytes([]).slice(1)]],
    ['that comes behind another packet', [0xc0, 0, ...connectBytes([])]],
  ])('%s ends its connection', async (_what, bytes) => {
    const client = await openPackets(server);
    client.sendBytes(bytes);
    await client.closed();
    expect(client.heard.every(({ cmd }) => cmd === 'connack')).toBe(true);
  });

  it('that is refused lets nothing happen that was sent behind it', async () => {
    const topic = newTopic();
    const listener = await subscribed(topic);
    const stranger = await openPackets(server);
    stranger.send(
      connect5(device, { password: Buffer.from('no') }),
      publish(topic, { qos: 1, messageId: 1 }),
    );
    await stranger.closed();
    expect(stranger.heard.map(({ cmd }) => cmd)).toEqual(['connack']);
    listener.send(publish(topic, { payload: 'end' }));
    expect(await until(listener, 'end')).toEqual([]);
  });

  it('takes client ids of 1 to 23 letters and digits, and gives each client without one another', async () => {
    for (const clientId of ['a', '0123456789abcdefghijklm', 'nopqrstuvwxyzABCDEFGHIJ', 'KLMNOPQRSTUVWXYZ'])
      expect((await connected({ clientId })).connack.reasonCode).toBe(0);
    const clients = [await connected({ clientId: '' }), await connected({ clientId: '' })];
    const ids = clients.map(
      ({ connack }) => (connack.properties as { assignedClientIdentifier: string }).assignedClientIdentifier,
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('is answered with as few bytes as the client takes, and without information for responses', async () => {
    const client = await openPackets(server);
    const small = { properties: { maximumPacketSize: 8, requestResponseInformation: true } };
    client.send(connect5(device, { password: Buffer.from('no'), ...small }));
    const connack = await client.next();
    expect(connack).toMatchObject({ cmd: 'connack', reasonCode: 0x86 });
    expect(client.bytes()).toEqual(Buffer.from([0x20, 3, 0, 0x86, 0]));
    for (const asks of [true, false]) {
      const { connack: accepted } = await connected({ properties: { requestResponseInformation: asks } });
      expect(accepted.properties).not.toHaveProperty('responseInformation');
    }
  });

  it('is answered with flags that are 0 but for session present, and no properties are a length of 0', async () => {
    const client = await connected();
    expect(client.bytes()[0]).toBe(0x20);
    expect((client.bytes()[2] as number) & 0xfe).toBe(0);
    const before = client.bytes().length;
    client.send(subscribe(newTopic(), { qos: 1 }));
    await client.next();
    expect(client.bytes().subarray(before)).toEqual(Buffer.from([0x90, 4, 0, 1, 0, 1]));
  });
});

describe('a connected client', () => {
  it.each([
    ['PUBREL without its flag', packetBytes(0x60, 0, 1), 0x81],
    ['UNSUBSCRIBE without its flag', packetBytes(0xa0, 0, 1, 0, ...topicBytes('a')), 0x81],
    ['DISCONNECT with flags', packetBytes(0xe1), 0x81],
    ['AUTH with flags', packetBytes(0xf1, 0x18), 0x82],
    ['DISCONNECT with a reason code that is the server’s', packetBytes(0xe0, 0x8b), 0x82],
    ['PUBREC with a reason code it has not', packetBytes(0x50, 0, 1, 0x92), 0x82],
    ['PUBREL with a reason code it has not', packetBytes(0x62, 0, 1, 0x10), 0x82],
    ['PUBCOMP with a reason code it has not', packetBytes(0x70, 0, 1, 0x10), 0x82],
    ['a filter that is not UTF-8', packetBytes(0x82, 0, 1, 0, 0, 1, 0xff, 0), 0x81],
    ['a filter to leave that is not UTF-8', packetBytes(0xa2, 0, 1, 0, 0, 1, 0xff), 0x81],
    ['a surrogate in a topic', packetBytes(0x30, 0, 3, 0xed, 0xa0, 0x80, 0), 0x81],
    ['a response topic that is not UTF-8', packetBytes(0x30, ...topicBytes('a'), 4, 8, 0, 1, 0xff), 0x81],
    ['a content type that is not UTF-8', packetBytes(0x30, ...topicBytes('a'), 4, 3, 0, 1, 0xff), 0x81],
    [
      'half of a user property that is not UTF-8',
      packetBytes(0x30, ...topicBytes('a'), 7, 0x26, 0, 1, 0xff, 0, 1, 0x61),
      0x81,
    ],
    ['SUBSCRIBE with the packet identifier 0', packetBytes(0x82, 0, 0, 0, ...topicBytes('a'), 0), 0x82],
    ['UNSUBSCRIBE with the packet identifier 0', packetBytes(0xa2, 0, 0, 0, ...topicBytes('a')), 0x82],
  ])('that sends %s is told why, hears no more, and is cut', async (_what, bytes, reasonCode) => {
    const client = await connected();
    client.sendBytes(bytes, bytesOf({ cmd: 'pingreq' }));
    const last = await client.next();
    expect(last).toMatchObject({ cmd: 'disconnect', reasonCode });
    await client.closed();
    expect(client.heard).toHaveLength(2);
    // [MQTT-3.14.2-2]: it is the client's to say how long its session lasts.
    expect(last.properties ?? {}).not.toHaveProperty('sessionExpiryInterval');
  });

  it('is told in DISCONNECT and SUBACK no more than it takes', async () => {
    const client = await connected({ properties: { maximumPacketSize: 20 } });
    client.sendBytes(packetBytes(0x30, 0, 0, 0));
    await client.closed();
    expect(client.heard.at(-1)).toMatchObject({ cmd: 'disconnect', reasonCode: 0x82 });
    expect(client.heard.at(-1)?.properties).toBeUndefined();
  });

  it('that wants no reasons gets none with any acknowledgement', async () => {
    const client = await connected({ properties: { requestProblemInformation: false } });
    client.send(
      publish('$SYS/a', { qos: 2, messageId: 1 }),
      ack('pubrel', 9),
      subscribe('$SYS/a'),
      { cmd: 'unsubscribe', messageId: 3, unsubscriptions: ['never'] },
      ack('pubrec', 9),
    );
    const answers = [];
    for (let count = 0; count < 5; count++) answers.push(await client.next());
    expect(answers.map(({ cmd }) => cmd).sort()).toEqual([
      'pubcomp',
      'pubrec',
      'pubrel',
      'suback',
      'unsuback',
    ]);
    for (const { properties } of answers) expect(properties ?? {}).toEqual({});
  });
});
