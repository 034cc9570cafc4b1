import { Delivery, FrameType, type ReleaseManifest } from '../../../proto/index.ts';
import type { Clock } from '../../client/index.ts';
import { ScriptRefusal } from '../scripts/refusal.ts';
import type { ScriptRuntime } from '../scripts/runtime.ts';
import { DeviceUpdates } from './device-updates.ts';
import type { UpdateFlash } from './flash.ts';

/** The kind of machine that releases for this device name. */
export const TARGET = 'virtual';

/** What a device is given for its updates. */
export interface UpdateParts {
  readonly flash: UpdateFlash;
  /** Ed25519, 32 bytes: nothing that is sent changes it. */
  readonly ownerKey: Uint8Array;
  /** Whether an image runs: there is no machine that would find out. */
  readonly starts: (manifest: ReleaseManifest, content: Uint8Array) => boolean;
}

/** The device around its updates. */
export interface UpdateHost {
  readonly clock: Clock;
  readonly scripts: ScriptRuntime | null;
  /** Sends a frame to the server; gives its id. */
  send(type: FrameType, delivery: Delivery, payload: Uint8Array): string;
  restart(): void;
  log(text: string): void;
}

/** Updates of a virtual device. */
export function createUpdates({ flash, ownerKey, starts }: UpdateParts, host: UpdateHost): DeviceUpdates {
  const device = {
    starts,
    report: (payload: Uint8Array) => host.send(FrameType.UPDATE_REPORT, Delivery.STORED, payload),
    ask: (payload: Uint8Array) => host.send(FrameType.UPDATE_REQUEST, Delivery.TRANSIENT, payload),
    restart: () => host.restart(),
    log: (text: string) => host.log(text),
    installScript(bytes: Uint8Array, allowOlder: boolean) {
      if (host.scripts === null) return 'script_key_missing';
      try {
        host.scripts.installPackage(bytes, allowOlder);
        return null;
      } catch (error) {
        if (!(error instanceof ScriptRefusal)) throw error;
        return error.code;
      }
    },
  } as const;
  return new DeviceUpdates({ ownerKey, target: TARGET }, { flash, clock: host.clock, device });
}
