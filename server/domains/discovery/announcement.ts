import { AppError, invalidInput } from '../../kernel/errors.ts';
import { isUuid } from '../../kernel/ids.ts';
import type { JsonObject, JsonValue } from '../../kernel/json.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import type { AdapterValue, Announcement, FoundValue, ReadyRule, SetRule } from './adapters/adapter.ts';
import { FOREIGN_LEVELS_MAX, FOREIGN_PAYLOAD_BYTES_MAX } from './limits.ts';
import { readRule } from './read-rule.ts';

const TOPIC = /^homeassistant\/(\w+)\/(?:([\w-]+)\/)?([\w-]+)\/config$/;

/** The short names that a discovery message may have, of the members that are looked at. */
const LONG_NAMES: Readonly<Record<string, string>> = {
  stat_t: 'state_topic',
  val_tpl: 'value_template',
  cmd_t: 'command_topic',
  pl_on: 'payload_on',
  pl_off: 'payload_off',
  stat_on: 'state_on',
  stat_off: 'state_off',
  unit_of_meas: 'unit_of_measurement',
  avty_t: 'availability_topic',
  dev: 'device',
  ids: 'identifiers',
};

/** Components that are understood: what is measured, and what is switched. */
const MEASURED = ['sensor', 'binary_sensor'];
const SWITCHED = ['switch', 'light'];

/** True for a topic where discovery messages are published. */
export const isAnnouncement = (topic: string): boolean => TOPIC.test(topic);

/**
 * What a discovery message says. Null: nothing that is understood, or it takes an announcement back. Refuses with
 * `malformed_json`, `too_large`, with `invalid_input` what is no discovery message, and with `topic_forbidden` one that names
 * another device: its id, its topics, or an id in the place where the server itself announces.
 */
export function announcementOf(deviceId: string, topic: string, payload: Uint8Array): Announcement | null {
  const [, component = '', node, object = ''] = TOPIC.exec(topic) ?? [];
  if ([node, object].some((level) => level !== undefined && isUuid(level))) throw namesAnother();
  if (payload.length === 0) return null;
  const config = expanded(objectOf(payload));
  requireOwn(deviceId, config);
  if (![...MEASURED, ...SWITCHED].includes(component)) return null;
  const stateTopic = topicIn(config, 'state_topic');
  const commandTopic = topicIn(config, 'command_topic');
  const isSwitched = SWITCHED.includes(component);
  if (!isSwitched && stateTopic === null) throw invalidInput(`A ${component} has a state_topic.`);
  if (isSwitched && commandTopic === null) throw invalidInput(`A ${component} has a command_topic.`);
  const name = node === undefined ? object : `${node}.${object}`;
  const set = isSwitched && commandTopic !== null ? setOf(config, commandTopic) : null;
  const as = isSwitched ? ('state' as const) : ('readings' as const);
  return {
    name,
    as,
    set,
    rule: stateTopic === null ? null : ruleOf(config, { name, as, set, component, stateTopic }),
  };
}

function objectOf(payload: Uint8Array): JsonObject {
  if (payload.length > FOREIGN_PAYLOAD_BYTES_MAX) {
    throw new AppError(
      'too_large',
      'too_large',
      `A discovery message has ${FOREIGN_PAYLOAD_BYTES_MAX} bytes at most.`,
    );
  }
  if (jsonShapeOf(payload).levels > FOREIGN_LEVELS_MAX) {
    throw invalidInput(`A discovery message has ${FOREIGN_LEVELS_MAX} objects inside each other at most.`);
  }
  let value: JsonValue;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload)) as JsonValue;
  } catch {
    throw new AppError('invalid', 'malformed_json', 'The discovery message is not JSON.');
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw invalidInput('A discovery message is a JSON object.');
}

/** With long names, and `~` put in. */
function expanded(config: JsonObject): JsonObject {
  const base = typeof config['~'] === 'string' ? config['~'] : '';
  const entries = Object.entries(config).map(([key, value]): [string, JsonValue] => {
    const name = Object.hasOwn(LONG_NAMES, key) ? (LONG_NAMES[key] as string) : key;
    if (typeof value !== 'string' || !/_(topic|t)$/.test(key)) return [name, value];
    return [name, value.replace(/^~/, () => base).replace(/~$/, () => base)];
  });
  return Object.fromEntries(entries);
}

