import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Accounts, writeCredentials } from './accounts.ts';
import { CONTEXT_TOKENS, PRICE_CENTS, SLOTS, TOP_UP_CENTS } from './limits.ts';
import { type CommandLine, MODEL_CONTEXT_TOKENS, MODEL_LISTENS, MODEL_NAME } from './model.ts';
import { MICROCENTS_PER_CENT, microcentsOf, moneySchema } from './money.ts';
import type { Programs } from './programs.ts';
import type { Progress } from './progress.ts';
import type { RestClient } from './rest-client.ts';
import type { RunningServer } from './server-program.ts';

const RULE_MODEL = 'rule-based-stand-in';

/** What journey B measured. */
export interface ComputeFigures {
  readonly requests: number;
  /** Prompt and answer, as the server counted them. */
  readonly tokens: number;
  readonly costMicrocents: number;
  readonly feeMicrocents: number;
  readonly earningsMicrocents: number;
}

const transactionSchema = z.object({
  id: z.string(),
  state: z.string(),
  providerId: z.string(),
  promptTokens: z.number(),
  completionTokens: z.number(),
  cost: moneySchema,
  fee: moneySchema,
  earnings: moneySchema,
});
type Transaction = z.infer<typeof transactionSchema>;
type Entry = z.infer<typeof entriesSchema>['items'][number];
const entriesSchema = z.object({
  items: z.array(
    z.object({
      kind: z.string(),
      account: z.string(),
      amount: moneySchema,
      transactionId: z.string().nullable(),
    }),
  ),
});
const transactionsSchema = z.object({ items: z.array(transactionSchema) });

/** Journey B: somebody sells computing time, somebody buys some. The provider goes on running. */
export async function computeJourney(
  server: RunningServer,
  accounts: Accounts,
  programs: Programs,
  rest: RestClient,
  progress: Progress,
  modelServer: CommandLine | null,
): Promise<ComputeFigures> {
  const endpoint = await startEndpoint(programs, progress, modelServer);
  progress.detail(endpoint.url);

  progress.step('The administrator confirms, as operator, that the seller has a verified way to be paid.');
  await rest.request('PUT', `/api/v1/admin/payment-standing/${accounts.seller.userId}`, z.unknown(), {
    token: accounts.administrator.token,
    body: { canPay: true, canBePaid: true },
  });

  progress.step('A provider connects and offers the model on the marketplace.');
  const credentialsFile = writeCredentials(server.dataDirectory, 'provider', accounts.provider);
  const provider = programs.start('the provider', [
    ...['provider', '--credentials', credentialsFile],
    ...['--server', server.ratatoskrUrl, '--endpoint', endpoint.url],
    ...['--model', endpoint.model, '--price-cents', String(PRICE_CENTS)],
    ...['--context', String(endpoint.contextTokens), '--slots', String(SLOTS)],
  ]);
  progress.detail(await provider.waitForLine(/^(offered .*)/));

  progress.step(`The administrator tops the household's balance up by ${TOP_UP_CENTS} cents.`);
  await rest.request('POST', '/api/v1/ledger/top-ups', z.unknown(), {
    token: accounts.administrator.token,
    idempotencyKey: randomUUID(),
    body: { userId: accounts.household.userId, amountCents: TOP_UP_CENTS },
  });

  const before = new Set((await listTransactions(rest, accounts)).map(({ id }) => id));
  await ask(server, accounts, progress, endpoint.model);

  progress.step('The transactions are read back.');
  const transactions = (await listTransactions(rest, accounts)).filter(({ id }) => !before.has(id)).reverse();
  const entries = await listEntries(rest, accounts);
  for (const transaction of transactions) describe(transaction, heldFor(transaction, entries), progress);
  const unfinished = transactions.find(({ state }) => state !== 'COMPLETED');
  if (unfinished !== undefined) throw new Error(`transaction ${unfinished.id} is ${unfinished.state}`);
  if (transactions.length !== 2) throw new Error(`2 requests made ${transactions.length} transactions`);
  const sum = (amount: (transaction: Transaction) => number) =>
    transactions.reduce((total, transaction) => total + amount(transaction), 0);
  return {
    requests: transactions.length,
    tokens: sum(({ promptTokens, completionTokens }) => promptTokens + completionTokens),
    costMicrocents: sum(({ cost }) => microcentsOf(cost.value)),
    feeMicrocents: sum(({ fee }) => microcentsOf(fee.value)),
    earningsMicrocents: sum(({ earnings }) => microcentsOf(earnings.value)),
  };
}

