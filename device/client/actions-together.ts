import { uuidFromBytes, uuidToBytes } from '../../proto/index.ts';
import { nobleCrypto } from '../../proto/ratatoskr/noble.ts';
import type { ActionEnd } from './action-messages.ts';
import type { ActionRun, ActOptions } from './asked-actions.ts';
import { BifrostError } from './errors.ts';
import { requireUuid } from './frame-channel.ts';
import { ACTIONS_TOGETHER_MAX } from './limits.ts';
import type { PlainValue } from './values.ts';

/** How many of several devices must have done an action: all, one, or this many. */
export type NeededDevices = 'all' | 'any' | number;

/** How several devices are asked as one. `id` is that of all of them together. */
export interface ActTogetherOptions extends ActOptions {
  /** All, unless the caller says otherwise. */
  readonly need?: NeededDevices;
}

/** What became of it at one device: its end, or why there is none. */
export type TogetherResult = ActionEnd | { readonly outcome: 'rejected'; readonly error: BifrostError };

/** What became of an action of several devices. */
export interface TogetherEnd {
  /** `done`: as many as needed have done it. `failed`: they can't any more. `cancelled`: by who asked, before that. */
  readonly outcome: 'done' | 'failed' | 'cancelled';
  /** By the ids of the devices. */
  readonly results: ReadonlyMap<string, TogetherResult>;
}

/** One action of several devices. */
export interface TogetherRun {
  readonly id: string;
  /** Those of the single devices, by their ids. */
  readonly runs: ReadonlyMap<string, ActionRun>;
  /** Once every device has ended: those that aren't needed any more are cancelled. Never rejects. */
  readonly result: Promise<TogetherEnd>;
  /** Ends it at all of them. */
  cancel(): void;
}

/**
 * How many devices are needed. Throws `invalid_input` for more than there are, none, and for more than may be asked as one, or one that is
 * asked twice.
 */
export function neededOf(need: NeededDevices, deviceIds: readonly string[]): number {
  const total = deviceIds.length;
  if (total < 1 || total > ACTIONS_TOGETHER_MAX || new Set(deviceIds).size < total)
    throw new BifrostError('invalid_input', `Ask 1 to ${ACTIONS_TOGETHER_MAX} devices as one, each once.`);
  const needed = need === 'all' ? total : need === 'any' ? 1 : need;
  if (Number.isInteger(needed) && needed >= 1 && needed <= total) return needed;
  throw new BifrostError('invalid_input', `Of ${total} devices 1 to ${total} can be needed.`);
}

/** Counts ends of single devices until it is decided. */
export class Tally {
  readonly #needed: number;
  #open: number;
  #done = 0;

  constructor(needed: number, total: number) {
    this.#needed = needed;
    this.#open = total;
  }

  /** One has ended. What that decides; null: nothing yet, or it was decided before. */
  ended(isDone: boolean): 'done' | 'failed' | null {
    const before = this.decided;
    this.#open--;
    if (isDone) this.#done++;
    return before === null ? this.decided : null;
  }

  get decided(): 'done' | 'failed' | null {
    if (this.#done >= this.#needed) return 'done';
    return this.#done + this.#open < this.#needed ? 'failed' : null;
  }
}

/**
 * The id of a device's part of an action of several: always the same, so that who asks again asks for the same one. A UUID of version 8
 * (RFC 9562): the first bytes of the SHA-256 of both ids.
 */
export function partId(id: string, deviceId: string): string {
  const both = new Uint8Array(32);
  both.set(uuidToBytes(requireUuid(id)));
  both.set(uuidToBytes(requireUuid(deviceId)), 16);
  const bytes = nobleCrypto.sha256(both).slice(0, 16);
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
  return uuidFromBytes(bytes);
}

/** What `BifrostClient.actTogether` promises. */
export function actTogether(
  asked: {
    readonly id: string;
    readonly deviceIds: readonly string[];
    readonly name: string;
    readonly arguments: Readonly<Record<string, PlainValue>>;
    readonly options: ActTogetherOptions;
  },
  act: (
    deviceId: string,
    name: string,
    args: Readonly<Record<string, PlainValue>>,
    options: ActOptions,
  ) => ActionRun,
): TogetherRun {
  const { id, name, options } = asked;
  const deviceIds = asked.deviceIds.map(requireUuid);
  const { need = 'all', signal, ...others } = options;
  const tally = new Tally(neededOf(need, deviceIds), deviceIds.length);
  let isCancelled = false;
  const runs = new Map(
    deviceIds.map((deviceId) => [
      deviceId,
      act(deviceId, name, asked.arguments, { ...others, id: partId(id, deviceId) }),
    ]),
  );
  const stop = () => {
    for (const run of runs.values()) run.cancel().catch(() => undefined);
  };
  const cancel = () => {
    isCancelled ||= tally.decided === null;
    stop();
  };
  const ends = [...runs].map(async ([deviceId, run]) => {
    const end: TogetherResult = await run.result.catch((error: BifrostError) => ({
      outcome: 'rejected' as const,
      error,
    }));
    if (tally.ended(end.outcome === 'done') !== null) stop();
    return [deviceId, end] as const;
  });
  signal?.addEventListener('abort', cancel, { once: true });
  if (signal?.aborted) cancel();
  const result = Promise.all(ends).then((each): TogetherEnd => {
    signal?.removeEventListener('abort', cancel);
    const isDone = tally.decided === 'done';
    return { outcome: isDone ? 'done' : isCancelled ? 'cancelled' : 'failed', results: new Map(each) };
  });
  return { id, runs, result, cancel };
}
