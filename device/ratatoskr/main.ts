import { connectRatatoskr, type OperationInput, type RatatoskrOptions, readText } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { nodeSessions } from '../node/ratatoskr.ts';
import { requireAccess, socketUrl } from '../node/server-access.ts';
import type { ServerOptions } from '../node/server-options.ts';

/** The options of `ratatoskr call`. */
export interface CallOptions extends ServerOptions {
  readonly input: OperationInput;
  readonly serverKey?: string;
  readonly credentials?: string;
}

/**
 * Asks for an operation and writes the body of its answer to stdout as it comes. Throws an InvalidArgumentError without a credential, an
 * Error for a refusal, with its status and body.
 */
export async function callOperation(operation: string, options: CallOptions): Promise<void> {
  const { input, server, serverKey, tenant } = options;
  const client = connectRatatoskr(
    {
      url: socketUrl(server, '/ratatoskr'),
      credentials: credentialsOf(options),
      ...(serverKey === undefined ? {} : { serverKey }),
      ...(tenant === undefined ? {} : { tenantId: tenant }),
    },
    nodeSessions(),
  );
  try {
    const answer = await client.open(operation, input);
    if (answer.status >= 400) throw new Error(`${answer.status} ${await readText(answer)}`);
    for await (const piece of answer.body) process.stdout.write(piece);
    process.stdout.write('\n');
  } finally {
    client.close();
  }
}

function credentialsOf({ credentials, ...options }: CallOptions): RatatoskrOptions['credentials'] {
  if (credentials !== undefined) return readCredentialsFile(credentials);
  return { token: requireAccess(options, '--credentials, --token, or YGGDRASIL_TOKEN').token };
}
