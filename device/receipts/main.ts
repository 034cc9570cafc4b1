import { createHash, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { findReceiptProblem, type ProvenReceipt, readReceipt, toHex } from '../../proto/index.ts';
import { findSignatureProblem } from '../../proto/ratatoskr/index.ts';
import { publicKeyFrom } from '../../proto/raw-keys.ts';
import { printDone } from '../node/print.ts';
import { restApi } from '../node/rest-api.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** The options of `audit show`. */
export interface ShowReceiptOptions extends ServerOptions {
  readonly provider?: boolean;
  readonly json?: boolean;
}

/** Prints the receipt of a request as the server gives it. Throws an Error for a refusal. */
export async function showReceipt(request: string, options: ShowReceiptOptions): Promise<void> {
  const { items } = await restApi(options).ask<{ items: { readonly content: string }[] }>(
    'GET',
    `/api/v1/audit/messages/${request}`,
  );
  const receipt = options.provider ? items.find(isProviders) : items[0];
  if (receipt === undefined)
    throw new Error('None of the receipts of this request is of a provider of yours.');
  printDone(options, receipt, JSON.stringify(receipt, null, 2));
}

function isProviders({ content }: { readonly content: string }): boolean {
  return (JSON.parse(content) as { readonly side?: unknown }).side === 'provider';
}

/** Checks a receipt that was kept in a file, and prints what it says. Throws an Error that says what is wrong with it. */
export async function verifyReceipt(
  file: string,
  key: string | null,
  output: { readonly json?: boolean },
): Promise<void> {
  const receipt = readKept(file);
  const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest();
  const problem =
    (await findReceiptProblem(receipt, { sha256, isSignedBy })) ??
    findSignatureProblem(receipt.content, isSignedBy);
  if (problem !== null) throw new Error(`${file}: ${problem}.`);
  const signedBy = toHex(receipt.head.publicKey);
  if (key !== null && key !== signedBy) throw new Error(`${file}: it is signed by another key: ${signedBy}.`);
  const signedAt = new Date(receipt.head.signedAtMs).toISOString();
  const lines = [
    JSON.stringify(JSON.parse(receipt.content), null, 2),
    `This is record ${receipt.record.index} of ${receipt.head.size} in the log of tenant ${receipt.record.tenantId},`,
    `signed ${signedAt} by ${signedBy}.`,
    ...(key === null ? ['Whether that is the key of your server, only you can say: give --key.'] : []),
  ];
  const { index, tenantId } = receipt.record;
  const record = { index, tenantId, size: receipt.head.size, signedAt, signedBy };
  printDone(output, { content: JSON.parse(receipt.content), record }, lines.join('\n'));
}

function readKept(file: string): ProvenReceipt {
  try {
    return readReceipt(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function isSignedBy(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify(null, bytes, publicKeyFrom('Ed25519', publicKey), signature);
  } catch {
    // No point of the curve.
    return false;
  }
}
