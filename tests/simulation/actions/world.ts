import type { DeviceCommandResult } from '../../../device/client/index.ts';
import { VirtualActions } from '../../../device/virtual/actions.ts';
import { CommandLog } from '../../../device/virtual/command-log.ts';
import { Delivery, FrameType, type FrameView } from '../../../proto/index.ts';
import { DEVICE_RUNNING_MAX } from '../../../server/domains/actions/limits.ts';
import { isGiven, isOpen } from '../../../server/domains/actions/rules.ts';
import { type ActionService, createActionService } from '../../../server/domains/actions/service.ts';
import type { AskedAction } from '../../../server/domains/actions/types.ts';
import { NIL_UUID, type ServerFrame } from '../../../server/domains/relay/index.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { type ActionId, asId, type DeviceId, type NetworkId } from '../../../server/kernel/ids.ts';
import type { Random } from '../../../server/kernel/random.ts';
import {
  ACTION_FRAME_HANDLERS,
  createActionOutlet,
} from '../../../server/transports/frames/action-frames.ts';
import type { FrameServices, ReceivedFrame } from '../../../server/transports/frames/frame-handler.ts';
import { newOwner } from '../../support/actors.ts';
import { FakeClock, turn } from '../../support/clock.ts';
import { uuid } from '../../support/frames.ts';
import { silentLogger } from '../../support/logger.ts';
import { MemoryActions } from '../../support/memory-actions.ts';
import { PLENTY } from '../../support/storage-room.ts';

const networkId = asId<NetworkId>(uuid(2));
const deviceId = asId<DeviceId>(uuid(3));
const report = new Map(ACTION_FRAME_HANDLERS).get(FrameType.THOR_RESULT);
/** So much of what is sent without being kept is lost, or comes twice. */
const LOSS = 0.1;
const DUPLICATION = 0.1;

/** One run of a device: what it has in memory ends with it, its log doesn't. */
interface DeviceRun {
  isOn: boolean;
  readonly actions: VirtualActions;
  /** Reports that the server hasn't taken, in their order. */
  outbox: { readonly frameId: string; readonly payload: Uint8Array }[];
}

/** A server, a device that keeps its log, and a network that breaks: the code of both ends, by a seed. */
export class ActionWorld {
  readonly #random: Random;
  readonly #clock = new FakeClock();
  readonly #owner = newOwner();
  readonly #kept = new MemoryActions();
  readonly #asked: AskedAction[] = [];
  /** How often each action was begun, as the device's log says. */
  readonly #begun = new Map<string, number>();
  readonly #carriedOut = new Map<string, number>();
  #log = new CommandLog(null);
  #lastBegun: string | null = null;
  #nonce = 0;
  #device: DeviceRun;
  #connection = 0;
  #isConnected = false;
  #server: { isUp: boolean; readonly actions: ActionService };
  #isSending = false;

  constructor(random: Random) {
    this.#random = random;
    this.#device = this.#startDevice();
    this.#server = this.#startServer();
  }

