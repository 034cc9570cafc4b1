import type { CheckableOffer, ProviderService } from '../providers/index.ts';
import type { CheckedAnswer, CheckQuestion, KeptCheck } from './types.ts';

/** The market, as checks see it. */
export type CheckedMarket = Pick<ProviderService, 'checkableOffers' | 'noteCheck'>;

/** Asks a provider as a customer does: with an account that pays, by the same way, in the same form. */
export interface CheckAsker {
  /** Null: it gave no answer, which is judged as any request is. `costMicrocents` is what it cost. */
  ask(
    offer: CheckableOffer,
    question: CheckQuestion,
    costMicrocentsMax: bigint,
  ): Promise<{ readonly answer: CheckedAnswer; readonly costMicrocents: bigint } | null>;
}

/** Where what checks have found is kept. */
export interface CheckStore {
  load(): Promise<readonly KeptCheck[]>;
  save(check: KeptCheck): Promise<void>;
}
