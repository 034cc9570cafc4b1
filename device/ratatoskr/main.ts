import { InvalidArgumentError } from 'commander';
import { connectRatatoskr, type OperationInput, type RatatoskrOptions, readText } from '../client/index.ts';
import { readCredentialsFile } from '../node/credentials-file.ts';
import { nodeSessions } from '../node/ratatoskr.ts';

/** The options of `ratatoskr call`. */
export interface CallOptions {
  readonly input: OperationInput;
  readonly server: string;
  readonly serverKey?: string;
  readonly credentials?: string;
  readonly token?: string;
  readonly tenant?: string;
}

/**
 * Asks for an operation and writes the body of its answer to stdout as it comes. Throws an InvalidArgumentError without a credential, an
 * Error for a refusal, with its status and body.
 */
export async function callOperation(operation: string, options: CallOptions): Promise<void> {
  const { input, server, serverKey, tenant } = options;
  const client = connectRatatoskr(
    {
      url: server,
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

function credentialsOf({ credentials, token }: CallOptions): RatatoskrOptions['credentials'] {
  if (credentials !== undefined) return readCredentialsFile(credentials);
  const shown = token ?? process.env.YGGDRASIL_TOKEN;
  if (shown === undefined) throw new InvalidArgumentError('Give --credentials, --token, or YGGDRASIL_TOKEN.');
  return { token: shown };
}
