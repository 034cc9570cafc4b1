import { FrameType, type FrameView, PayloadError } from '../../proto/index.ts';
import {
  type ActionEnd,
  type ActionReport,
  type DeviceCommand,
  type DeviceCommandResult,
  decodeAction,
  decodeActionCancel,
  encodeActionReport,
  LAST_REPORT,
  type RequestedAction,
  SERVER_ID,
} from '../client/index.ts';
import { fromBase64, toBase64 } from './base64.ts';
import type { CommandLog } from './command-log.ts';
import { ACTIONS_QUEUED_MAX, BLINK_INTERVAL_MS_MAX, BLINKS_MAX } from './limits.ts';

/** The action that takes its time: `times`, and `intervalMs` between two changes of the LED. */
export const BLINK = 'led.blink';

/** What actions need of their device. */
export interface ActionDevice {
  readonly log: CommandLog;
  newFrameId(): string;
  /** Writes the log to the device's memory. */
  remember(): void;
  after(delayMs: number, work: () => void): void;
  setLed(on: boolean): void;
  /** Carries out what is done at once. */
  carryOut(command: DeviceCommand): DeviceCommandResult;
  /** Sends a report, STORED; again under the same frame id it arrives once. */
  send(frameId: string, payload: Uint8Array): void;
  report(name: string, outcome: string): void;
  dropped(reason: 'frame_replayed' | 'frame_payload_malformed'): void;
}

/** Actions of a virtual device: one after the other, the highest priority first, each once, also over a loss of power. */
export class VirtualActions {
  readonly #device: ActionDevice;
  #queue: RequestedAction[] = [];
  #running: { readonly action: RequestedAction; reports: number } | null = null;

  constructor(device: ActionDevice) {
    this.#device = device;
  }

  /** Whether an action that was begun before the start was carried out is not known, so it must not be done again. */
  concludeInterrupted(): void {
    const begun = this.#device.log.begunAction;
    if (begun === null) return;
    const message = 'The device lost power while it carried the action out. It may have been done, or not.';
    this.#conclude(begun.commandId, begun.commandId, LAST_REPORT, {
      outcome: 'unknown',
      error: { code: 'command_outcome_unknown', message },
      values: {},
    });
  }

  /** A frame that was verified; false: it is about something else. */
  received({ header, payload }: FrameView): boolean {
    if (header.sourceId !== SERVER_ID) return false;
    try {
      if (header.type === FrameType.THOR_ACTION) this.#asked(decodeAction(payload), header.nonce);
      else if (header.type === FrameType.THOR_CANCEL) this.#cancelled(decodeActionCancel(payload));
      else return false;
    } catch (error) {
      if (!(error instanceof PayloadError)) throw error;
      this.#device.dropped('frame_payload_malformed');
    }
    return true;
  }

  #asked(action: RequestedAction, nonce: number): void {
    const { log } = this.#device;
    const given = log.answerTo(action.id, SERVER_ID);
    if (given !== undefined) this.#device.send(given.frameId, fromBase64(given.payload));
    else if (this.#running?.action.id === action.id || this.#queue.some(({ id }) => id === action.id)) return;
    else if (!log.useNonce(SERVER_ID, nonce)) this.#device.dropped('frame_replayed');
    else if (this.#queue.length >= ACTIONS_QUEUED_MAX) {
      const error = { code: 'limit_reached', message: 'As many actions wait as may.' } as const;
      this.#conclude(action.id, action.name, 1, { outcome: 'refused', error, values: {} });
    } else {
      this.#queue.push(action);
      this.#next();
    }
  }

  /** Noted as one that never will be done; nobody waits for an answer. */
  #cancelled(id: string): void {
    if (this.#device.log.answerTo(id, SERVER_ID) !== undefined) return;
    this.#queue = this.#queue.filter((action) => action.id !== id);
    const end = { outcome: 'cancelled', error: null, values: {} } as const;
    const payload = encodeActionReport(id, LAST_REPORT, { kind: 'end', ...end });
    const answer = { commandId: id, sourceId: SERVER_ID, frameId: this.#device.newFrameId() };
    this.#device.log.addAction({ ...answer, payload: toBase64(payload) });
    this.#device.remember();
    if (this.#running?.action.id !== id) return;
    this.#device.report(this.#running.action.name, 'cancelled');
    this.#running = null;
    this.#next();
  }

  #next(): void {
    if (this.#running !== null) return;
    const [first] = [...this.#queue].sort((a, b) => b.priority - a.priority);
    if (first === undefined) return;
    this.#queue = this.#queue.filter((action) => action !== first);
    const running = { action: first, reports: 0 };
    this.#running = running;
    this.#device.log.beginAction({ commandId: first.id, sourceId: SERVER_ID });
    this.#device.remember();
    this.#say({ kind: 'begun' });
    if (first.name === BLINK) this.#blink(running, first.arguments);
    else this.#end(endOf(this.#device.carryOut(first)));
  }

  #blink(
    running: { readonly action: RequestedAction },
    { times, intervalMs }: RequestedAction['arguments'],
  ): void {
    if (!isCount(times, BLINKS_MAX) || !isCount(intervalMs, BLINK_INTERVAL_MS_MAX)) {
      const message = `led.blink takes times, 1 to ${BLINKS_MAX}, and intervalMs, 1 to ${BLINK_INTERVAL_MS_MAX}.`;
      this.#end({ outcome: 'refused', error: { code: 'command_argument_wrong', message }, values: {} });
      return;
    }
    const step = (changes: number): void => {
      if (this.#running !== running) return;
      this.#device.setLed(changes % 2 === 1);
      const done = Math.floor(changes / 2);
      if (changes % 2 === 0)
        this.#say({ kind: 'progress', fraction: done / times, text: `${done} of ${times}` });
      if (done === times) this.#end({ outcome: 'done', error: null, values: { times } });
      else this.#device.after(intervalMs, () => step(changes + 1));
    };
    step(1);
  }

  #say(report: ActionReport): void {
    if (this.#running === null) return;
    const { action } = this.#running;
    const payload = encodeActionReport(action.id, ++this.#running.reports, report);
    this.#device.send(this.#device.newFrameId(), payload);
  }

  #end(end: ActionEnd): void {
    if (this.#running === null) return;
    const { action, reports } = this.#running;
    this.#running = null;
    this.#conclude(action.id, action.name, reports + 1, end);
    this.#next();
  }

  /** Noted before it is said. */
  #conclude(id: string, name: string, number: number, end: ActionEnd): void {
    const payload = encodeActionReport(id, number, { kind: 'end', ...end });
    const frameId = this.#device.newFrameId();
    this.#device.log.addAction({ commandId: id, sourceId: SERVER_ID, frameId, payload: toBase64(payload) });
    this.#device.remember();
    this.#device.send(frameId, payload);
    this.#device.report(name, end.error?.code ?? end.outcome);
  }
}

const isCount = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= most;

/** A command's result as the end of an action. */
function endOf({ error, values }: DeviceCommandResult): ActionEnd {
  if (error === null) return { outcome: 'done', error, values };
  const isRefusal = error.code === 'command_unknown' || error.code === 'command_argument_wrong';
  return { outcome: isRefusal ? 'refused' : 'failed', error, values };
}
