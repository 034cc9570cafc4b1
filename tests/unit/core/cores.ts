import { readFileSync } from 'node:fs';
import {
  type DeviceCore,
  loadDeviceCore,
  loadServerCore,
  type ServerCore,
} from '../../../assembly/host/node.ts';

/** The built bytes, as server and device get them. */
export function readModule(name: 'core' | 'device' | 'device-gateway'): Uint8Array {
  return readFileSync(new URL(`../../../build/${name}.wasm`, import.meta.url));
}

/** The server's core, with nothing handed to node:crypto. */
export function openServerCore(): ServerCore {
  return loadServerCore(readModule('core'), { nodeCryptoFromBytes: Number.POSITIVE_INFINITY });
}

/** Both cores by name, for tests that hold for either. */
export function openCores(): [name: string, core: DeviceCore][] {
  return [
    ['core.wasm', openServerCore()],
    ['device.wasm', loadDeviceCore(readModule('device'))],
  ];
}

/** Bytes that differ at every place of a block and from message to message. */
export function makeBytes(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 6) * 13 + seed * 71 + 5) & 0xff);
}

/** Bytes in hexadecimal. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
