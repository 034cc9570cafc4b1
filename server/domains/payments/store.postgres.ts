import type { Database } from '../../kernel/database.ts';
import type { PaymentStandingStore } from './ports.ts';

/** Payment standings in PostgreSQL, one row a tenant. Only the server reads and writes them. */
export function createPaymentStandingStore(database: Database): PaymentStandingStore {
  return {
    findStanding: (tenantId) =>
      database.system('money', async (sql) => {
        const [row] = await sql<{ can_pay: boolean; can_be_paid: boolean }[]>`
          SELECT can_pay, can_be_paid FROM payment_standings WHERE tenant_id = ${tenantId}`;
        return row ? { canPay: row.can_pay, canBePaid: row.can_be_paid } : null;
      }),
    saveStanding: (tenantId, { canPay, canBePaid }, confirmedBy, nowMs) =>
      database.system('money', async (sql) => {
        await sql`
          INSERT INTO payment_standings (tenant_id, can_pay, can_be_paid, confirmed_by, confirmed_at)
          VALUES (${tenantId}, ${canPay}, ${canBePaid}, ${confirmedBy}, ${new Date(nowMs)})
          ON CONFLICT (tenant_id) DO UPDATE SET can_pay = excluded.can_pay, can_be_paid = excluded.can_be_paid,
            confirmed_by = excluded.confirmed_by, confirmed_at = excluded.confirmed_at`;
      }),
  };
}
