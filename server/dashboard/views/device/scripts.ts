import { type InstalledScript, readScripts } from './installed-scripts.ts';
import { runAction } from './run-action.ts';

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
