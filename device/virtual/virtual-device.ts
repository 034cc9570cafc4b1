import { Delivery, FrameType, type FrameView, PayloadError } from '../../proto/index.ts';
import {
  ACTION_COMMAND,
  type Clock,
  type DeviceCommand,
  type DeviceCommandResult,
  type DeviceCredentials,
  type DeviceEvent,
  decodeCommand,
  decodeError,
  encodeCapabilities,
  encodeCommandResult,
  encodeEvent,
  FrameChannel,
  NonceSource,
  type Random,
  ReconnectPlan,
  SERVER_ID,
  type SigningCore,
} from '../client/index.ts';
import { BLINK, VirtualActions } from './actions.ts';
import { fromBase64, toBase64 } from './base64.ts';
import { CommandLog } from './command-log.ts';
import { COMMAND_NAMES, type CommandOutcome, carryOut, refused } from './commands.ts';
import { SIMULATED_SECONDS_PER_SECOND } from './limits.ts';
import { DeviceOutbox } from './outbox.ts';
import {
  type BegunCommand,
  type DeviceMemory,
  type MqttConnector,
  type MqttLink,
  MqttRefusedError,
} from './ports.ts';
import type { DeviceReport } from './report.ts';
import { ROOM_AT_START, type Room, readingCelsius, roomAfter } from './room.ts';
import { ScriptRuntime } from './scripts/runtime.ts';
import { carryOutScriptCommand, scriptCommandNames } from './scripts/script-commands.ts';
import type { ScriptStore } from './scripts/store.ts';
import { DeviceSettings, SETTINGS_COMMANDS } from './settings.ts';
import { createUpdates, type UpdateParts } from './updates/create-updates.ts';
import type { DeviceUpdates } from './updates/device-updates.ts';
import { receiveUpdate } from './updates/receive-update.ts';

/** What the capabilities say: nobody shall take this for a board. */
export const PLATFORM = 'esp32 (simulated)';
const FIRMWARE = 'yggdrasil-virtual-device 0.1.0';
const SENSOR = 'sensor.temperature';
const ACTUATOR = 'led';
/** As an ESP32 has them. */
const PINS = 40;

/**
 * A device without a board: the same signing core, frames and MQTT topics as an ESP32, a simulated room for a sensor
 * and a flag for an LED. Everything outside comes in, so that thousands fit into one process.
 */
export class VirtualDevice {
  readonly #settings: DeviceSettings;
  readonly #readingsMax: number;
  readonly #channel: FrameChannel;
  readonly #connect: MqttConnector;
  readonly #clock: Clock;
  readonly #reconnectPlan: ReconnectPlan;
  readonly #memory: DeviceMemory;
  readonly #report: (report: DeviceReport) => void;
  readonly #log: CommandLog;
  readonly #outbox = new DeviceOutbox();
  readonly #scripts: ScriptRuntime | null;
  readonly #actions: VirtualActions;
  readonly #updates: DeviceUpdates | null;
  #link: MqttLink | null = null;
  #room: Room = ROOM_AT_START;
  #ledOn = false;
  #readings = 0;
  readonly #cancelTimers = new Set<() => void>();
  #settle: { resolve: () => void; reject: (error: Error) => void } | null = null;

  /** Throws `CredentialsError` for a signing key that isn't one. */
  constructor(
    options: {
      credentials: DeviceCredentials;
      /** Between two readings. */
      intervalMs: number;
      /** How many readings; Infinity for no end. */
      readingsMax: number;
    },
    dependencies: {
      core: SigningCore<unknown>;
      connect: MqttConnector;
      clock: Clock;
      random: Random;
      memory: DeviceMemory;
      /** Where it keeps scripts, and whose it takes; absent: it takes none. */
      scripts?: { readonly store: ScriptStore; readonly ownerKey: Uint8Array | null };
      /** Where it keeps images, and whose it takes; absent: it is never updated. */
      updates?: UpdateParts;
      report: (report: DeviceReport) => void;
    },
  ) {
    const { core, clock, random, memory, scripts, updates } = dependencies;
    const content = memory.load();
    this.#settings = new DeviceSettings(options.intervalMs, content?.settings);
    this.#readingsMax = options.readingsMax;
    this.#connect = dependencies.connect;
    this.#clock = clock;
    this.#reconnectPlan = new ReconnectPlan(clock, random);
    this.#memory = memory;
    this.#report = dependencies.report;
    this.#log = new CommandLog(content);
    const given = { core, random, nonces: new NonceSource(clock, content?.nonce ?? 0) };
    this.#channel = FrameChannel.create(options.credentials, given);
    this.#actions = this.#openActions();
    this.#scripts = scripts === undefined ? null : this.#openScripts(scripts.store, scripts.ownerKey);
    this.#updates = updates === undefined ? null : this.#openUpdates(updates);
  }

