import { jsonShapeOf } from '../../kernel/json-shape.ts';
import { toName } from '../../kernel/name.ts';
import {
  type Adapter,
  type Announcement,
  type FoundValue,
  type ReadRule,
  type ReadyRule,
  type SetRule,
  topicMatcher,
} from './adapters/adapter.ts';
import { ADAPTERS } from './adapters/index.ts';
import {
  FOREIGN_LEVELS_MAX,
  FOREIGN_PAYLOAD_BYTES_MAX,
  FOREIGN_VALUES_MAX,
  LEARNED_NAME_CHARACTERS_MAX,
  LEARNED_NAMES_MAX,
} from './limits.ts';
import { readRule } from './read-rule.ts';
import { isLevel } from './rules.ts';
import type { KnownCapabilities } from './types.ts';

/** A publication as the firmware takes it. */
export interface ForeignCommand {
  readonly topic: string;
  readonly payload: string;
}

/** The rules of all firmwares. */
const RULES: readonly ReadyRule[] = ADAPTERS.flatMap((adapter) =>
  adapter.reads.map((rule) => readyRule(adapter, rule)),
);

/**
 * A connected device whose firmware has topics of its own: what they mean, and what it was found to measure and to switch. It
 * speaks for itself alone: whatever the topics are called, the values are those of the device that is signed in.
 */
export class ForeignDevice {
  readonly #learned = new Map<string, { readonly as: 'readings' | 'state'; readonly set: SetRule | null }>();
  readonly #own = new Map<string, Announcement>();
  #platform = '';

  /** True: it has something that can be set. */
  get isSettable(): boolean {
    return [...this.#learned.values()].some(({ set }) => set !== null);
  }

  /** What it was found to be able to do; a name that is new since the last call makes it something. */
  get capabilities(): KnownCapabilities {
    const names = (isMeant: (learned: { as: string; set: SetRule | null }) => boolean) =>
      [...this.#learned].filter(([, learned]) => isMeant(learned)).map(([name]) => name);
    const actuators = names(({ set }) => set !== null);
    return {
      platform: this.#platform,
      firmware: '',
      sensors: names(({ set }) => set === null),
      actuators,
      commands: actuators.map((name) => `${name}.set`),
    };
  }

  /** It announced something of its own; true: that is news. One that it takes back, or more than there is room for, is none. */
  announced(topic: string, announcement: Announcement | null): boolean {
    this.#own.delete(topic);
    if (announcement === null || this.#own.size >= LEARNED_NAMES_MAX) return false;
    this.#own.set(topic, announcement);
    this.#platform ||= 'home-assistant';
    const { name, as, set } = announcement;
    return isLevel(name) && this.#learn({ name, as, set, value: null, unit: '' });
  }

  /** What a publication says; `isNews`: it has values of names that were not known before. */
  read(
    topic: string,
    payload: Uint8Array,
  ): { readonly values: readonly FoundValue[]; readonly isNews: boolean } {
    if (payload.length === 0 || payload.length > FOREIGN_PAYLOAD_BYTES_MAX) return NOTHING;
    // Before it is read: deep JSON exhausts the stack.
    if (jsonShapeOf(payload).levels > FOREIGN_LEVELS_MAX) return NOTHING;
    const values: FoundValue[] = [];
    const own = [...this.#own.values()]
      .flatMap(({ rule }) => rule ?? [])
      .filter(({ matches }) => matches(topic) !== null);
    // What a device announces itself is its own word for it.
    for (const rule of own.length > 0 ? own : RULES) {
      const captures = rule.matches(topic);
      if (captures === null) continue;
      this.#platform ||= rule.platform;
      values.push(...rule.read(payload, captures));
    }
    const kept = values.filter(({ name }) => isLevel(name)).slice(0, FOREIGN_VALUES_MAX);
    const isNews = kept.map((value) => this.#learn(value)).includes(true);
    return { values: kept, isNews };
  }

  /** How a command is given to it; null: it has no such command, `wrong`: its arguments are others. */
  commandOf(name: string, given: Readonly<Record<string, unknown>>): ForeignCommand | 'wrong' | null {
    const set = name.endsWith('.set') ? this.#learned.get(name.slice(0, -'.set'.length))?.set : undefined;
    if (set === undefined || set === null) return null;
    if (typeof given.on !== 'boolean' || Object.keys(given).length !== 1) return 'wrong';
    return { topic: set.topic, payload: given.on ? set.on : set.off };
  }

  #learn({ name, as, set }: FoundValue): boolean {
    const known = this.#learned.get(name);
    if (known !== undefined && (known.set !== null || set === null)) return false;
    if (known === undefined && (this.#learned.size >= LEARNED_NAMES_MAX || !isListable(name))) return false;
    this.#learned.set(name, { as, set });
    return true;
  }
}

/** True for a name that capabilities can have, with its command. */
function isListable(name: string): boolean {
  const outcome = toName(name, LEARNED_NAME_CHARACTERS_MAX);
  return outcome.ok && outcome.name === name;
}

const NOTHING = { values: [], isNews: false } as const;

function readyRule(adapter: Adapter, rule: ReadRule): ReadyRule {
  return {
    platform: adapter.name,
    matches: topicMatcher(rule.topic),
    read: (payload, captures) => readRule(rule, payload, captures),
  };
}
