import { printDone, printJson, printLine, printList } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import { timeAgo } from '../node/terminal.ts';
import type { ShowOptions } from './devices.ts';
import { withProof } from './proof.ts';

const KEYS = '/api/v1/users/me/api-keys';
const SPENDING = '/api/v1/spending';

interface Money {
  readonly value: string;
  readonly currency: string;
}

/** An API key, as far as this program looks. */
interface ShownKey {
  readonly id: string;
  readonly name: string;
  readonly operations: readonly string[];
  readonly models: readonly string[] | null;
  readonly spendingLimit: Money | null;
  readonly spendingLimitPerDay: Money | null;
  readonly spendingLimitPerMonth: Money | null;
  readonly spent: Money;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
}

interface Limits {
  readonly day: Money | null;
  readonly month: Money | null;
}

interface Spending {
  readonly limits: Limits;
  readonly quotas: Limits;
  readonly spentToday: Money;
  readonly spentThisMonth: Money;
  readonly held: Money;
}

/** The options of `keys make`; amounts are euros in decimal. */
export interface MakeKeyOptions extends ShowOptions {
  readonly operation?: readonly string[];
  readonly model?: readonly string[];
  readonly device?: readonly string[];
  readonly limit?: string;
  readonly limitPerDay?: string;
  readonly limitPerMonth?: string;
  readonly expires?: string;
}

/** The options of `keys limits`; amounts are euros in decimal, `none` takes a limit away. */
export interface LimitOptions extends ShowOptions {
  readonly day?: string;
  readonly month?: string;
}

const euros = (value: string): Money => ({ value, currency: 'EUR' });
const shown = (amount: Money | null): string =>
  amount === null ? '-' : `${amount.value} ${amount.currency}`;

/** `keys list`. */
export async function listKeys(options: ShowOptions): Promise<void> {
  const keys: ShownKey[] = [];
  for await (const key of restApi(options).list<ShownKey>(KEYS)) keys.push(key);
  const nowMs = Date.now();
  const columns = {
    NAME: ({ name }: ShownKey) => name,
    'IS FOR': ({ operations, models }: ShownKey) => [...operations, ...(models ?? [])].join(' '),
    SPENT: ({ spent }: ShownKey) => shown(spent),
    'IN ALL': ({ spendingLimit }: ShownKey) => shown(spendingLimit),
    'A DAY': ({ spendingLimitPerDay }: ShownKey) => shown(spendingLimitPerDay),
    'A MONTH': ({ spendingLimitPerMonth }: ShownKey) => shown(spendingLimitPerMonth),
    'LAST USED': ({ lastUsedAt }: ShownKey) => timeAgo(lastUsedAt, nowMs),
    ID: ({ id }: ShownKey) => id,
  };
  printList(options, keys, columns, 'There is no key: "yggdrasil keys make NAME" makes one.');
}

/** `keys make`: prints the key alone to standard output, the one time that it is shown. */
export async function makeKey(name: string, options: MakeKeyOptions): Promise<void> {
  const api = restApi(options);
  const { operation, model, device, limit, limitPerDay, limitPerMonth, expires } = options;
  const body = {
    name,
    ...(operation === undefined ? {} : { operations: operation }),
    ...(model === undefined ? {} : { models: model }),
    ...(device === undefined ? {} : { deviceIds: device }),
    ...(limit === undefined ? {} : { spendingLimit: euros(limit) }),
    ...(limitPerDay === undefined ? {} : { spendingLimitPerDay: euros(limitPerDay) }),
    ...(limitPerMonth === undefined ? {} : { spendingLimitPerMonth: euros(limitPerMonth) }),
    ...(expires === undefined ? {} : { expiresAt: expires }),
  };
  const made = await withProof(api, () => api.ask<{ key: ShownKey; secret: string }>('POST', KEYS, body));
  if (options.json === true) return printJson(made);
  process.stderr.write(`Key ${made.key.id}, shown this once:\n`);
  printLine(made.secret);
}

/** `keys revoke`. */
export async function revokeKey(id: string, options: ShowOptions): Promise<void> {
  await restApi(options).ask('DELETE', `${KEYS}/${id}`);
  printDone(options, { id, removed: true }, `revoked ${id}`);
}

/** `keys limits`: shows what the tenant may spend and has spent; with `--day` or `--month` it sets that first. */
export async function limitSpending(options: LimitOptions): Promise<void> {
  const api = restApi(options);
  let spending = await api.ask<Spending>('GET', SPENDING);
  if (options.day !== undefined || options.month !== undefined) {
    const { day, month } = spending.limits;
    const limits = { day: chosen(options.day, day), month: chosen(options.month, month) };
    spending = await api.ask<Spending>('PUT', `${SPENDING}/limits`, limits);
  }
  const rows = [
    { of: 'a day', limit: spending.limits.day, quota: spending.quotas.day, spent: spending.spentToday },
    {
      of: 'a month',
      limit: spending.limits.month,
      quota: spending.quotas.month,
      spent: spending.spentThisMonth,
    },
  ];
  if (options.json === true) return printJson(spending);
  const columns = {
    IN: ({ of }: (typeof rows)[number]) => of,
    SPENT: ({ spent }: (typeof rows)[number]) => shown(spent),
    LIMIT: ({ limit }: (typeof rows)[number]) => shown(limit),
    "OPERATOR'S LIMIT": ({ quota }: (typeof rows)[number]) => shown(quota),
  };
  printList(options, rows, columns, '');
}

const chosen = (said: string | undefined, before: Money | null): Money | null => {
  if (said === undefined) return before;
  return said === 'none' ? null : euros(said);
};
