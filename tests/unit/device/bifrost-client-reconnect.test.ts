import { describe, expect, it } from 'vitest';
import { FrameType } from '../../../proto/index.ts';
import { closings, connected, OTHER_DEVICE, reading, setUp } from '../../support/bifrost-client.ts';

describe('reconnecting', () => {
  it('happens at once after a session, then with growing delays up to 30 s', async () => {
    const { server, client, clock } = await connected();
    const delays = closings(client);
    server.connection.end();
    clock.advance(0);
    for (let attempt = 0; attempt < 12; attempt++) {
      server.connection.end();
      clock.advance(30_000);
    }
    expect(delays[0]).toBe(0);
    const ceilings = [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000, 30_000, 30_000];
    for (const [index, ceiling] of ceilings.entries()) {
      expect(delays[index + 1]).toBeLessThanOrEqual(ceiling);
      expect(delays[index + 1]).toBeGreaterThanOrEqual(ceiling / 2);
    }
    client.close();
  });

  it('is not hurried when sessions end as soon as they begin', async () => {
    const { server, client, clock } = await connected();
    const delays = closings(client);
    for (let count = 0; count < 3; count++) {
      server.connection.end();
      clock.advance(1_000);
      server.connection.welcome();
    }
    expect(delays[0]).toBe(0);
    expect(delays[1]).toBeGreaterThan(0);
    expect(delays[2]).toBeGreaterThan(delays[1] as number);
    clock.advance(5_000);
    server.connection.end();
    expect(delays[3]).toBe(0);
    client.close();
  });

  it.each([
    [4401, 'unauthenticated'],
    [4409, 'session_replaced'],
  ])('never happens after close code %i', async (code, name) => {
    const { server, client, clock } = await connected();
    const delays = closings(client);
    const sent = client.publish({ name: 'led.state', value: true, unit: '' });
    server.connection.end(code, name);
    clock.advance(60_000);
    await expect(sent).rejects.toMatchObject({ code: name });
    expect(delays).toEqual([null]);
    expect(server.connections).toHaveLength(1);
    await expect(client.connect()).rejects.toMatchObject({ code: 'client_closed' });
  });

  it('never happens when the closing handshake names a refusal that is for good', async () => {
    const { server, client, clock } = setUp();
    const delays = closings(client);
    const start = client.connect();
    server.connection.end(1008, 'frame_signature_wrong');
    clock.advance(60_000);
    await expect(start).rejects.toMatchObject({ code: 'frame_signature_wrong' });
    expect(delays).toEqual([null]);
    expect(server.connections).toHaveLength(1);
  });

  it('happens when the closing handshake names one that passes', async () => {
    const { server, client, clock } = await connected();
    server.connection.end(1008, 'rate_limited');
    clock.advance(0);
    expect(server.connections).toHaveLength(2);
    client.close();
  });

  it('ends at the signal', async () => {
    const { server, client, clock } = setUp();
    const controller = new AbortController();
    const start = client.connect({ signal: controller.signal });
    server.connection.end();
    controller.abort();
    await expect(start).rejects.toMatchObject({ code: 'aborted' });
    clock.advance(60_000);
    expect(server.connections).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer behind when the server ends the session before an acknowledgement went out', async () => {
    const { server, clock } = await connected();
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(1), 1);
    expect(clock.pending).toBe(1);
    server.connection.end(4409, 'session_replaced');
    expect(clock.pending).toBe(0);
  });

  it('leaves no timer behind when the client is closed', async () => {
    const { server, client, clock } = await connected();
    server.connection.push({ type: FrameType.EVENT, sourceId: OTHER_DEVICE }, reading(1), 1);
    client.close();
    expect(clock.pending).toBe(0);
    expect(server.connection.all(FrameType.ACK)).toHaveLength(1);
    expect(server.connection.closedByClient).toBe(true);
  });
});
