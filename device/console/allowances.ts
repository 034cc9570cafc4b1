import { printDone, printList } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import type { ShowOptions } from './devices.ts';
import { withProof } from './proof.ts';

const ALLOWANCES = '/api/v1/ledger/allowances';

/** An allowance, as the API shows it. */
interface ShownAllowance {
  readonly id: string;
  readonly tokens: number;
  readonly tokensLeft: number;
  readonly referenceCentsPer1000Tokens: string;
  readonly endsAt: string;
}

/** The options of `allowance grant`. */
export interface GrantOptions extends ShowOptions {
  /** Under the same key it is granted once, however often it is asked for. */
  readonly key?: string;
}

/** `allowance list`. */
export async function listAllowances(options: ShowOptions): Promise<void> {
  const { items } = await restApi(options).ask<{ items: ShownAllowance[] }>('GET', ALLOWANCES);
  const columns = {
    TOKENS: ({ tokens }: ShownAllowance) => String(tokens),
    LEFT: ({ tokensLeft }: ShownAllowance) => String(tokensLeft),
    'CENTS PER 1000': ({ referenceCentsPer1000Tokens }: ShownAllowance) => referenceCentsPer1000Tokens,
    ENDS: ({ endsAt }: ShownAllowance) => endsAt,
    ID: ({ id }: ShownAllowance) => id,
  };
  printList(options, items, columns, 'You have no allowance.');
}

/** `allowance grant`: for operators. */
export async function grantAllowance(
  userId: string,
  tokens: number,
  endsAt: string,
  options: GrantOptions,
): Promise<void> {
  const api = restApi(options);
  const headers = { 'idempotency-key': options.key ?? crypto.randomUUID() };
  const granted = await withProof(api, () =>
    api.ask<ShownAllowance>('POST', ALLOWANCES, { userId, tokens, endsAt }, headers),
  );
  printDone(options, granted, `granted ${granted.id}`);
}
