import { expect, it } from 'vitest';
import { BrokerConnection } from '../../../server/platform/mqtt/connection.ts';
import type { PacketGate } from '../../../server/platform/mqtt/packet-gate.ts';
import { WIRE_OF_3_1_1 } from '../../../server/platform/mqtt/wire.ts';
import { keptOf } from '../../support/collected.ts';

it('a device in several networks that takes one message at a time is given all that their windows allow', () => {
  const gate = { on: () => {}, writableLength: 0, write: () => {} } as never as PacketGate;
  const wire = { ...WIRE_OF_3_1_1, receiveMax: 1 };
  const limits = { outgoingBytesMax: 1, unacknowledgedMessagesMax: 10, drainTimeoutMs: 1_000 };
  const events = { acknowledged() {}, tooSlow() {}, dropped() {} };
  const connection = new BrokerConnection(gate, { clientId: 'a', remoteAddress: '' }, wire, limits, events);
  connection.subscribed('t', 1);
  const frame = new Uint8Array(250_000);
  for (let token = 1; token <= 25; token++) expect(connection.deliver('t', frame, token)).toBe(true);
  connection.markClosed();
});

it('a client that is always behind costs memory for what waits, and for nothing that it has', async () => {
  const sent: number[] = [];
  const gate = { on: () => {}, writableLength: 0, write: () => {} } as never as PacketGate;
  const wire = { ...WIRE_OF_3_1_1, receiveMax: 1 };
  const limits = { outgoingBytesMax: 1, unacknowledgedMessagesMax: 10, drainTimeoutMs: 1_000 };
  const events = { acknowledged: (token: number) => void sent.push(token), tooSlow() {}, dropped() {} };
  const connection = new BrokerConnection(gate, { clientId: 'a', remoteAddress: '' }, wire, limits, events);
  connection.subscribed('t', 1);
  const payloads = Array.from({ length: 100 }, (_, token) => {
    const payload = new Uint8Array(1_000);
    expect(connection.deliver('t', payload, token)).toBe(true);
    return new WeakRef(payload);
  });
  for (let messageId = 1; messageId <= 90; messageId++) connection.confirmed(messageId);
  expect(sent.length).toBe(90);
  expect(await keptOf(payloads)).toBeLessThanOrEqual(10);
  connection.markClosed();
});