/** An endpoint that runs, and the model that it serves. */
interface RunningEndpoint {
  readonly url: string;
  readonly model: string;
  readonly contextTokens: number;
}

/** Starts what is sold: the server of a language model where there is one, else an endpoint that answers by rule. */
async function startEndpoint(
  programs: Programs,
  progress: Progress,
  modelServer: CommandLine | null,
): Promise<RunningEndpoint> {
  if (modelServer !== null) {
    progress.step('A small language model starts, behind llama.cpp.');
    const endpoint = programs.startOther('the model', modelServer);
    const url = `${await endpoint.waitForLine(MODEL_LISTENS)}/v1`;
    return { url, model: MODEL_NAME, contextTokens: MODEL_CONTEXT_TOKENS };
  }
  progress.step(
    'A small OpenAI-compatible endpoint starts. It answers by rule and says so; Ollama or llama.cpp fit here, too.',
  );
  const args = ['rule-endpoint', '--port', '0', '--model', RULE_MODEL];
  const url = await programs.start('the rule endpoint', args).waitForLine(/^Listening on (\S+)/);
  return { url, model: RULE_MODEL, contextTokens: CONTEXT_TOKENS };
}

/** The official client, as any program that speaks to OpenAI uses it; only the address differs. */
async function ask(
  server: RunningServer,
  accounts: Accounts,
  progress: Progress,
  model: string,
): Promise<void> {
  const { OpenAI } = await import('openai');
  const openai = new OpenAI({
    baseURL: `${server.httpUrl}/v1`,
    apiKey: accounts.household.token,
    maxRetries: 0,
  });

  progress.step('The household asks, with the official "openai" client.');
  const question = 'What is 6 * 7?';
  const completion = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: question }],
    max_tokens: 64,
  });
  progress.detail(`${question}   ->   ${completion.choices[0]?.message.content}`);

  progress.step('And once more, streaming.');
  const stream = await openai.chat.completions.create({
    model,
    messages: [{ role: 'user', content: 'Who are you?' }],
    max_tokens: 128,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = '';
  let pieces = 0;
  for await (const chunk of stream) {
    const piece = chunk.choices[0]?.delta.content ?? '';
    text += piece;
    if (piece !== '') pieces++;
  }
  progress.detail(`Who are you?   ->   ${text}   (in ${pieces} pieces)`);
}

async function listTransactions(rest: RestClient, accounts: Accounts): Promise<Transaction[]> {
  const path = '/api/v1/marketplace/transactions';
  return (await rest.request('GET', path, transactionsSchema, { token: accounts.household.token })).items;
}

async function listEntries(rest: RestClient, accounts: Accounts): Promise<Entry[]> {
  return (
    await rest.request('GET', '/api/v1/ledger/entries', entriesSchema, { token: accounts.household.token })
  ).items;
}

/** What was held back of the household's balance before the request began. */
function heldFor({ id }: Transaction, entries: readonly Entry[]): number {
  const hold = entries.find(
    ({ kind, account, transactionId }) => kind === 'hold' && account === 'held' && transactionId === id,
  );
  if (hold === undefined) throw new Error(`transaction ${id} had no hold`);
  return Math.abs(microcentsOf(hold.amount.value)) / MICROCENTS_PER_CENT;
}

function centsOf({ value }: { value: string }): number {
  return microcentsOf(value) / MICROCENTS_PER_CENT;
}

function describe(transaction: Transaction, heldCents: number, progress: Progress): void {
  const { id, state, providerId, promptTokens, completionTokens } = transaction;
  const [cost, fee, earnings] = [transaction.cost, transaction.fee, transaction.earnings].map(centsOf);
  progress.detail(`${id} ${state}, provider ${providerId}`);
  progress.detail(
    `   held ${heldCents} cents, then ${promptTokens} + ${completionTokens} tokens, cost ${cost} cents = fee ${fee} + earnings ${earnings}`,
  );
}
