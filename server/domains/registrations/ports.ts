import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId, TenantId } from '../../kernel/ids.ts';
import type { Page } from '../../kernel/page.ts';
import type { ProviderId, ProviderService } from '../providers/index.ts';
import type {
  Decision,
  DecisionDraft,
  RegistrationChange,
  RegistrationState,
  StoredRegistration,
  TestResult,
} from './types.ts';

/** A registration as it is before a change of it. */
export interface BeforeChange extends StoredRegistration {
  /** The last word of an operator about it was no. */
  readonly isRefusedByOperator: boolean;
}

/** Whose registration is changed. */
export interface RegisteredDevice {
  readonly tenantId: TenantId;
  readonly deviceId: DeviceId;
}

/** Where registrations and decisions are kept. */
export interface RegistrationStore {
  /** One of the actor's tenant that is not removed, by its own id or its device's. */
  find(actor: AccountActor, id: string): Promise<StoredRegistration | null>;
  /** Those of the actor's tenant that are not removed, in the order of ids. */
  page(
    actor: AccountActor,
    after: ProviderId | null,
    limit: number,
  ): Promise<Page<StoredRegistration, ProviderId>>;
  /** The decisions about one of the actor's tenant, the newest first. */
  decisionsOf(actor: AccountActor, id: ProviderId, limit: number): Promise<readonly Decision[]>;
  /**
   * Writes what `change` makes of what is there (null: nothing), with its decision, in one transaction; null: nothing changes. Returns what
   * is there then. Others that change the same wait. `newId` is that of a device which has none.
   */
  change(
    device: RegisteredDevice,
    newId: ProviderId,
    nowMs: number,
    change: (before: BeforeChange | null, count: number) => RegistrationChange | null,
  ): Promise<StoredRegistration>;
  saveTest(id: ProviderId, test: TestResult): Promise<void>;
  /** For operators: registrations of all tenants in that state, in the order of ids. */
  pageInState(
    state: RegistrationState,
    after: ProviderId | null,
    limit: number,
  ): Promise<Page<StoredRegistration & { readonly decision: Decision | null }, ProviderId>>;
  /** For operators: decides about one; null: there is none. */
  decide(id: ProviderId, decision: DecisionDraft, nowMs: number): Promise<StoredRegistration | null>;
}

/** The part of the market that registrations change and ask. */
export type RegisteredMarket = Pick<
  ProviderService,
  'termsChanged' | 'saleOf' | 'tryOut' | 'explainProvider'
>;

/** The devices of an account's tenant. */
export interface OwnDevices {
  /** Refuses with `device_not_found` all others. */
  requireOwn(actor: AccountActor, deviceId: DeviceId): Promise<void>;
}

/** Counts the tokens of a test's answer. */
export interface TestTokens {
  countText(tenantId: TenantId, text: string): Promise<number>;
}
