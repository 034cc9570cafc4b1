import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { checkoutFolder } from '../../device/node/checkout.ts';
import { freePort, requirePort } from '../processes/ports.ts';
import { startProgram, stopProcess } from '../processes/processes.ts';
import { type Product, startProduct } from '../processes/product.ts';
import type { ChatTarget } from './load-part.ts';

/** What is sold. */
export const MODEL = 'oracle';
const OFFER_TIMEOUT_MS = 20_000;
/** Above what a prompt of a million tokens and its answer take. */
const CONTEXT_TOKENS = 2_000_000;

/** Where a chat is asked for, whole or as a stream. */
export type Target = Omit<ChatTarget, 'isStreamed'>;

/** A server with a provider that sells what an endpoint answers. */
export interface OpenMarket {
  readonly product: Product;
  /** As one buyer after the other, each with money of its own. */
  readonly buyers: readonly Target[];
  stop(): Promise<void>;
}

/** The rules that answer by themselves, in a process of their own. */
export async function startRuleEndpoint(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const port = await freePort();
  const options = ['rule-endpoint', '--port', String(port), '--model', MODEL];
  const endpoint = startProgram('load', [...yggdrasil(), ...options]);
  await requirePort(port);
  return { url: `http://127.0.0.1:${port}/v1`, stop: () => stopProcess(endpoint) };
}

/** Opens a market before an endpoint, with so many slots and buyers. */
export async function openMarket(
  endpointUrl: string,
  { slots, buyers: buyerCount }: { readonly slots: number; readonly buyers: number },
): Promise<OpenMarket> {
  const product = await startProduct();
  const folder = mkdtempSync(join(tmpdir(), 'yggdrasil-openai-'));
  const { id: userId } = await product.request<{ id: string }>('GET', '/api/v1/users/me');
  const standing = { canPay: true, canBePaid: true };
  await product.request('PUT', `/api/v1/admin/payment-standing/${userId}`, standing);
  const credentials = await product.createDevice(await product.createNetwork('Machines'), 'GPU');
  const file = join(folder, 'gpu.json');
  writeFileSync(file, JSON.stringify(credentials), { mode: 0o600 });
  const provider = startProgram('load', [
    ...yggdrasil(),
    ...['provider', '--credentials', file, '--server', `ws://127.0.0.1:${product.port}/ratatoskr`],
    ...['--endpoint', endpointUrl, '--model', MODEL, '--price-cents', '0.001', '--slots', String(slots)],
    ...['--context', String(CONTEXT_TOKENS)],
  ]);
  await untilOffered(product);
  const buyers: Target[] = [];
  for (let index = 0; index < buyerCount; index++) {
    const headers = { authorization: `Bearer ${await createBuyer(product, index)}` };
    buyers.push({ url: `http://127.0.0.1:${product.port}/v1`, headers, model: MODEL });
  }
  return {
    product,
    buyers,
    async stop() {
      await Promise.all([stopProcess(provider), product.stop()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const yggdrasil = () => [process.execPath, `${checkoutFolder()}build/yggdrasil.js`];

/** Somebody else than the provider's owner, with money; its token. */
async function createBuyer(product: Product, index: number): Promise<string> {
  const { user, token } = await product.request<{ user: { id: string }; token: string }>(
    'POST',
    '/api/v1/users',
    { name: `Buyer ${index}` },
  );
  const topUp = { userId: user.id, amountCents: 100_000 };
  await product.request('POST', '/api/v1/ledger/top-ups', topUp, { 'idempotency-key': `bench-${index}` });
  return token;
}

async function untilOffered(product: Product): Promise<void> {
  const deadlineMs = Date.now() + OFFER_TIMEOUT_MS;
  for (;;) {
    const { items } = await product.request<{ items: unknown[] }>('GET', '/api/v1/marketplace/providers');
    if (items.length > 0) return;
    if (Date.now() > deadlineMs) throw new Error('the provider did not offer its model');
    await wait(50);
  }
}
