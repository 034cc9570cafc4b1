import { printDone, printJson, printLine, printList } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import { printable } from '../node/terminal.ts';
import type { ShowOptions } from './devices.ts';
import { withProof } from './proof.ts';

const DISPUTES = '/api/v1/marketplace/disputes';
const ALL_DISPUTES = '/api/v1/admin/disputes';

interface Money {
  readonly value: string;
  readonly currency: string;
}

/** A dispute, as far as this program looks. */
interface ShownDispute {
  readonly id: string;
  readonly transactionId: string;
  readonly state: string;
  readonly reason: string;
  readonly model: string;
  readonly cost: Money;
  readonly refunded: Money;
  readonly openedAt: string;
  readonly decidedByRuleAt: string;
  readonly statements: readonly { readonly side: string; readonly text: string; readonly saidAt: string }[];
  readonly decisions: readonly { readonly outcome: string; readonly rule: string; readonly reason: string }[];
}

/** The options of `dispute list`. */
export interface ListDisputesOptions extends ShowOptions {
  readonly as?: 'requester' | 'provider' | 'operator';
  readonly state?: string;
}

/** The options of `dispute decide`. */
export interface DecideDisputeOptions extends ShowOptions {
  readonly amount?: string;
}

const shown = ({ value, currency }: Money): string => `${value} ${currency}`;

/** `dispute list`. */
export async function listDisputes(options: ListDisputesOptions): Promise<void> {
  const { as = 'requester', state } = options;
  const query = new URLSearchParams({
    ...(as === 'operator' ? {} : { role: as }),
    ...(state === undefined ? {} : { state }),
  });
  const path = as === 'operator' ? ALL_DISPUTES : DISPUTES;
  const disputes: ShownDispute[] = [];
  for await (const each of restApi(options).list<ShownDispute>(`${path}?${query}`)) disputes.push(each);
  const columns = {
    ID: ({ id }: ShownDispute) => id,
    STATE: ({ state: now }: ShownDispute) => now,
    REASON: ({ reason }: ShownDispute) => reason,
    MODEL: ({ model }: ShownDispute) => printable(model),
    COST: ({ cost }: ShownDispute) => shown(cost),
    REFUNDED: ({ refunded }: ShownDispute) => shown(refunded),
    OPENED: ({ openedAt }: ShownDispute) => openedAt,
  };
  printList(options, disputes, columns, 'There is no dispute.');
}

/** `dispute show`. */
export async function showDispute(id: string, options: ShowOptions): Promise<void> {
  const dispute = await restApi(options).ask<ShownDispute>('GET', `${DISPUTES}/${id}`);
  if (options.json === true) return printJson(dispute);
  printLine(`${dispute.state}: ${dispute.reason}, ${printable(dispute.model)}, ${shown(dispute.cost)}`);
  for (const { side, text, saidAt } of dispute.statements) printLine(`${saidAt} ${side}: ${printable(text)}`);
  for (const { outcome, rule, reason } of dispute.decisions)
    printLine(`decided: ${outcome} (${rule}): ${printable(reason)}`);
  if (dispute.state === 'open') printLine(`A rule decides at ${dispute.decidedByRuleAt}.`);
}

/** `dispute open`: about a transaction that was paid. */
export async function openDispute(
  transactionId: string,
  reason: string,
  text: string,
  options: ShowOptions,
): Promise<void> {
  const path = `/api/v1/marketplace/transactions/${transactionId}/disputes`;
  const body = { reason, text };
  const dispute = await restApi(options).ask<ShownDispute>('POST', path, body);
  printDone(options, dispute, `opened ${dispute.id}`);
}

/** `dispute say`. */
export async function sayInDispute(id: string, text: string, options: ShowOptions): Promise<void> {
  const dispute = await restApi(options).ask<ShownDispute>('POST', `${DISPUTES}/${id}/statements`, { text });
  printDone(options, dispute, `said in ${id}`);
}

/** `dispute agree` and `dispute withdraw`. */
export async function endDispute(id: string, how: 'agree' | 'withdraw', options: ShowOptions): Promise<void> {
  const dispute = await restApi(options).ask<ShownDispute>('POST', `${DISPUTES}/${id}/${how}`);
  printDone(options, dispute, `${id} is ${dispute.state} now`);
}

/** `dispute decide`: for operators. */
export async function decideDispute(
  id: string,
  outcome: string,
  reason: string,
  options: DecideDisputeOptions,
): Promise<void> {
  const api = restApi(options);
  const { amount } = options;
  const money = amount === undefined ? {} : { amount: { value: amount, currency: 'EUR' } };
  const body = { outcome, reason, ...money };
  const dispute = await withProof(api, () =>
    api.ask<ShownDispute>('POST', `${ALL_DISPUTES}/${id}/decision`, body),
  );
  printDone(options, dispute, `${id} is ${dispute.state} now`);
}
