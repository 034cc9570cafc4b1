import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  decodeCapabilities,
  decodeCommandResult,
  decodeEvent,
  encodeCommand,
  type PlainValue,
} from '../../../device/client/index.ts';
import { COMMANDERS_MAX } from '../../../device/virtual/limits.ts';
import {
  type DeviceMemoryContent,
  type MqttLinkHandlers,
  MqttRefusedError,
} from '../../../device/virtual/ports.ts';
import type { DeviceReport } from '../../../device/virtual/report.ts';
import { VirtualDevice } from '../../../device/virtual/virtual-device.ts';
import {
  Delivery,
  ErrorCode,
  ErrorPayload,
  encodePayload,
  FrameType,
  type FrameView,
  REPLAY_WINDOW_NONCES,
  readFrame,
} from '../../../proto/index.ts';
import { madeUpCredentials, type StandInConnection, StandInServer } from '../../support/bifrost-server.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { createDeviceCore } from '../../support/core.ts';
import { createSeededRandom } from '../../support/random.ts';

const credentials = madeUpCredentials();
const COMMANDER = '00000000-0000-4000-8000-0000000000d2';
const OTHER_COMMANDER = '00000000-0000-4000-8000-0000000000d3';
const core = createDeviceCore();
/** Makes frames that are signed for the device. */
const signer = new StandInServer(credentials).openSocket('', '', '') as StandInConnection;

/** A broker that a test plays by hand. */
class Broker {
  readonly published: FrameView[] = [];
  readonly links: MqttLinkHandlers[] = [];
  refuse: Error | null = null;
  /** False: publications stay unacknowledged. */
  takesOver = true;
  closed = 0;

  readonly connect = async (handlers: MqttLinkHandlers) => {
    if (this.refuse !== null) throw this.refuse;
    this.links.push(handlers);
    return {
      publish: (payload: Uint8Array) => {
        this.published.push(readFrame(payload));
        return this.takesOver ? Promise.resolve() : new Promise<void>(() => {});
      },
      close: async () => {
        this.closed++;
      },
    };
  };

  deliver(bytes: Uint8Array): void {
    this.links.at(-1)?.received(bytes);
  }

  all(type: FrameType): FrameView[] {
    return this.published.filter(({ header }) => header.type === type);
  }

  results() {
    return this.all(FrameType.COMMAND_RESULT).map(({ payload }) => decodeCommandResult(payload));
  }
}

async function running(
  options: { content?: DeviceMemoryContent; readingsMax?: number; clock?: FakeClock } = {},
) {
  const broker = new Broker();
  const clock = options.clock ?? new FakeClock();
  const reports: DeviceReport[] = [];
  const saved: DeviceMemoryContent[] = options.content === undefined ? [] : [options.content];
  const device = new VirtualDevice(
    { credentials, intervalMs: 1_000, readingsMax: options.readingsMax ?? Number.POSITIVE_INFINITY },
    {
      core,
      connect: broker.connect,
      clock,
      random: createSeededRandom(2),
      memory: { load: () => saved.at(-1) ?? null, save: (content) => saved.push(content) },
      report: (report) => reports.push(report),
    },
  );
  const run = device.run();
  await turn();
  return { broker, clock, reports, saved, device, run };
}

let lastNonce = 1;
function command(
  name: string,
  args: Record<string, PlainValue> = {},
  changes: { id?: string; nonce?: number; sourceId?: string; delivery?: number } = {},
): Uint8Array {
  const header = {
    type: FrameType.COMMAND,
    sourceId: COMMANDER,
    destinationId: credentials.deviceId,
    nonce: lastNonce++,
    ...changes,
  };
  return signer.frame(header, encodeCommand({ name, arguments: args }), 5);
}