/** Members that say whose something is, or where it is said. */
const NAMING = /^(identifiers|unique_id|uniq_id|via_device|object_id)$|topic$|_t$/;

function requireOwn(deviceId: string, config: JsonObject): void {
  for (const [key, value] of membersIn(config)) {
    if (typeof value !== 'string' || !NAMING.test(key)) continue;
    const [first, id] = value.split('/');
    if (first === 'devices' && id !== undefined && id !== deviceId) throw namesAnother();
    if (first === 'yggdrasil' || first === 'bifrost') throw namesAnother();
    const ids = value.match(/[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/gi) ?? [];
    if (ids.some((named) => named.toLowerCase() !== deviceId)) throw namesAnother();
  }
}

/** Members at every depth, in lists too. */
function* membersIn(value: JsonValue, way = ''): Generator<[string, JsonValue]> {
  if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) {
      const name = Object.hasOwn(LONG_NAMES, key) ? (LONG_NAMES[key] as string) : key;
      yield* membersIn(member as JsonValue, Array.isArray(value) ? way : name);
    }
  } else yield [way, value];
}

function topicIn(config: JsonObject, name: 'state_topic' | 'command_topic'): string | null {
  const topic = config[name];
  if (topic === undefined) return null;
  if (typeof topic === 'string' && /^[^\p{Cc}\p{Cs}#+$][^\p{Cc}\p{Cs}#+]{0,511}$/u.test(topic)) return topic;
  throw invalidInput(`${name} is no topic.`);
}

function wordIn(config: JsonObject, name: string, otherwise: string): string {
  const word = config[name];
  return typeof word === 'string' || typeof word === 'number' || typeof word === 'boolean'
    ? String(word)
    : otherwise;
}

function setOf(config: JsonObject, topic: string): SetRule {
  if (config.schema === 'json') return { topic, on: '{"state":"ON"}', off: '{"state":"OFF"}' };
  return { topic, on: wordIn(config, 'payload_on', 'ON'), off: wordIn(config, 'payload_off', 'OFF') };
}

function ruleOf(
  config: JsonObject,
  {
    name,
    as,
    set,
    component,
    stateTopic,
  }: Omit<Announcement, 'rule'> & { readonly component: string; readonly stateTopic: string },
): ReadyRule | null {
  const way = wayOf(config, component);
  if (way === null) return null;
  const unit = wordIn(config, 'unit_of_measurement', '').slice(0, 32);
  const words: Record<string, AdapterValue> = {};
  if (component !== 'sensor') {
    for (const key of ['payload_on', 'state_on']) words[wordIn(config, key, 'ON')] = true;
    for (const key of ['payload_off', 'state_off']) words[wordIn(config, key, 'OFF')] = false;
  }
  const payload = way === '' ? ('text' as const) : ('json' as const);
  const rule = { topic: '', as, name: '', payload, words, silent: /.*/ };
  return {
    platform: 'home-assistant',
    matches: (topic) => (topic === stateTopic ? {} : null),
    read: (bytes) =>
      readRule(way === '' ? rule : { ...rule, only: new RegExp(`^${escaped(way)}$`) }, bytes, {}).map(
        ({ value }): FoundValue => ({ as, name, value, unit: typeof value === 'number' ? unit : '', set }),
      ),
  };
}

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/**
 * The way to the value in a template that only says where it is: `{{ value_json.a['b'] }}`, with or without filters. Empty: the
 * payload itself. Null: it does more.
 */
function wayOf({ value_template: template, schema }: JsonObject, component: string): string | null {
  if (template === undefined || template === '')
    return component === 'light' && schema === 'json' ? 'state' : '';
  if (typeof template !== 'string') throw invalidInput('value_template is a text.');
  const found = /^\{\{\s*(value|value_json)((?:\.\w+|\[(?:'[^']*'|"[^"]*")\])*)\s*(?:\|[^}]*)?\}\}$/.exec(
    template.trim(),
  );
  if (found === null) return null;
  const [, root, path = ''] = found;
  if (root === 'value') return path === '' ? '' : null;
  const parts = [...path.matchAll(/\.(\w+)|\[(?:'([^']*)'|"([^"]*)")\]/g)].map(
    ([, dotted, single, double]) => dotted ?? single ?? double ?? '',
  );
  return parts.length === 0 ? null : parts.join('.');
}

function namesAnother(): AppError {
  return new AppError('forbidden', 'topic_forbidden', 'The discovery message names another device.');
}
