import {
  decodePayload,
  encodePayload,
  FrameType,
  RouteQuery,
  Routes,
  uuidToBytes,
} from '../../proto/index.ts';
import { toBase64Url } from './base64.ts';
import type { BifrostError } from './errors.ts';
import type { OutgoingFrame } from './frame-channel.ts';
import type { Acceptance } from './outbox.ts';

/** Refusals that say that there is no such device, or that the server knows no keys: nothing is sealed. */
const WITHOUT_KEY: ReadonlySet<string> = new Set(['device_not_found', 'frame_type_unexpected', 'forbidden']);

/** Asks the server for the keys of other devices. */
export class SealKeyLookup {
  readonly #request: (frame: Omit<OutgoingFrame, 'delivery'>) => Promise<Acceptance>;
  #waiting: { readonly resolve: () => void; readonly reject: (error: BifrostError) => void }[] = [];

  constructor(request: (frame: Omit<OutgoingFrame, 'delivery'>) => Promise<Acceptance>) {
    this.#request = request;
  }

  /**
   * The public key of a device, in base64url; null: it has none, or there is no such device. Without a connection it waits for one. Rejects
   * with what the server refuses, with `timed_out`, and with what `closed` is given.
   */
  async find(deviceId: string): Promise<string | null> {
    const payload = encodePayload(RouteQuery, { targetId: uuidToBytes(deviceId) });
    for (;;) {
      try {
        const { answer } = await this.#request({ type: FrameType.ROUTE_QUERY, payload });
        const [route] = decodePayload(Routes, answer ?? new Uint8Array(0)).routes;
        const key = route?.sealKey ?? new Uint8Array(0);
        return key.length === 0 ? null : toBase64Url(key);
      } catch (error) {
        const { code } = error as BifrostError;
        if (WITHOUT_KEY.has(code)) return null;
        if (code !== 'session_lost') throw error;
      }
      await new Promise<void>((resolve, reject) => this.#waiting.push({ resolve, reject }));
    }
  }

  /** A session began. */
  opened(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** Nothing will come any more. */
  closed(error: BifrostError): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }
}