  #openUpdates(parts: UpdateParts): DeviceUpdates {
    return createUpdates(parts, {
      clock: this.#clock,
      scripts: this.#scripts,
      send: (type, delivery, payload) => {
        const id = this.#channel.newId();
        if (delivery === Delivery.STORED) this.#send(id, { type, delivery, payload });
        else if (this.#link !== null) this.#transmit(this.#link, id, { type, delivery, payload });
        return id;
      },
      restart: () => this.#restart(),
      log: (text) => this.#report({ kind: 'update', text }),
    });
  }

  /** As a board does: everything that runs ends, and the boot loader chooses what starts. */
  #restart(): void {
    const link = this.#link;
    this.#link = null;
    this.#scripts?.halt();
    for (const cancel of this.#cancelTimers) cancel();
    this.#cancelTimers.clear();
    const begin = () => {
      if (this.#settle === null) return;
      this.#updates?.boot();
      this.#scripts?.run();
      this.#tryToConnect();
      this.#after(this.#settings.intervalMs, () => this.#measure());
    };
    (link?.close() ?? Promise.resolve()).then(begin, begin);
  }

  /** What the device says that it runs. */
  get #firmware(): string {
    const running = this.#updates?.running ?? null;
    return running === null ? FIRMWARE : `${running.name} ${running.version}`;
  }

