import type { DeviceId } from '../../kernel/ids.ts';
import { deviceTopics } from '../frames/topic-rules.ts';
import { PLAIN_NAME_CHARACTERS_MAX } from './limits.ts';

/** Kinds of values that a device publishes under its topics. */
const VALUE_KINDS = ['readings', 'state', 'settings'] as const;
export type ValueKind = (typeof VALUE_KINDS)[number];

/** What a device publishes under its own topics, as far as Bifrost has something for it. */
export type PlainTopic =
  | {
      readonly kind: ValueKind /** Null: each member of the object has its own. */;
      readonly name: string | null;
    }
  | { readonly kind: 'capabilities' };

/** What a device says under this topic; null for what only its tree understands. */
export function plainTopicOf(deviceId: DeviceId, topic: string): PlainTopic | null {
  const own = deviceTopics(deviceId);
  if (!topic.startsWith(own)) return null;
  const [kind, ...levels] = topic.slice(own.length).split('/');
  if (kind === 'capabilities' && levels.length === 0) return { kind };
  const valueKind = VALUE_KINDS.find((known) => known === kind);
  if (valueKind === undefined) return null;
  return { kind: valueKind, name: levels.length === 0 ? null : levels.join('.') };
}

/** Where a device gets a command of this name. */
export const commandTopic = (deviceId: DeviceId, name: string): string =>
  `${deviceTopics(deviceId)}commands/${name}`;

/** Where the results of a device's commands are said. */
export const resultTopic = (deviceId: DeviceId): string => `${deviceTopics(deviceId)}results`;

/** Where a device reads what it was refused. */
export const refusedTopic = (deviceId: DeviceId): string => `${deviceTopics(deviceId)}refused`;

/** Where a device reads what is wanted of it and not so. */
export const desiredTopic = (deviceId: DeviceId): string => `${deviceTopics(deviceId)}desired`;

/** True for a name that is one level of a topic. */
export function isName(name: string): boolean {
  return name.length <= PLAIN_NAME_CHARACTERS_MAX && /^[^\p{Cc}\p{Cs}#+/]+$/u.test(name);
}

/** True for a filter with which a device asks for its commands, or for results. One for everything doesn't. */
export function asksForFrames(deviceId: DeviceId, filter: string): boolean {
  const [first, id, kind] = filter.split('/');
  if (first !== 'devices') return false;
  if (kind === 'results') return true;
  return id === deviceId && (kind === 'commands' || kind === '+' || kind === '#');
}

/** True: the filter matches the topic (MQTT 3.1.1 section 4.7), which has no `$`. */
export function matches(filter: string, topic: string): boolean {
  const wanted = filter.split('/');
  const levels = topic.split('/');
  for (const [index, level] of wanted.entries()) {
    if (level === '#') return true;
    if (level !== '+' && level !== levels[index]) return false;
    if (levels[index] === undefined) return false;
  }
  return wanted.length === levels.length;
}
