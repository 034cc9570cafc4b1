import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DeviceCore, loadDeviceCore } from '../../assembly/host/index.ts';

/** Beside a built program, and where the build puts it when this file runs unbuilt. */
const PLACES = ['./device.wasm', '../../build/device.wasm'];

/** Loads the built `device.wasm`, the bytes that a device gets. Throws an Error that says how to build it. */
export function loadBuiltDeviceCore(): DeviceCore {
  const path = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (path === undefined) throw new Error('device.wasm is missing: run "npm run build" first');
  return loadDeviceCore(readFileSync(path));
}