  #openActions(): VirtualActions {
    return new VirtualActions({
      log: this.#log,
      newFrameId: () => this.#channel.newId(),
      remember: () => this.#remember(),
      after: (delayMs, work) => this.#after(delayMs, work),
      setLed: (on) => this.#setLed(on),
      carryOut: (command) => {
        const { result, ledOn } = this.#carryOutCommand(command);
        this.#setLed(ledOn);
        return result;
      },
      send: (frameId, payload) =>
        this.#send(frameId, { type: FrameType.THOR_RESULT, delivery: Delivery.STORED, payload }),
      report: (name, outcome) => this.#report({ kind: 'command', name, outcome }),
      dropped: (reason) => this.#report({ kind: 'dropped', reason }),
    });
  }

  #openScripts(store: ScriptStore, ownerKey: Uint8Array | null): ScriptRuntime {
    const device = {
      board: {
        readSensor: (name: string) => (name === SENSOR ? readingCelsius(this.#room) : null),
        hasActuator: (name: string) => name === ACTUATOR,
        pins: new Uint8Array(PINS),
      },
      setActuator: (_name: string, value: number) => this.#setLed(value !== 0),
      publish: (name: string, value: number | string, unit: string, isState: boolean) =>
        this.#publish({ name, value, unit, isState }),
      log: (_level: string, name: string, text: string) => this.#report({ kind: 'script', name, text }),
    };
    return new ScriptRuntime({ ownerKey }, { store, clock: this.#clock, device });
  }

  /**
   * Runs until all readings are delivered or `stop` is called. Rejects with `MqttRefusedError` when the broker doesn't
   * accept the credentials; every other failure is followed by another try.
   */
  run(): Promise<void> {
    // A device that can't remember must not begin: it would carry out old commands after a restart.
    this.#remember();
    this.#concludeInterrupted();
    this.#actions.concludeInterrupted();
    this.#updates?.boot();
    const finished = new Promise<void>((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
    this.#tryToConnect();
    this.#after(0, () => this.#measure());
    this.#scripts?.run();
    return finished;
  }

  /** Stops measuring and disconnects; `run` resolves. */
  async stop(): Promise<void> {
    await this.#end();
  }

  #after(delayMs: number, work: () => void): void {
    const cancel = this.#clock.after(delayMs, () => {
      this.#cancelTimers.delete(cancel);
      work();
    });
    this.#cancelTimers.add(cancel);
  }

  async #end(error?: Error): Promise<void> {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    for (const cancel of this.#cancelTimers) cancel();
    this.#scripts?.halt();
    this.#updates?.halt();
    this.#remember();
    const link = this.#link;
    this.#link = null;
    await link?.close();
    if (error === undefined) settle.resolve();
    else settle.reject(error);
  }

  #tryToConnect(): void {
    this.#connect({
      received: (payload) => this.#received(payload),
      lost: (reason) => {
        this.#link = null;
        this.#updates?.disconnected();
        this.#retry(reason);
      },
    }).then(
      (link) => this.#connected(link),
      (error: Error) => {
        if (error instanceof MqttRefusedError) return this.#end(error);
        return this.#retry(error.message);
      },
    );
  }

  #retry(reason: string): void {
    if (this.#settle === null) return;
    const retryInMs = this.#reconnectPlan.nextDelayMs();
    this.#report({ kind: 'disconnected', reason, retryInMs });
    this.#after(retryInMs, () => this.#tryToConnect());
  }

  #connected(link: MqttLink): void {
    if (this.#settle === null || this.#link !== null) {
      void link.close();
      return;
    }
    this.#link = link;
    this.#reconnectPlan.opened();
    this.#report({ kind: 'connected' });
    this.#announce(link);
    for (const [id, frame] of this.#outbox.waiting()) this.#transmit(link, id, frame);
    this.#updates?.connected();
  }

  #announce(link: MqttLink): void {
    const payload = encodeCapabilities({
      platform: PLATFORM,
      firmware: this.#firmware,
      sensors: [SENSOR],
      actuators: [ACTUATOR],
      commands: this.#commandNames(),
    });
    const capabilities = { type: FrameType.CAPABILITIES, delivery: Delivery.STORED, payload };
    this.#transmit(link, this.#channel.newId(), capabilities);
  }

  #commandNames(): readonly string[] {
    const known = [...COMMAND_NAMES, ...SETTINGS_COMMANDS, BLINK, ACTION_COMMAND];
    return this.#scripts === null ? known : [...known, ...scriptCommandNames(this.#scripts)];
  }

  #measure(): void {
    if (this.#settle === null || this.#readings >= this.#readingsMax) return;
    if (this.#readings > 0) {
      this.#room = roomAfter(this.#room, (this.#settings.intervalMs / 1000) * SIMULATED_SECONDS_PER_SECOND);
    }
    this.#readings++;
    this.#publish({ name: SENSOR, value: readingCelsius(this.#room), unit: 'celsius' });
    this.#after(this.#settings.intervalMs, () => this.#measure());
  }

  #publish(change: Omit<DeviceEvent, 'measuredAtMs'>): void {
    const event = { ...change, measuredAtMs: this.#clock.nowMs() };
    this.#send(this.#channel.newId(), {
      type: FrameType.EVENT,
      delivery: Delivery.STORED,
      payload: encodeEvent(event),
    });
    this.#report({ kind: 'measured', event });
  }

  #send(id: string, frame: Parameters<DeviceOutbox['add']>[1]): void {
    this.#outbox.add(id, frame);
    if (this.#link !== null) this.#transmit(this.#link, id, frame);
  }

  #transmit(link: MqttLink, id: string, frame: Parameters<DeviceOutbox['add']>[1]): void {
    link.publish(this.#channel.seal(frame, id)).then(
      () => {
        this.#outbox.settled(id, frame);
        this.#updates?.settled(id);
        if (this.#readings >= this.#readingsMax && this.#outbox.size === 0) void this.#end();
      },
      // The connection ended first; what is in the outbox is sent again on the next one.
      () => {},
    );
  }

  #received(bytes: Uint8Array): void {
    const opened = this.#channel.open(bytes);
    if (!opened.ok) this.#report({ kind: 'dropped', reason: opened.reason });
    else if (opened.frame.header.type === FrameType.COMMAND) this.#commanded(opened.frame);
    else if (this.#actions.received(opened.frame)) return;
    else if (opened.frame.header.sourceId === SERVER_ID) this.#toldByServer(opened.frame);
  }

  #toldByServer(frame: FrameView): void {
    try {
      if (frame.header.type === FrameType.ERROR) this.#refusedByServer(frame);
      else if (this.#updates !== null && this.#settings.takesUpdates) receiveUpdate(this.#updates, frame);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      this.#report({ kind: 'dropped', reason: 'frame_payload_malformed' });
    }
  }

  /** Only a nonce that was too low can be helped: this device's clock went back over a restart. */
  #refusedByServer({ header, payload }: FrameView): void {
    try {
      const { code, message, lastNonce } = decodeError(payload);
      this.#report({ kind: 'refused', code, message });
      if (header.correlationId !== null) this.#updates?.refused(header.correlationId, code);
      if (code !== 'frame_replayed' || header.correlationId === null) return;
      this.#channel.nonces.raise(lastNonce);
      const frame = this.#outbox.takeRefused(header.correlationId);
      if (frame !== undefined) this.#send(header.correlationId, frame);
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      this.#report({ kind: 'dropped', reason: 'frame_payload_malformed' });
    }
  }

  /** The frame is verified. A command that comes twice gets its first answer again and is not carried out again. */
  #commanded({ header, payload }: FrameView): void {
    const { id: commandId, sourceId, nonce } = header;
    const given = this.#log.answerTo(commandId, sourceId);
    if (header.delivery !== Delivery.STORED || header.destinationId === null) {
      this.#report({ kind: 'dropped', reason: 'frame_type_unexpected' });
    } else if (given !== undefined) {
      this.#answer(commandId, sourceId, given.frameId, fromBase64(given.payload));
      this.#report({ kind: 'command', name: given.commandId, outcome: 'came again, answered as before' });
    } else if (!this.#log.useNonce(sourceId, nonce)) {
      this.#report({ kind: 'dropped', reason: 'frame_replayed' });
    } else {
      this.#log.begin({ commandId, sourceId });
      this.#remember();
      const namesBefore = this.#commandNames().join();
      const { name, result, ledOn } = this.#carryOut(payload);
      this.#conclude({ commandId, sourceId }, name, result);
      this.#setLed(ledOn);
      if (this.#link !== null && this.#commandNames().join() !== namesBefore) this.#announce(this.#link);
    }
  }

  #setLed(on: boolean): void {
    if (on === this.#ledOn) return;
    this.#ledOn = on;
    this.#publish({ name: 'led.state', value: on, unit: '' });
  }

  /** Notes the result of a command that was begun, then answers with it. */
  #conclude({ commandId, sourceId }: BegunCommand, name: string, result: DeviceCommandResult): void {
    const answer = encodeCommandResult(result);
    const frameId = this.#channel.newId();
    this.#log.add({ commandId, sourceId, frameId, payload: toBase64(answer) });
    this.#remember();
    this.#answer(commandId, sourceId, frameId, answer);
    this.#report({ kind: 'command', name, outcome: result.error?.code ?? 'done' });
  }

  /** Whether a command that was begun before the start was carried out is not known, so it must not be done again. */
  #concludeInterrupted(): void {
    const { begun } = this.#log;
    if (begun === null) return;
    const message = 'The device lost power while it carried the command out. It may have been done, or not.';
    this.#conclude(begun, begun.commandId, {
      error: { code: 'command_outcome_unknown', message },
      values: {},
    });
  }

  #carryOut(payload: Uint8Array): CommandOutcome & { name: string } {
    try {
      const command = decodeCommand(payload);
      return { name: command.name, ...this.#carryOutCommand(command) };
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      return {
        name: '',
        ...refused(this.#board(), 'frame_payload_malformed', 'The payload is not a command.'),
      };
    }
  }

  #board() {
    return { ledOn: this.#ledOn, temperatureCelsius: readingCelsius(this.#room) };
  }

  #carryOutCommand(command: DeviceCommand): CommandOutcome {
    const result = this.#settings.carryOut(command) ?? this.#carryOutForScripts(command);
    // A script may have set the LED by now.
    if (result !== null) return { result, ledOn: this.#ledOn };
    return carryOut(command, this.#board());
  }

  #carryOutForScripts(command: DeviceCommand): DeviceCommandResult | null {
    if (this.#scripts === null) return null;
    const description = { platform: PLATFORM, firmware: this.#firmware, commands: this.#commandNames() };
    return carryOutScriptCommand(command, this.#scripts, description);
  }

  #answer(commandId: string, sourceId: string, frameId: string, payload: Uint8Array): void {
    const to = { destinationId: sourceId, correlationId: commandId };
    this.#send(frameId, { type: FrameType.COMMAND_RESULT, delivery: Delivery.STORED, payload, ...to });
  }

  #remember(): void {
    const settings = this.#settings.values;
    this.#memory.save({ nonce: this.#channel.nonces.last, settings, ...this.#log.content() });
  }
}
