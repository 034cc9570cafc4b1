import { type DeviceCore, loadDeviceCore } from '../../assembly/host/index.ts';

/** `build/device.wasm` in base64: the build puts it here, so that the package has no file to load. */
declare const DEVICE_WASM: string;

let core: DeviceCore | null = null;

/** The device's core, from the bytes that every device gets. One for all clients: it keeps nothing of them but keys that they hold. */
export function packagedCore(): DeviceCore {
  core ??= loadDeviceCore(Uint8Array.from(atob(DEVICE_WASM), (character) => character.charCodeAt(0)));
  return core;
}
