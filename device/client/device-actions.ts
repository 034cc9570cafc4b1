import { FrameType } from '../../proto/index.ts';
import { type ActionLine, type ActionRun, type ActOptions, AskedActions } from './asked-actions.ts';
import type { BifrostError } from './errors.ts';
import { type ActionHandler, type ActionHandlerOptions, IncomingActions } from './incoming-actions.ts';
import { type DeviceCapabilities, NO_CAPABILITIES } from './messages.ts';
import type { Clock, Random } from './ports.ts';
import type { PlainValue } from './values.ts';

/** The actions of one device: those it asks for, and those it is asked for. */
export class DeviceActions {
  readonly #asked: AskedActions;
  readonly #incoming: IncomingActions;

  constructor(
    line: ActionLine & {
      /** Sends a report, STORED. */
      report(payload: Uint8Array): Promise<unknown>;
    },
    dependencies: { readonly random: Random; readonly clock: Clock },
  ) {
    this.#asked = new AskedActions(line, dependencies);
    const act = this.#asked.act.bind(this.#asked);
    this.#incoming = new IncomingActions({ report: line.report, act, clock: dependencies.clock });
  }

  act(
    deviceId: string,
    name: string,
    args: Readonly<Record<string, PlainValue>>,
    options: ActOptions,
  ): ActionRun {
    return this.#asked.act(deviceId, name, args, options);
  }

  on(name: string, handler: ActionHandler, options: ActionHandlerOptions): () => void {
    return this.#incoming.on(name, handler, options);
  }

  /** The capabilities, with what the device can be asked for; null: there is nothing to announce. */
  listedIn(capabilities: DeviceCapabilities | null): DeviceCapabilities | null {
    const { commandNames } = this.#incoming;
    if (commandNames.length === 0) return capabilities;
    const known = capabilities ?? NO_CAPABILITIES;
    return { ...known, commands: [...new Set([...known.commands, ...commandNames])] };
  }

  /** A session began. */
  opened(): void {
    this.#incoming.opened();
    this.#asked.opened();
  }

  /** Nothing will come any more. */
  closed(error: BifrostError): void {
    this.#incoming.closed();
    this.#asked.closed(error);
  }

  /** A frame of the server's; false: it is about something else. Throws `PayloadError`. */
  received(type: FrameType, payload: Uint8Array): boolean {
    switch (type) {
      case FrameType.THOR_ACTION:
        this.#incoming.asked(payload);
        return true;
      case FrameType.THOR_CANCEL:
        this.#incoming.cancelled(payload);
        return true;
      case FrameType.THOR_RESULT:
        this.#asked.told(payload);
        return true;
      default:
        return false;
    }
  }
}
