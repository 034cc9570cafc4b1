import { beforeEach, describe, expect, it } from 'vitest';
import { type BifrostSocket, connectRatatoskr, type RatatoskrClient } from '../../../device/client/index.ts';
import {
  BusinessRequest,
  BusinessResponse,
  ConnectionRequest,
  ConnectionResponse,
  Disconnect,
  decodePayload,
  type ErrorCodeName,
  encodePayload,
  errorCodeNumber,
  Heartbeat,
  RatatoskrType,
  StreamCredit,
  StreamData,
} from '../../../proto/index.ts';
import { RatatoskrSession, TIMES_FEATURE } from '../../../proto/ratatoskr/index.ts';
import { nodeNoiseCrypto } from '../../../proto/ratatoskr/node.ts';
import { FakeClock } from '../../support/clock.ts';
import { createDeviceCore } from '../../support/core.ts';

const core = createDeviceCore();
const serverKey = nodeNoiseCrypto.generateKeyPair();

/** The server's end of one connection; a test says what it answers. */
class StandInSession implements BifrostSocket {
  binaryType = '';
  bufferedAmount = 0;
  onopen: ((event: never) => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onerror: ((event: { message?: string }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  /** What was asked for, by the request's number, and when each was sent. */
  readonly asked = new Map<number, string>();
  readonly sentAtMs: number[] = [];
  readonly credits: number[] = [];
  refusal: ErrorCodeName | null = null;
  ticket = new Uint8Array(0);
  heartbeatIntervalMs = 0;
  features = 0;
  /** Its time; 0: it doesn't say. */
  serverTimeMs = 0;
  isSilent = false;
  /** Who the client says it is. */
  shown: InstanceType<typeof ConnectionRequest> | null = null;
  readonly #session = RatatoskrSession.await(
    { staticKeys: [serverKey] },
    { crypto: nodeNoiseCrypto, signer: core },
  );

  open(): void {
    this.onopen?.(undefined as never);
  }

  send(bytes: Uint8Array): void {
    const { reply, message } = this.#session.receive(bytes);
    if (reply !== null) this.#deliver(reply);
    if (message?.type === RatatoskrType.CONNECTION_REQUEST) {
      this.shown = decodePayload(ConnectionRequest, message.payload);
      this.#welcome();
    }
    if (message?.type === RatatoskrType.BUSINESS_REQUEST) {
      const { operation, sentAtMs } = decodePayload(BusinessRequest, message.payload);
      this.asked.set(message.sequence, operation);
      this.sentAtMs.push(sentAtMs);
    }
    if (message?.type === RatatoskrType.HEARTBEAT && !this.isSilent) {
      this.#push(RatatoskrType.HEARTBEAT, encodePayload(Heartbeat, { serverTimeMs: this.serverTimeMs }));
    }
    if (message?.type === RatatoskrType.STREAM_CREDIT) {
      this.credits.push(decodePayload(StreamCredit, message.payload).bytes);
    }
  }

  close(): void {}

  /** Answers a request with a body of JSON, or the beginning of one. */
  answer(operation: string, body: string, more = false, status = 200): number {
    const [request] = [...this.asked].findLast(([, name]) => name === operation) ?? [0];
    const response = {
      request,
      status,
      contentType: 'application/json',
      body: Buffer.from(body),
      more,
      serverTimeMs: this.serverTimeMs,
    };
    this.#push(RatatoskrType.BUSINESS_RESPONSE, encodePayload(BusinessResponse, response));
    return request;
  }

  stream(request: number, text: string, last: boolean): void {
    this.#push(
      RatatoskrType.STREAM_DATA,
      encodePayload(StreamData, { request, data: Buffer.from(text), last }),
    );
  }

  /** The connection is lost. */
  lose(): void {
    this.onclose?.({ code: 1006, reason: '' });
  }

  #welcome(): void {
    if (this.refusal === null) {
      const { ticket, heartbeatIntervalMs, features, serverTimeMs } = this;
      const response = { requestsMax: 3, heartbeatIntervalMs, ticket, features, serverTimeMs };
      this.#push(RatatoskrType.CONNECTION_RESPONSE, encodePayload(ConnectionResponse, response));
      return;
    }
    const code = errorCodeNumber(this.refusal);
    this.#push(RatatoskrType.DISCONNECT, encodePayload(Disconnect, { code, message: 'No.' }));
  }

  #push(type: RatatoskrType, payload: Uint8Array): void {
    this.#deliver(this.#session.send(type, payload));
  }

  #deliver(bytes: Uint8Array): void {
    this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  }
}

let clock: FakeClock;
let sessions: StandInSession[];
let client: RatatoskrClient;

const sessionNumber = (number: number): StandInSession => {
  const session = sessions[number];
  if (session === undefined) throw new Error(`there is no session ${number}`);
  return session;
};

beforeEach(() => {
  clock = new FakeClock();
  sessions = [];
  client = connectRatatoskr(
    { url: 'ws://server/ratatoskr', credentials: { token: 'ygu_x' } },
    {
      core,
      crypto: nodeNoiseCrypto,
      clock,
      random: { uuid: () => '', fraction: () => 0 },
      openSocket: () => {
        const session = new StandInSession();
        sessions.push(session);
        return session;
      },
    },
  ) as RatatoskrClient;
});

