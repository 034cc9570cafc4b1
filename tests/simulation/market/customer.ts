import { PLAIN_CHAT } from '../../../server/domains/providers/index.ts';
import {
  type ComputeAnswer,
  type ComputeEvent,
  NO_PREFERENCES,
  type UncountedOrder,
} from '../../../server/domains/requests/index.ts';
import type { AccountActor } from '../../../server/kernel/actor.ts';
import { AppError } from '../../../server/kernel/errors.ts';
import { type AccountId, asId, type TenantId } from '../../../server/kernel/ids.ts';
import { TEST_CREDENTIAL_ID } from '../../support/actors.ts';
import { uuid } from '../../support/frames.ts';
import type { MarketProcess } from '../../support/market-process.ts';
import type { Surroundings } from './surroundings.ts';

type Final = Exclude<ComputeEvent, { kind: 'delta' }>;

/** The last that a customer heard of a request. */
export type Told =
  | Final
  | { readonly kind: 'refused'; readonly code: string; readonly error: unknown }
  /** The stream ended without a word. */
  | { readonly kind: 'nothing' };

/** A request as its customer sees it. Each has a number of prompt tokens of its own: by that its transaction is found. */
export interface Asked {
  readonly promptTokens: number;
  readonly customer: Customer;
  readonly key: string | null;
  readonly server: MarketProcess;
  readonly abort: AbortController;
  readonly told: Told[];
  answer: ComputeAnswer | null;
  text: string;
  /** It stopped reading for good. */
  stoppedReading: boolean;
}

/** All that customers have asked stands in one list. */
type CustomerSurroundings = Surroundings & { readonly asked: Asked[] };

/** Somebody with money who asks, reads at its own pace, leaves, stops reading, and repeats itself. */
export class Customer {
  readonly actor: AccountActor;
  /** Orders that it gave a key, by key: all that follow under it are the same. */
  readonly keyed = new Map<string, UncountedOrder>();
  readonly #world: CustomerSurroundings;

  constructor(number: number, world: CustomerSurroundings) {
    this.actor = {
      kind: 'account',
      credentialId: TEST_CREDENTIAL_ID,
      tenantId: asId<TenantId>(uuid(600 + number)),
      accountId: asId<AccountId>(uuid(700 + number)),
      operator: false,
      role: 'owner',
      networkIds: null,
    };
    this.#world = world;
  }

  /** Asks something, under a new key, an old one, or none; leaves after a while, now and then. */
  askSomething(): void {
    const { chance, clock } = this.#world;
    const keys = [...this.keyed.keys()];
    if (keys.length > 0 && chance.happens(0.3)) {
      this.ask(chance.oneOf(keys));
      return;
    }
    const key = chance.happens(0.4) ? `key ${this.#world.asked.length}` : null;
    const asked = this.ask(key);
    if (asked === null || !chance.happens(0.12)) return;
    clock.after(chance.between(0, 6_000), () => {
      if (asked.server.isAlive) asked.abort.abort();
    });
  }

  /** Null: no server takes requests now. */
  ask(key: string | null): Asked | null {
    const { server, chance } = this.#world;
    if (!server?.isReady) return null;
    const abort = new AbortController();
    const earlier = key === null ? undefined : this.keyed.get(key);
    const body = new TextEncoder().encode(`{"order": ${this.#world.asked.length}}`);
    const fresh = {
      models: ['m'],
      preferences: NO_PREFERENCES,
      task: PLAIN_CHAT,
      encodeBody: () => body,
      continuationBody: (beginning: string) => new TextEncoder().encode(beginning),
      completionTokensMax: chance.oneOf([20, 60, 400, null]),
      costMicrocentsMax: null,
      idempotencyKey: key,
      isWhole: chance.happens(0.3),
    };
    const promptTokens = 10 + this.#world.asked.length;
    const countPromptTokens = async () => promptTokens;
    const order: UncountedOrder = { ...(earlier ?? fresh), countPromptTokens, signal: abort.signal };
    if (key !== null) this.keyed.set(key, order);
    const asked: Asked = {
      promptTokens,
      customer: this,
      key,
      server,
      abort,
      told: [],
      answer: null,
      text: '',
      stoppedReading: false,
    };
    this.#world.asked.push(asked);
    void this.#follow(asked, order);
    return asked;
  }

  async #follow(asked: Asked, order: UncountedOrder): Promise<void> {
    try {
      asked.answer = await asked.server.requests.createRequest(this.actor, order);
      await this.#read(asked, asked.answer);
      if (asked.told.length === 0) asked.told.push({ kind: 'nothing' });
    } catch (error) {
      const code = error instanceof AppError ? error.code : 'not an AppError';
      asked.told.push({ kind: 'refused', code, error });
    }
  }

  async #read(asked: Asked, { events }: ComputeAnswer): Promise<void> {
    const { chance, clock, isCalm } = this.#world;
    const paceMs = chance.oneOf([0, 0, 50, 800]);
    for await (const event of events) {
      if (event.kind === 'delta') asked.text += String(event.fields.content);
      else asked.told.push(event);
      if (!isCalm && chance.happens(0.01)) {
        asked.stoppedReading = true;
        await new Promise<void>((resolve) => clock.after(30_000, resolve));
      }
      if (paceMs > 0) await new Promise<void>((resolve) => clock.after(paceMs, resolve));
    }
  }
}
