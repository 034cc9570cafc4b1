import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { notFound } from '../../kernel/errors.ts';
import type { AccountId, TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { PaymentStandingStore, PayoutListener, TenantDirectory } from './ports.ts';
import type { PaymentStanding } from './types.ts';

/** What the payments' service needs. */
export interface PaymentDependencies {
  readonly store: PaymentStandingStore;
  readonly tenants: TenantDirectory;
  readonly payoutListener: PayoutListener;
  readonly clock: Pick<Clock, 'nowMs'>;
}

/** Who can pay and be paid. The operator confirms it by hand. */
export interface PaymentService {
  /**
   * Confirms, or takes back, that a user's tenant has verified ways to pay and to be paid. Operators only. Refuses with
   * `user_not_found`.
   */
  confirmStanding(actor: Actor, accountId: AccountId, standing: PaymentStanding): Promise<PaymentStanding>;
  /** What was confirmed for a user's tenant. Operators only. Refuses with `user_not_found`. */
  getStanding(actor: Actor, accountId: AccountId): Promise<PaymentStanding>;
  /** Whether a tenant has a verified way to be paid. For the server itself. */
  canBePaid(tenantId: TenantId): Promise<boolean>;
}

const NOTHING_CONFIRMED: PaymentStanding = { canPay: false, canBePaid: false };

/** Makes the payments' service. */
export function createPaymentService({
  store,
  tenants,
  payoutListener,
  clock,
}: PaymentDependencies): PaymentService {
  const tenantOf = async (accountId: AccountId): Promise<TenantId> => {
    const tenantId = await tenants.findTenantOfAccount(accountId);
    if (tenantId === null) throw notFound('user');
    return tenantId;
  };
  const standingOf = async (tenantId: TenantId) => (await store.findStanding(tenantId)) ?? NOTHING_CONFIRMED;

  return {
    async confirmStanding(actor, accountId, standing) {
      const operator = requirePermission(actor, 'platform.operate');
      const tenantId = await tenantOf(accountId);
      await store.saveStanding(tenantId, standing, operator.accountId, clock.nowMs());
      if (standing.canBePaid) await payoutListener.payoutMethodConfirmed(tenantId);
      else payoutListener.payoutMethodLost(tenantId);
      return standing;
    },
    async getStanding(actor, accountId) {
      requirePermission(actor, 'platform.operate');
      return standingOf(await tenantOf(accountId));
    },
    canBePaid: async (tenantId) => (await standingOf(tenantId)).canBePaid,
  };
}
