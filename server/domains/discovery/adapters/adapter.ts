import type { JsonValue } from '../../../kernel/json.ts';

/** A value of what a device publishes. */
export type AdapterValue = number | boolean | string | null;

/** Words of a firmware and what they mean. */
export type Words = Readonly<Record<string, AdapterValue>>;

/** How a value is set: by a publication in the firmware's own form. */
export interface SetRule {
  /** Where. Captures stand in it as in the topic that was read. */
  readonly topic: string;
  /** The words for true and false. */
  readonly on: string;
  readonly off: string;
}

/** What a firmware says on a topic. */
export interface ReadRule {
  /** The topic, with captures for whole levels: `tele/:device/SENSOR`. `:name(POWER\\d*)` takes only what matches. */
  readonly topic: string;
  readonly as: 'readings' | 'state';
  /** What the value is called, of captures; of a JSON object the way to the member is added behind a dot. Empty: that way alone. */
  readonly name: string;
  readonly payload: 'json' | 'text';
  /** Where in the object the values are: `params`. */
  readonly within?: string;
  /** Of an object, only members whose way matches. */
  readonly only?: RegExp;
  /** Of an object, not these. */
  readonly skip?: RegExp;
  /** The part of a member's way that isn't said: `state` of `{"state": "ON"}`. */
  readonly silent?: RegExp;
  /** Words of the values. */
  readonly words?: Words;
  /** Units, by the last part of a name. */
  readonly units?: Readonly<Record<string, string>>;
  /** Such values are set by this; the command is `<name>.set`, with `on`. Of an object those whose way matches `sets`. */
  readonly set?: SetRule;
  readonly sets?: RegExp;
}

/** A firmware: data, and nothing else. */
export interface Adapter {
  /** The platform that its devices have. */
  readonly name: string;
  /** The document that says so. */
  readonly source: string;
  readonly reads: readonly ReadRule[];
}

/** What a rule finds in one message. */
export interface FoundValue {
  readonly as: 'readings' | 'state';
  readonly name: string;
  readonly value: AdapterValue;
  readonly unit: string;
  /** How it is set; null: it isn't. */
  readonly set: SetRule | null;
}

/** A rule made ready. */
export interface ReadyRule {
  readonly platform: string;
  readonly matches: TopicMatcher;
  readonly read: (payload: Uint8Array, captures: Readonly<Record<string, string>>) => FoundValue[];
}

/** What a device announced of itself in a discovery message. */
export interface Announcement {
  readonly name: string;
  readonly as: 'readings' | 'state';
  readonly set: SetRule | null;
  /** How its values are read; null: they can't be. */
  readonly rule: ReadyRule | null;
}

/** A rule's topic made ready: what it captures, or null where the topic is another. */
export type TopicMatcher = (topic: string) => Readonly<Record<string, string>> | null;

/** Makes a rule's topic ready. */
export function topicMatcher(pattern: string): TopicMatcher {
  const names: string[] = [];
  const source = pattern
    .split('/')
    .map((level) => {
      const capture = /^:(\w+)(?:\((.*)\))?$/.exec(level);
      if (capture === null) return level.replaceAll(/[^\w-]/g, '\\$&');
      names.push(capture[1] as string);
      return `(${capture[2] ?? '[^/]+'})`;
    })
    .join('/');
  const matching = new RegExp(`^${source}$`);
  return (topic) => {
    const found = matching.exec(topic);
    return found === null
      ? null
      : Object.fromEntries(names.map((name, index) => [name, found[index + 1] as string]));
  };
}

/** A text with its captures put in. */
export const filled = (text: string, captures: Readonly<Record<string, string>>): string =>
  text.replaceAll(/:(\w+)/g, (whole, name: string) => captures[name] ?? whole);

/** Members of an object at every depth, by the way to them; lists are left out. */
export function* membersOf(
  value: JsonValue,
  way: readonly string[] = [],
): Generator<[way: string, AdapterValue]> {
  if (Array.isArray(value)) return;
  if (typeof value === 'object' && value !== null) {
    for (const [key, member] of Object.entries(value)) yield* membersOf(member as JsonValue, [...way, key]);
  } else yield [way.join('.'), value as AdapterValue];
}
