import { readFileSync } from 'node:fs';
import {
  type DeviceCore,
  loadDeviceCore,
  loadServerCore,
  type ServerCore,
} from '../../assembly/host/node.ts';

/** The built module, as the server loads it. */
export const coreWasm = (): Uint8Array => readFileSync(new URL('../../build/core.wasm', import.meta.url));

/** The built thread in which the server counts tokens. */
export const tokenizerWorker = new URL('../../build/tokenizer-worker.js', import.meta.url);

/** The built thread that counts with tokenizers of models. */
export const modelTokenizerWorker = new URL('../../build/model-tokenizer-worker.js', import.meta.url);

/** The built page. */
export const page = new URL('../../build/page/', import.meta.url);

/** A core of the server's build. */
export const createServerCore = (): ServerCore => loadServerCore(coreWasm());

/** A core of the device's build with a gateway's tables, which are as large as the server's. */
export const createGatewayCore = (): DeviceCore =>
  loadDeviceCore(readFileSync(new URL('../../build/device-gateway.wasm', import.meta.url)));

/** A core of the device's build. */
export const createDeviceCore = (): DeviceCore =>
  loadDeviceCore(readFileSync(new URL('../../build/device.wasm', import.meta.url)));
