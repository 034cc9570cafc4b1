import { createInterface } from 'node:readline/promises';
import { RefusedError, type RestApi } from '../node/rest-api.ts';
import { isForPeople } from '../node/terminal.ts';

/**
 * Does what may take a fresh proof that it is you: where the server wants one that a code from a mail is, and somebody sits at the terminal,
 * the code is asked for and the work done again.
 */
export async function withProof<Result>(api: RestApi, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!wantsCode(error) || !process.stdin.isTTY || !isForPeople(process.stderr)) throw error;
  }
  const { codeId } = await api.ask<{ codeId: string }>('POST', '/api/v1/users/me/proof/code');
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const code = (await lines.question('The code in the mail that you have just got: ')).replace(/\s/g, '');
    await api.ask('POST', '/api/v1/users/me/proof', { code: { codeId, code } });
  } finally {
    lines.close();
  }
  return work();
}

function wantsCode(error: unknown): boolean {
  if (!(error instanceof RefusedError) || error.code !== 'step_up_required') return false;
  const { accepted } = (error.details.details ?? {}) as { accepted?: readonly string[] };
  return accepted?.includes('code') === true;
}