describe('a client of Ratatoskr', () => {
  it('asks again, in the next session, for what does no harm twice, and for nothing else', async () => {
    sessionNumber(0).open();
    const reading = client.request('a.read', {}, { isIdempotent: true });
    const writing = client.request('a.write');
    const paying = client.request('a.pay', { headers: { 'Idempotency-Key': 'k' } });
    expect([...sessionNumber(0).asked.values()]).toEqual(['a.read', 'a.write', 'a.pay']);
    sessionNumber(0).lose();
    await expect(writing).rejects.toMatchObject({ code: 'session_lost' });
    clock.advance(1_000);
    sessionNumber(1).open();
    expect([...sessionNumber(1).asked.values()].sort()).toEqual(['a.pay', 'a.read']);
    sessionNumber(1).answer('a.read', '{"read":true}');
    sessionNumber(1).answer('a.pay', '{"paid":true}');
    expect(await Promise.all([reading, paying])).toEqual([{ read: true }, { paid: true }]);
  });

  it('resumes its session by the ticket it was given, and shows its token again where that is refused', () => {
    sessionNumber(0).ticket = Uint8Array.of(1, 2, 3);
    sessionNumber(0).open();
    sessionNumber(0).lose();
    clock.advance(1_000);
    sessionNumber(1).refusal = 'session_not_resumable';
    sessionNumber(1).open();
    clock.advance(2_000);
    sessionNumber(2).open();
    const shown = sessions.map(({ shown }) => [shown?.token, [...(shown?.ticket ?? [])]]);
    expect(shown).toEqual([
      ['ygu_x', []],
      ['', [1, 2, 3]],
      ['ygu_x', []],
    ]);
    expect(client.state).toBe('open');
  });

  it('counts from the server’s clock, as it is told it with the session, each HEARTBEAT and a refusal', () => {
    const session = sessionNumber(0);
    Object.assign(session, { heartbeatIntervalMs: 1_000, features: TIMES_FEATURE, serverTimeMs: 5_000_000 });
    session.open();
    clock.advance(100);
    client.request('a.first').catch(() => {});
    session.serverTimeMs = 9_000_000;
    clock.advance(900);
    client.request('a.second').catch(() => {});
    session.serverTimeMs = 12_000_000;
    session.answer('a.first', '{}');
    client.request('a.third').catch(() => {});
    expect(session.sentAtMs).toEqual([5_000_100, 9_000_200, 12_000_000]);
  });

  it('asks once more, by the server’s time, what was refused for its own, and not a third time', async () => {
    const session = sessionNumber(0);
    Object.assign(session, { features: TIMES_FEATURE, serverTimeMs: 5_000_000 });
    session.open();
    const asked = client.request('a.change');
    session.serverTimeMs = 9_000_000;
    const refusal = '{"error":{"code":"ratatoskr_clock_wrong","message":"No."}}';
    session.answer('a.change', refusal, false, 400);
    expect(session.sentAtMs).toEqual([5_000_000, 9_000_000]);
    session.answer('a.change', refusal, false, 400);
    await expect(asked).rejects.toMatchObject({ code: 'ratatoskr_clock_wrong' });
    expect(session.sentAtMs).toHaveLength(2);
  });

  it('says no times to a server that does not ask for them', () => {
    sessionNumber(0).open();
    client.request('a.first').catch(() => {});
    expect(sessionNumber(0).sentAtMs).toEqual([0]);
  });

  it('takes a server that is silent for gone', () => {
    sessionNumber(0).isSilent = true;
    sessionNumber(0).heartbeatIntervalMs = 1_000;
    sessionNumber(0).open();
    clock.advance(1_000);
    expect(client.state).toBe('open');
    clock.advance(2_000);
    expect(client.state).not.toBe('open');
  });

  it('knows the server’s key from its first session on', () => {
    expect(client.serverKey).toBeNull();
    sessionNumber(0).open();
    expect(Buffer.compare(client.serverKey ?? Buffer.of(), serverKey.publicKey)).toBe(0);
  });

  it('has no more requests running than the server allows, and asks for the rest as answers come', async () => {
    sessionNumber(0).open();
    const all = Promise.all(['a.a', 'a.b', 'a.c', 'a.d'].map((name) => client.request(name)));
    expect(sessionNumber(0).asked.size).toBe(3);
    sessionNumber(0).answer('a.b', '2');
    expect([...sessionNumber(0).asked.values()]).toContain('a.d');
    for (const [name, body] of [
      ['a.a', '1'],
      ['a.c', '3'],
      ['a.d', '4'],
    ] as const)
      sessionNumber(0).answer(name, body);
    expect(await all).toEqual([1, 2, 3, 4]);
  });

  it('gives credit for what was read of a streamed answer', async () => {
    sessionNumber(0).open();
    const asked = client.open('a.follow');
    const request = sessionNumber(0).answer('a.follow', '', true);
    const { body } = await asked;
    const reader = body[Symbol.asyncIterator]();
    sessionNumber(0).stream(request, 'abc', false);
    expect(Buffer.from((await reader.next()).value ?? []).toString()).toBe('abc');
    expect(sessionNumber(0).credits).toEqual([3]);
    sessionNumber(0).stream(request, '', true);
    expect((await reader.next()).done).toBe(true);
  });

  it('does not come again once it was refused for good', async () => {
    sessionNumber(0).refusal = 'device_key_wrong';
    const ready = client.ready();
    sessionNumber(0).open();
    await expect(ready).rejects.toMatchObject({ code: 'device_key_wrong' });
    clock.advance(60_000);
    expect(sessions).toHaveLength(1);
    await expect(client.request('a.read')).rejects.toMatchObject({ code: 'device_key_wrong' });
  });
});
