import { describe, expect, it } from 'vitest';
import { Ack, decodePayload, FrameType, Hello } from '../../../proto/index.ts';
import { connected, OTHER_DEVICE, reading } from '../../support/bifrost-client.ts';
import type { StandInServer } from '../../support/bifrost-server.ts';
import { turn } from '../../support/clock.ts';

describe('the stream', () => {
  it('delivers stored frames once and acknowledges them together', async () => {
    const { server, client, clock } = await connected();
    const values: unknown[] = [];
    client.on('event', ({ value }) => values.push(value));
    for (const offset of [11, 12, 15, 12]) {
      server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(offset), offset);
    }
    expect(values).toEqual([11, 12, 15]);
    expect(server.connection.all(FrameType.ACK)).toHaveLength(0);
    clock.advance(50);
    expect(server.connection.all(FrameType.ACK)).toHaveLength(1);
    expect(decodePayload(Ack, server.connection.last(FrameType.ACK).payload).offset).toBe(15);
    expect(client.position).toEqual({ epoch: 'epoch-1', offset: 15 });
  });

  it('acknowledges 100 frames without waiting', async () => {
    const { server } = await connected();
    for (let offset = 1; offset <= 100; offset++) {
      server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(offset), offset);
    }
    expect(decodePayload(Ack, server.connection.last(FrameType.ACK).payload).offset).toBe(100);
  });

  it('acknowledges nothing past a frame whose listener is still at work', async () => {
    const { server, client, clock } = await connected();
    const finish: (() => void)[] = [];
    client.on('event', ({ value }) =>
      value === 1 ? new Promise<void>((resolve) => finish.push(resolve)) : null,
    );
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(1), 1);
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(2), 2);
    expect(client.position).toBeNull();
    finish[0]?.();
    await turn();
    clock.advance(50);
    expect(decodePayload(Ack, server.connection.last(FrameType.ACK).payload).offset).toBe(2);
    expect(client.position?.offset).toBe(2);
  });

  it('goes on where it stopped after a reconnect, and from the start in a new epoch', async () => {
    const { server, client, clock } = await connected();
    const values: unknown[] = [];
    client.on('event', ({ value }) => values.push(value));
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(7), 7);
    server.connection.end();
    clock.advance(0);
    const hello = decodePayload(Hello, helloOf(server));
    expect(hello.resume).toMatchObject({ epoch: 'epoch-1', offset: 7 });
    server.connection.welcome({ head: { epoch: 'epoch-2', offset: 3 }, recovered: false });
    expect(client.recovered).toBe(false);
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(4), 4);
    expect(values).toEqual([7, 4]);
    expect(client.position).toEqual({ epoch: 'epoch-2', offset: 4 });
  });
});

describe('a stream that went back, in the same epoch', () => {
  it.each([
    ['handled', 10],
    ['received and still being handled', 5],
  ])('is read from its own head on, though more of the old one was %s', async (_what, handledUpTo) => {
    const { server, client, clock } = await connected();
    const values: unknown[] = [];
    client.on('event', ({ value }) => {
      values.push(value);
      return Number(value) > handledUpTo && Number(value) <= 10 ? new Promise(() => {}) : null;
    });
    const push = (value: number, offset: number) =>
      server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(value), offset);
    for (let offset = 1; offset <= 10; offset++) push(offset, offset);
    expect(client.position?.offset).toBe(handledUpTo);
    server.connection.end();
    clock.advance(0);
    server.connection.welcome({ head: { epoch: 'epoch-1', offset: 7 }, recovered: false });
    values.length = 0;
    for (const offset of [8, 9, 10]) push(offset + 100, offset);
    expect(values).toEqual([108, 109, 110]);
    expect(client.position).toEqual({ epoch: 'epoch-1', offset: 10 });
  });

  it('is the same stream when it ends where we stopped', async () => {
    const { server, client, clock } = await connected();
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(7), 7);
    server.connection.end();
    clock.advance(0);
    server.connection.welcome({ head: { epoch: 'epoch-1', offset: 7 } });
    expect(client.position).toEqual({ epoch: 'epoch-1', offset: 7 });
  });
});

function helloOf(server: StandInServer): Uint8Array {
  server.connection.open();
  return server.connection.last(FrameType.HELLO).payload;
}