  /** Actions that have not ended. */
  get open(): readonly string[] {
    return [...this.#kept.actions.values()].filter(({ state }) => isOpen(state)).map(({ id }) => id);
  }

  async askNew(): Promise<void> {
    const asked: AskedAction = {
      deviceId,
      networkId,
      networkTenantId: null,
      id: asId<ActionId>(this.#random.uuid()),
      name: this.#random.fraction() < 0.5 ? 'work' : 'led.blink',
      arguments: { times: 1 + Math.floor(this.#random.fraction() * 5), intervalMs: 200 },
      priority: Math.floor(this.#random.fraction() * 10),
      timeoutMs: 1_000 + Math.floor(this.#random.fraction() * 20_000),
      causeId: null,
    };
    this.#asked.push(asked);
    await this.#ask(asked);
  }

  /** The same again, or another under the same id, which is refused. */
  async askAgain(): Promise<void> {
    const asked = this.#pick(this.#asked);
    if (asked === undefined) return;
    await this.#ask(asked);
    const isKept = [...this.#kept.actions.values()].some(({ id }) => id === asked.id);
    const other = await this.#ask({ ...asked, name: 'other' });
    if (isKept && other !== 'action_id_taken') throw new Error(`another body was answered with ${other}`);
  }

  async cancelOne(): Promise<void> {
    const action = this.#pick([...this.#kept.actions.values()]);
    if (action === undefined) return;
    await this.#server.actions.cancel(this.#owner, action.id).catch((error: unknown) => {
      if (!(error instanceof AppError) || error.code !== 'action_over') throw error;
    });
  }

  reconnect(): void {
    this.cut();
    this.#isConnected = true;
    void this.#server.actions.sessionBegan(deviceId, networkId);
    this.#sendReports();
  }

  cut(): void {
    this.#isConnected = false;
    this.#connection++;
  }

  /** The device begins anew, with what its log has. */
  losePower(): void {
    this.cut();
    this.#device.isOn = false;
    this.#log = new CommandLog(JSON.parse(JSON.stringify(this.#log.content())));
    this.#device = this.#startDevice();
    this.#device.actions.concludeInterrupted();
  }

  /** The server begins anew, with what its database has. */
  killServer(): void {
    this.cut();
    this.#server.isUp = false;
    this.#server = this.#startServer();
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.#clock.advance(Math.min(left, 100));
      await turn(2);
    }
    await this.#server.actions.expire();
    this.#sendReports();
  }

  settle(): Promise<void> {
    return turn(6);
  }

  /** The network is whole again, and time goes on until all has ended. */
  async finish(): Promise<void> {
    for (let count = 0; count < 60 && this.open.length > 0; count++) {
      if (count % 5 === 0) this.reconnect();
      await this.pass(500);
      await this.settle();
    }
  }

  /** What must not be, in words. */
  problems(): string[] {
    const found: string[] = [];
    for (const [id, times] of [...this.#begun, ...this.#carriedOut]) {
      if (times > 1) found.push(`${id} was carried out ${times} times`);
    }
    for (const [key, action] of this.#kept.actions) {
      const events = this.#kept.eventsOf.get(key) ?? [];
      const ends = this.#kept.ends.get(key) ?? 0;
      if (events.some(({ number }, index) => number !== index + 1)) found.push(`${key} has a gap`);
      if (ends !== (isOpen(action.state) ? 0 : 1)) found.push(`${key} ended ${ends} times`);
      const last = events.at(-1);
      if (ends === 1 && (last?.kind !== 'end' || last.state !== action.state))
        found.push(`${key} has no end`);
      if (action.state === 'done' && this.#begun.get(action.id) !== 1) found.push(`${key} is not done`);
    }
    const given = [...this.#kept.actions.values()].filter(({ state }) => isGiven(state));
    if (given.length > DEVICE_RUNNING_MAX) found.push('too many were given');
    return found;
  }

  async #ask(asked: AskedAction): Promise<string> {
    try {
      return (await this.#server.actions.ask(this.#owner, asked)).action.id;
    } catch (error) {
      if (error instanceof AppError) return error.code;
      throw error;
    }
  }

  #startServer(): { isUp: boolean; readonly actions: ActionService } {
    const server = { isUp: true } as { isUp: boolean; actions: ActionService };
    const relay = {
      isConnected: () => server.isUp && this.#isConnected,
      tell: (_: string, frame: ServerFrame) => server.isUp && this.#tell(frame),
      sendToDevice: async () => 0,
    };
    const directory = { findCapabilities: async () => ({ commands: ['thor.action'] }) };
    server.actions = createActionService({
      store: this.#kept.store(() => server.isUp),
      devices: { getDevice: async () => ({ networkIds: [networkId] }) as never },
      networks: { getNetwork: async () => ({}) as never },
      members: { isMember: async () => true },
      permissions: { requireAllowed: async () => undefined },
      outlet: createActionOutlet(relay, directory),
      room: PLENTY,
      clock: this.#clock,
      random: this.#random,
      logger: silentLogger,
      metrics: { ended: () => undefined },
    });
    return server;
  }

  /** To the device, which may not get it, or twice. */
  #tell({ type, payload }: ServerFrame): boolean {
    if (!this.#isConnected) return false;
    const connection = this.#connection;
    const header = { type, sourceId: NIL_UUID, nonce: ++this.#nonce };
    const arrive = () => {
      if (connection !== this.#connection) return;
      this.#device.actions.received({ header, payload } as FrameView);
      this.#sendReports();
    };
    if (this.#random.fraction() >= LOSS) this.#clock.after(10, arrive);
    if (this.#random.fraction() < DUPLICATION) this.#clock.after(10 + this.#random.fraction() * 500, arrive);
    return true;
  }

  #startDevice(): DeviceRun {
    const run = { isOn: true, outbox: [] } as unknown as {
      -readonly [Name in keyof DeviceRun]: DeviceRun[Name];
    };
    run.actions = new VirtualActions({
      log: this.#log,
      newFrameId: () => this.#random.uuid(),
      remember: () => this.#noteBegun(),
      after: (delayMs, work) => void this.#clock.after(delayMs, () => run.isOn && work()),
      setLed: () => undefined,
      carryOut: (command): DeviceCommandResult => {
        const { id } = command as unknown as { id: string };
        this.#carriedOut.set(id, (this.#carriedOut.get(id) ?? 0) + 1);
        return { error: null, values: {} };
      },
      send: (frameId, payload) => {
        run.outbox = [...run.outbox.filter((each) => each.frameId !== frameId), { frameId, payload }];
      },
      report: () => undefined,
      dropped: () => undefined,
    });
    return run;
  }

  #noteBegun(): void {
    const begun = this.#log.begunAction?.commandId ?? null;
    if (begun !== null && begun !== this.#lastBegun)
      this.#begun.set(begun, (this.#begun.get(begun) ?? 0) + 1);
    this.#lastBegun = begun;
  }

  /** Sends what the server hasn't taken, one after the other; what it refuses for good is gone. */
  #sendReports(): void {
    if (this.#isSending) return;
    this.#isSending = true;
    void this.#sendAll().finally(() => {
      this.#isSending = false;
    });
  }

  async #sendAll(): Promise<void> {
    const { outbox } = this.#device;
    const device = this.#device;
    for (const sent of outbox) {
      if (!this.#isConnected || this.#device !== device) return;
      const connection = this.#connection;
      const isTaken = await this.#report(sent.payload).then(
        () => true,
        (error: unknown) => error instanceof AppError && error.kind !== 'unavailable',
      );
      // Its acknowledgement is lost with the connection: the report comes again.
      if (connection !== this.#connection || this.#random.fraction() < LOSS) return;
      if (isTaken) device.outbox = device.outbox.filter((each) => each !== sent);
    }
  }

  async #report(payload: Uint8Array): Promise<void> {
    const header = { type: FrameType.THOR_RESULT, delivery: Delivery.STORED, networkId, sourceId: deviceId };
    const memberships = new Map([[networkId, { networkId, networkTenantId: this.#owner.tenantId }]]);
    const received = { frame: { header, payload }, peer: { actor: { deviceId }, memberships } };
    const services = { actions: this.#server.actions } as unknown as FrameServices;
    await report?.(services, received as unknown as ReceivedFrame);
  }

  #pick<Item>(items: readonly Item[]): Item | undefined {
    return items[Math.floor(this.#random.fraction() * items.length)];
  }
}
