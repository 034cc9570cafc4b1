import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { Decision as DecisionOf, DecisionDraft as DraftOf } from '../decisions/index.ts';
import type { PriceInput, TokenPrices } from '../pricing/index.ts';
import type { DeclaredByOwner, ProviderId, TriedOut, WithheldReason } from '../providers/index.ts';
import type { WeeklyHours } from './hours.ts';

/** A model that may be sold, and for how much. */
export interface RegisteredModel {
  readonly name: string;
  readonly prices: TokenPrices;
  /** Prompt and answer together, at most. */
  readonly contextTokensMax: number;
}

/** With whom a device is shared. */
export const SHARINGS = ['everybody', 'own_tenant'] as const;
export type Sharing = (typeof SHARINGS)[number];

/** What may be sold, checked. */
export interface ProviderTerms extends DeclaredByOwner {
  readonly models: readonly RegisteredModel[];
  /** Requests at the same time, at most. */
  readonly slots: number;
  /** Null: always. */
  readonly hours: WeeklyHours | null;
  readonly sharing: Sharing;
  /** The least quality, from 0 to 1, that it sells under; null: any. */
  readonly qualityMin: number | null;
  /** The longest wait for a first token that it sells under, in milliseconds; null: any. */
  readonly waitMsMax: number | null;
}

/** What somebody wants to sell, not checked yet. */
export interface TermsInput extends Omit<ProviderTerms, 'models' | 'waitMsMax'> {
  readonly models: readonly {
    readonly name: string;
    readonly prices: PriceInput;
    /** Null: as much as its program says. */
    readonly contextTokensMax: number | null;
  }[];
  readonly waitSecondsMax: number | null;
}

/** How a registration stands. */
export const REGISTRATION_STATES = ['waiting', 'approved', 'refused'] as const;
export type RegistrationState = (typeof REGISTRATION_STATES)[number];

/** What was decided about a registration. */
export type Decision = DecisionOf<RegistrationState>;
export type DecisionDraft = DraftOf<RegistrationState>;

/** What a test showed, and when. */
export interface TestResult extends Omit<TriedOut, 'text' | 'textMs'> {
  readonly atMs: number;
  /** Tokens after the first, in a second; null: there was none, or they came at once. */
  readonly tokensPerSecond: number | null;
}

/** A registration as it is kept. */
export interface StoredRegistration {
  readonly providerId: ProviderId;
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
  /** Who said what is sold: the owner, whose word binds, or the device's program, which announces it. */
  readonly origin: 'owner' | 'device';
  readonly terms: ProviderTerms;
  /** False: paused by its owner. */
  readonly isActive: boolean;
  readonly state: RegistrationState;
  readonly lastTest: TestResult | null;
  readonly createdAtMs: number;
  readonly changedAtMs: number;
  /** When its owner took it off the market; null: it is registered. */
  readonly removedAtMs: number | null;
}

/** A registration as its owner sees it. */
export interface Registration extends StoredRegistration {
  /** Its decisions, the newest first. */
  readonly decisions: readonly Decision[];
  /** Its program is connected. */
  readonly isConnected: boolean;
  /** Why nothing is sold now; null: it is on the market. */
  readonly withheld: WithheldReason | null;
  /** When it opens next, or closes where it is open, in milliseconds since 1970; null: never, as far as is known. */
  readonly nextChangeMs: number | null;
}

/** What a change of a registration writes. */
export interface RegistrationChange
  extends Pick<StoredRegistration, 'origin' | 'terms' | 'isActive' | 'state' | 'removedAtMs'> {
  /** Null: nothing was decided. */
  readonly decision: DecisionDraft | null;
}
