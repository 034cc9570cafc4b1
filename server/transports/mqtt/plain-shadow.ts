import {
  Delivery,
  decodePayload,
  encodePayload,
  FrameType,
  Shadow,
  ShadowReport,
  type yggdrasil,
} from '../../../proto/index.ts';
import type { MadeFrame } from '../../domains/relay/index.ts';
import { invalidInput } from '../../kernel/errors.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { jsonOf, wireValue } from '../frames/json-values.ts';
import { deviceTopics } from '../frames/topic-rules.ts';
import { readJson, requireMembers, requireObject } from './plain-json.ts';
import { readingsOf } from './plain-values.ts';

/** Where the server answers a device that asks for its shadow. */
export const shadowTopic = (deviceId: DeviceId): string => `${deviceTopics(deviceId)}shadow`;

/** True for what a device publishes to ask for its shadow, or to report under a version. */
export const isShadowAsk = (deviceId: DeviceId, topic: string): boolean =>
  topic.startsWith(`${shadowTopic(deviceId)}/`);

/**
 * The frame of a question for the shadow (`shadow/get`), or of a report under a version (`shadow/report`: `{"state", "version"}`).
 * Refuses with `too_large`, `malformed_json` and `invalid_input`.
 */
export function shadowAskOf(topic: string, payload: Uint8Array, networkId: string): MadeFrame {
  const frame = { networkId, delivery: Delivery.TRANSIENT };
  if (topic.endsWith('/get')) {
    return { ...frame, type: FrameType.SHADOW_QUERY, payload: new Uint8Array(0) };
  }
  const said = requireObject(readJson(payload), 'A report');
  requireMembers(said, ['state', 'version'], 'A report');
  const report = encodePayload(ShadowReport, {
    state: stateOf(requireObject(said.state ?? null, 'state')),
    ...(said.version === undefined ? {} : { version: versionOf(said.version) }),
  });
  return { ...frame, type: FrameType.SHADOW_REPORT, payload: report };
}

/** Values by the names that they have under `state`, too; null takes one away. */
function stateOf(object: JsonObject): Record<string, yggdrasil.v1.Value.$Properties> {
  const values = Object.keys(object).length === 0 ? [] : readingsOf(object, null);
  return Object.fromEntries(values.map(({ name, value }) => [name, wireValue(value)]));
}

/** What its field holds. */
const VERSION_MAX = 2 ** 32 - 1;

function versionOf(version: JsonValue): number {
  if (typeof version === 'number' && Number.isInteger(version) && version >= 0 && version <= VERSION_MAX)
    return version;
  throw invalidInput(`version is a whole number from 0 to ${VERSION_MAX}.`);
}

/** A SHADOW frame's payload as a plain device reads it. */
export function shadowJson(payload: Uint8Array): JsonObject {
  const { desired, reported } = decodePayload(Shadow, payload);
  return { desired: sideJson(desired), reported: sideJson(reported) };
}

function sideJson(side: yggdrasil.v1.ShadowSide.$Properties | null | undefined): JsonObject {
  const changedAtMs = side?.changedAtMs ?? 0;
  return {
    state: jsonOf(side?.state),
    version: side?.version ?? 0,
    changedAt: changedAtMs === 0 ? null : new Date(changedAtMs).toISOString(),
  };
}
