import type { Action } from '../../api/types.ts';
import { runAction } from './run-action.ts';

/** A script that a device has. */
export interface InstalledScript {
  readonly name: string;
  readonly version: number;
  readonly state: string;
  readonly error: string;
  readonly calls: number;
}

/** What `ListScripts` answers: for each script `<name>.version`, `.state`, `.error`, `.calls` (docs/scripts.md). */
export function readScripts(values: Action['values']): readonly InstalledScript[] {
  const names = Object.keys(values)
    .filter((key) => key.endsWith('.version'))
    .map((key) => key.slice(0, -'.version'.length))
    .sort();
  return names.map((name) => ({
    name,
    version: Number(values[`${name}.version`]),
    state: String(values[`${name}.state`] ?? ''),
    error: String(values[`${name}.error`] ?? ''),
    calls: Number(values[`${name}.calls`] ?? 0),
  }));
}

/** The scripts of a device. Throws ActionError where it doesn't answer. */
export const listScripts = async (deviceId: string): Promise<readonly InstalledScript[]> =>
  readScripts(await runAction(deviceId, 'ListScripts'));

const MANIFEST_BYTES = 100;
const HEAD_BYTES = 164;
const PART_BYTES = 1_024;

const base64 = (bytes: Uint8Array) => ({ base64: btoa(String.fromCharCode(...bytes)) });

/**
 * Deploys a package as `yggdrasil script sign` writes it (`.ygs`): the device checks it before the script of this name is replaced.
 * `progress` is told the share that has arrived. Throws ActionError with what the device refuses it for.
 */
export async function deployScript(
  deviceId: string,
  content: Uint8Array,
  progress: (fraction: number) => void,
): Promise<void> {
  const manifest = base64(content.subarray(0, MANIFEST_BYTES));
  const signature = base64(content.subarray(MANIFEST_BYTES, HEAD_BYTES));
  const body = content.subarray(HEAD_BYTES);
  let { offset } = await runAction(deviceId, 'script.begin', { manifest, signature });
  while (Number(offset) < body.length) {
    const from = Number(offset);
    progress(from / body.length);
    const data = base64(body.subarray(from, from + PART_BYTES));
    ({ offset } = await runAction(deviceId, 'script.chunk', { offset: from, data }));
  }
  await runAction(deviceId, 'script.commit');
}