describe('publishing', () => {
  it('announces what it can do, and that it is simulated, on every connection', async () => {
    const { broker } = await running();
    const capabilities = decodeCapabilities((broker.published[0] as FrameView).payload);
    expect(capabilities.platform).toContain('simulated');
    const settings = ['settings.get', 'settings.set'];
    const known = ['led.set', 'led.get', 'sensor.read', ...settings, 'led.blink', 'thor.action'];
    expect(capabilities.commands).toEqual(known);
  });

  it('publishes a stored, signed reading in every interval', async () => {
    const { broker, clock } = await running();
    clock.advance(4_000);
    const readings = broker.all(FrameType.EVENT);
    expect(readings).toHaveLength(5);
    const key = core.importKey(Buffer.from(credentials.signingKey, 'base64url'));
    for (const { header, payload, signedBytes, signature } of readings) {
      expect(header.delivery).toBe(Delivery.STORED);
      expect(core.verify(key, signedBytes, signature)).toBe(true);
      expect(decodeEvent(payload)).toMatchObject({ name: 'sensor.temperature', unit: 'celsius' });
    }
  });

  it('ends by itself when the last reading was taken over', async () => {
    const { broker, clock, run } = await running({ readingsMax: 2 });
    clock.advance(0);
    clock.advance(1_000);
    await run;
    expect(broker.all(FrameType.EVENT)).toHaveLength(2);
    expect(broker.closed).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it('sends again after a reconnect what was not taken over: the same id, a new nonce', async () => {
    const { broker, clock, reports } = await running();
    broker.takesOver = false;
    clock.advance(0);
    const first = broker.all(FrameType.EVENT)[0] as FrameView;
    broker.links.at(-1)?.lost('gone');
    broker.takesOver = true;
    clock.advance(0);
    await turn();
    const again = broker.all(FrameType.EVENT).filter(({ header }) => header.id === first.header.id);
    expect(again).toHaveLength(2);
    expect(again[1]?.header.nonce).toBeGreaterThan(first.header.nonce);
    expect(reports).toContainEqual({ kind: 'disconnected', reason: 'gone', retryInMs: 0 });
  });

  it('tries again with growing delays while the broker is away', async () => {
    const { broker, clock, reports } = await running();
    broker.refuse = new Error('connection refused');
    broker.links.at(-1)?.lost('gone');
    for (let count = 0; count < 4; count++) {
      clock.advance(1_000);
      await turn();
    }
    const delays = reports.flatMap((report) => (report.kind === 'disconnected' ? [report.retryInMs] : []));
    expect(delays[0]).toBe(0);
    expect(delays[1]).toBeGreaterThanOrEqual(125);
    expect(delays[2]).toBeGreaterThanOrEqual(250);
  });

  it('gives up when the broker refuses the credentials', async () => {
    const broker = new Broker();
    broker.refuse = new MqttRefusedError('no');
    const clock = new FakeClock();
    const device = new VirtualDevice(
      { credentials, intervalMs: 1_000, readingsMax: 1 },
      {
        core,
        connect: broker.connect,
        clock,
        random: createSeededRandom(3),
        memory: { load: () => null, save: () => {} },
        report: () => {},
      },
    );
    await expect(device.run()).rejects.toBeInstanceOf(MqttRefusedError);
    expect(clock.pending).toBe(0);
  });

  it('does not begin when it cannot remember', () => {
    const broker = new Broker();
    const clock = new FakeClock();
    const save = () => {
      throw new Error('the disk is full');
    };
    const device = new VirtualDevice(
      { credentials, intervalMs: 1_000, readingsMax: 1 },
      {
        core,
        connect: broker.connect,
        clock,
        random: createSeededRandom(4),
        memory: { load: () => null, save },
        report: () => {},
      },
    );
    expect(() => device.run()).toThrow('the disk is full');
    expect(broker.links).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it('uses nonces above those it used before a restart, even if the clock went back', async () => {
    const nonce = 9_000_000_000_000_000;
    const { broker } = await running({
      content: { nonce, commandNonces: {}, forgottenNonce: 0, begun: null, answers: [] },
    });
    expect(broker.published[0]?.header.nonce).toBe(nonce + 1);
  });

  it('goes on from the last nonce that the server names, once, with the frame that was refused', async () => {
    const { broker } = await running();
    const refused = broker.published[0] as FrameView;
    const lastNonce = 9_000_000_000_000_000;
    const payload = encodePayload(ErrorPayload, { code: ErrorCode.FRAME_REPLAYED, message: '', lastNonce });
    const answer = { type: FrameType.ERROR, correlationId: refused.header.id };
    broker.deliver(signer.frame(answer, payload));
    broker.deliver(signer.frame(answer, payload));
    await turn();
    const again = broker.published.filter(({ header }) => header.id === refused.header.id);
    expect(again.map(({ header }) => header.nonce)).toEqual([refused.header.nonce, lastNonce + 1]);
  });
});

describe('a command', () => {
  it('is verified, carried out and answered, and the change is published', async () => {
    const { broker } = await running();
    const bytes = command('led.set', { on: true });
    broker.deliver(bytes);
    const [result] = broker.all(FrameType.COMMAND_RESULT);
    expect(result?.header).toMatchObject({
      delivery: Delivery.STORED,
      destinationId: COMMANDER,
      correlationId: readFrame(bytes).header.id,
    });
    expect(broker.results()).toEqual([{ error: null, values: { on: true } }]);
    const states = broker.all(FrameType.EVENT).map(({ payload }) => decodeEvent(payload));
    expect(states).toContainEqual(expect.objectContaining({ name: 'led.state', value: true }));
    broker.deliver(command('led.set', { on: true }));
    broker.deliver(command('led.get'));
    broker.deliver(command('sensor.read'));
    expect(broker.results().slice(2)).toEqual([
      { error: null, values: { on: true } },
      { error: null, values: { temperature: 20.5, unit: 'celsius', simulated: true } },
    ]);
    const changes = broker
      .all(FrameType.EVENT)
      .filter(({ payload }) => decodeEvent(payload).name === 'led.state');
    expect(changes).toHaveLength(1);
  });

  it.each([
    ['led.blink', {}, 'command_unknown'],
    ['__proto__', {}, 'command_unknown'],
    ['led.set', {}, 'command_argument_wrong'],
    ['led.set', { on: 1 }, 'command_argument_wrong'],
    ['led.set', { on: true, level: 3 }, 'command_argument_wrong'],
    ['led.get', { on: true }, 'command_argument_wrong'],
    ['sensor.read', { unit: 'kelvin' }, 'command_argument_wrong'],
  ])('%s %o is refused with %s and changes nothing', async (name, args, code) => {
    const { broker } = await running();
    broker.deliver(command(name, args as Record<string, PlainValue>));
    broker.deliver(command('led.get'));
    expect(broker.results()).toMatchObject([{ error: { code } }, { error: null, values: { on: false } }]);
  });

  it('is dropped without an answer when one bit is wrong', async () => {
    const { broker, reports } = await running();
    const good = command('led.set', { on: true });
    for (let position = 0; position < good.length; position++) {
      const tampered = good.slice();
      tampered[position] = (tampered[position] as number) ^ 0x10;
      broker.deliver(tampered);
    }
    expect(broker.results()).toEqual([]);
    expect(reports.filter(({ kind }) => kind === 'dropped')).toHaveLength(good.length);
  });

  it('that comes twice gets the first answer again and is carried out once', async () => {
    const { broker } = await running();
    const on = command('led.set', { on: true });
    broker.deliver(on);
    broker.deliver(command('led.set', { on: false }));
    broker.deliver(on);
    broker.deliver(command('led.get'));
    expect(broker.results().map(({ values }) => values.on)).toEqual([true, false, true, false]);
    const [first, , again] = broker.all(FrameType.COMMAND_RESULT);
    expect(again?.header.id).toBe(first?.header.id);
  });

  it('of another source under the same id is one of its own', async () => {
    const { broker } = await running();
    const id = '00000000-0000-4000-8000-0000000000c1';
    broker.deliver(command('led.set', { on: true }, { id }));
    broker.deliver(command('led.set', { on: false }, { id, sourceId: OTHER_COMMANDER }));
    expect(broker.results().map(({ values }) => values.on)).toEqual([true, false]);
    const [first, second] = broker.all(FrameType.COMMAND_RESULT);
    expect(second?.header.destinationId).toBe(OTHER_COMMANDER);
    expect(second?.header.id).not.toBe(first?.header.id);
  });

  it('whose nonce was used, or is too far below the last one of its source, is a replay', async () => {
    const { broker, reports } = await running();
    broker.deliver(command('led.set', { on: true }, { nonce: 500_000 }));
    for (const nonce of [500_000, 500_000 - REPLAY_WINDOW_NONCES]) {
      broker.deliver(command('led.set', { on: false }, { nonce, id: randomUUID() }));
      expect(reports.at(-1)).toEqual({ kind: 'dropped', reason: 'frame_replayed' });
    }
    broker.deliver(command('led.get', {}, { sourceId: OTHER_COMMANDER, nonce: 3 }));
    expect(broker.results().map(({ values }) => values.on)).toEqual([true, true]);
  });

  it('that a later one has overtaken is carried out, once', async () => {
    const { broker } = await running();
    broker.deliver(command('led.get', {}, { nonce: 400_002 }));
    for (let count = 0; count < 2; count++) {
      broker.deliver(command('led.set', { on: true }, { nonce: 400_001, id: randomUUID() }));
    }
    expect(broker.results().map(({ values }) => values.on)).toEqual([false, true]);
  });

  it('is known again after a restart', async () => {
    const first = await running();
    const on = command('led.set', { on: true }, { nonce: 600_000 });
    const old = command('led.set', { on: true }, { nonce: 600_000, id: randomUUID() });
    first.broker.deliver(on);
    const answered = first.broker.all(FrameType.COMMAND_RESULT)[0];
    const second = await running({ content: first.saved.at(-1) as DeviceMemoryContent });
    second.broker.deliver(on);
    second.broker.deliver(old);
    const [again, ...rest] = second.broker.all(FrameType.COMMAND_RESULT);
    expect(again?.header.id).toBe(answered?.header.id);
    expect(rest).toEqual([]);
    second.broker.deliver(command('led.get', {}, { nonce: 600_001 }));
    expect(second.broker.results().at(-1)?.values.on).toBe(false);
  });

  it('that is not stored, or has no content, is not carried out', async () => {
    const { broker, reports } = await running();
    broker.deliver(command('led.set', { on: true }, { delivery: Delivery.TRANSIENT }));
    expect(reports.at(-1)).toEqual({ kind: 'dropped', reason: 'frame_type_unexpected' });
    const header = {
      type: FrameType.COMMAND,
      sourceId: COMMANDER,
      destinationId: credentials.deviceId,
      nonce: 700_000,
    };
    broker.deliver(signer.frame(header, Uint8Array.of(0xff, 0xff), 9));
    expect(broker.results()).toMatchObject([{ error: { code: 'frame_payload_malformed' } }]);
  });

  it('is written down before it is carried out, and once more before it is answered', async () => {
    const { broker, saved, reports } = await running();
    const before = saved.length;
    const id = randomUUID();
    broker.deliver(command('led.set', { on: true }, { nonce: 800_000, id }));
    const [begun, answered, ...more] = saved.slice(before);
    expect(more).toEqual([]);
    expect(begun).toMatchObject({ begun: { commandId: id, sourceId: COMMANDER }, answers: [] });
    expect(begun?.commandNonces[COMMANDER]).toMatchObject({ lastNonce: 800_000 });
    expect(answered).toMatchObject({ begun: null, answers: [{ commandId: id }] });
    expect(reports.at(-1)).toMatchObject({ kind: 'measured', event: { name: 'led.state', value: true } });
  });

  it('that a loss of power cut off is answered once with an unknown outcome, and not carried out again', async () => {
    const id = randomUUID();
    const on = command('led.set', { on: true }, { nonce: 810_000, id });
    const first = await running();
    const before = first.saved.length;
    first.broker.deliver(on);
    // Each state of the memory in which the power may go.
    for (const [state, code] of [
      [first.saved[before], 'command_outcome_unknown'],
      [first.saved[before + 1], undefined],
    ] as const) {
      const second = await running({ content: state as DeviceMemoryContent });
      second.broker.deliver(on);
      second.broker.deliver(command('led.set', { on: true }, { nonce: 810_000, id: randomUUID() }));
      second.broker.deliver(command('led.get', {}, { nonce: 810_001 }));
      const results = second.broker.results();
      expect(results.slice(0, -1).every(({ error }) => error?.code === code)).toBe(true);
      const ids = second.broker
        .all(FrameType.COMMAND_RESULT)
        .slice(0, -1)
        .map(({ header }) => header.id);
      expect(new Set(ids).size).toBe(1);
      expect(results.at(-1)?.values.on).toBe(false);
      expect(second.saved.at(-1)?.begun).toBeNull();
    }
  });

  it('of a source that was forgotten is a replay, after a restart too', async () => {
    const first = await running();
    const old = command('led.set', { on: true }, { nonce: 900_000 });
    first.broker.deliver(old);
    const others = Array.from({ length: COMMANDERS_MAX }, () => randomUUID());
    for (const sourceId of others) first.broker.deliver(command('led.get', {}, { sourceId, nonce: 900_001 }));
    const second = await running({ content: first.saved.at(-1) as DeviceMemoryContent });
    for (const { broker, reports } of [first, second]) {
      const answered = broker.results().length;
      broker.deliver(old);
      expect(reports.at(-1)).toEqual({ kind: 'dropped', reason: 'frame_replayed' });
      broker.deliver(command('led.get', {}, { sourceId: randomUUID(), nonce: 900_001 }));
      expect(broker.results().length).toBe(answered + 1);
    }
  });
});
