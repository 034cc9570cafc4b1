import {
  decodePayload,
  encodePayload,
  FrameType,
  Shadow,
  ShadowDifference,
  ShadowReport,
  type yggdrasil,
} from '../../proto/index.ts';
import type { OutgoingFrame } from './frame-channel.ts';
import type { Acceptance } from './outbox.ts';
import { fromValues, toValue } from './values.ts';

/** What can be wanted or said of a device. */
export type StateValue = boolean | number | string;

/** One side of a shadow. */
export interface ShadowSide {
  /** Values by name; what is inside another is named after the way to it, `air.co2`. */
  readonly state: Readonly<Record<string, StateValue>>;
  /** Counts up with each change, from 0: nothing was said. */
  readonly version: number;
  readonly changedAtMs: number | null;
}

/** What is wanted of a device, and what it said of itself. */
export interface ShadowState {
  readonly desired: ShadowSide;
  readonly reported: ShadowSide;
}

/** What is wanted of this device and not so. */
export interface StateDifference {
  /** The version of what is wanted. */
  readonly version: number;
  /** Empty: all is as it should be. */
  readonly state: Readonly<Record<string, StateValue>>;
}

/** A SHADOW_DIFFERENCE frame's payload. Throws `PayloadError`. */
export function decodeDifference(payload: Uint8Array): StateDifference {
  const { version, state } = decodePayload(ShadowDifference, payload);
  return { version, state: statesOf(state) };
}

/** This device's shadow: what is wanted of it, and what it says. What differs comes as the client's event `difference`. */
export class DeviceShadow {
  readonly #request: (frame: Omit<OutgoingFrame, 'delivery'>) => Promise<Acceptance>;

  constructor(request: (frame: Omit<OutgoingFrame, 'delivery'>) => Promise<Acceptance>) {
    this.#request = request;
  }

  /** Both sides as they are now. Rejects as `client.request` does. */
  async read(): Promise<ShadowState> {
    return this.#ask(FrameType.SHADOW_QUERY, new Uint8Array(0));
  }

  /**
   * Changes what this device says of itself; null takes a value away. Resolves with its shadow when that is kept. With a `version`
   * that is not the one of what it said before it changes nothing, and rejects with `conflict`: read, and decide again.
   */
  async report(
    change: Readonly<Record<string, StateValue | null>>,
    { version }: { version?: number } = {},
  ): Promise<ShadowState> {
    const state = Object.entries(change).map(([name, value]) => [name, value === null ? {} : toValue(value)]);
    const report = { state: Object.fromEntries(state), ...(version === undefined ? {} : { version }) };
    return this.#ask(FrameType.SHADOW_REPORT, encodePayload(ShadowReport, report));
  }

  async #ask(type: FrameType, payload: Uint8Array): Promise<ShadowState> {
    const { answer } = await this.#request({ type, payload });
    const { desired, reported } = decodePayload(Shadow, answer ?? new Uint8Array(0));
    return { desired: sideOf(desired), reported: sideOf(reported) };
  }
}

function sideOf(side: yggdrasil.v1.ShadowSide.$Properties | null | undefined): ShadowSide {
  return {
    state: statesOf(side?.state),
    version: side?.version ?? 0,
    changedAtMs: side?.changedAtMs || null,
  };
}

const statesOf = (values: Parameters<typeof fromValues>[0]) =>
  fromValues(values) as Record<string, StateValue>;
