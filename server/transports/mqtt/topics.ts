import type { DeviceId } from '../../kernel/ids.ts';

/** Where a device publishes its frames. */
export const upTopic = (deviceId: DeviceId) => `bifrost/v1/${deviceId}/up`;

/** Where a device gets frames. */
export const downTopic = (deviceId: DeviceId) => `bifrost/v1/${deviceId}/down`;
