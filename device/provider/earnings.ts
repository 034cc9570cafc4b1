import type { Clock } from '../client/index.ts';
import { EARNINGS_DELAY_MS } from './limits.ts';
import type { RestApi } from './rest-api.ts';

/** What a provider did since its program began. */
export interface EarnedSums {
  readonly requests: number;
  readonly tokens: number;
  /** Euros, in decimal. */
  readonly earnings: string;
}

interface Sums {
  readonly requests: number;
  readonly billedTokens: number;
  readonly earnings: { readonly value: string };
}

/** Asks the server what a provider has earned today, soon after it served something; once for many requests that end together. */
export class Earnings {
  readonly #api: RestApi;
  readonly #deviceId: string;
  readonly #clock: Clock;
  #providerId: string | null = null;
  #cancel: (() => void) | null = null;

  constructor(api: RestApi, deviceId: string, clock: Clock) {
    this.#api = api;
    this.#deviceId = deviceId;
    this.#clock = clock;
  }

  /** Looks soon, and tells. A server that doesn't answer is asked the next time. */
  look(tell: (text: string, sums: EarnedSums) => void): void {
    this.#cancel ??= this.#clock.after(EARNINGS_DELAY_MS, () => {
      this.#cancel = null;
      void this.#read().then((sums) => {
        if (sums !== null) tell(describe(sums), sums);
      });
    });
  }

  stop(): void {
    this.#cancel?.();
  }

  async #read(): Promise<EarnedSums | null> {
    const { body } = await this.#api.ask('GET', `marketplace/providers/${this.#deviceId}`);
    this.#providerId ??= (body as { id?: string } | null)?.id ?? null;
    if (this.#providerId === null) return null;
    const from = new Date(this.#clock.nowMs()).toISOString().slice(0, 10);
    const query = `providerId=${this.#providerId}&from=${from}T00:00:00Z&step=hour`;
    const answer = await this.#api.ask('GET', `marketplace/analytics/provider?${query}`);
    if (answer.status !== 200) return null;
    const { totals } = answer.body as { totals: Sums };
    return { requests: totals.requests, tokens: totals.billedTokens, earnings: totals.earnings.value };
  }
}

function describe({ requests, tokens, earnings }: EarnedSums): string {
  return `today: ${requests} requests, ${tokens} tokens, ${earnings} EUR earned`;
}
