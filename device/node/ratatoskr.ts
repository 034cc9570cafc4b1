import type { DeviceCore } from '../../assembly/host/index.ts';
import { nodeNoiseCrypto, nodeSigning } from '../../proto/ratatoskr/node.ts';
import { loadBuiltDeviceCore } from './device-core.ts';
import { openNodeSession } from './websocket.ts';

/** What a client of Ratatoskr is built on in Node. `core`: the built `device.wasm`, which throws an Error where it is missing. */
export const nodeSessions = (core: DeviceCore = loadBuiltDeviceCore()) => ({
  core,
  openSocket: openNodeSession,
  crypto: nodeNoiseCrypto,
  signing: nodeSigning,
});
