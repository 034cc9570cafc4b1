import type { Config } from '../config/index.ts';
import {
  createChainReader,
  readWitnessFile,
  type VerificationReport,
  verifyAudit,
} from '../domains/audit/index.ts';
import type { TenantId } from '../kernel/ids.ts';
import { StartError } from '../kernel/start-error.ts';
import { findRunningDatabase, isWithoutTable, openDatabase } from '../platform/database/index.ts';
import { createSecretBox, ed25519, hasSecrets, loadSecrets } from '../platform/secrets/index.ts';
import type { AppDependencies } from './platform.ts';

/** What closing the database gets, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000;

/**
 * Verifies the audit for who has the server's data directory, while the server runs or not. `witnessFiles`: what witnesses
 * have kept, by name of the file. Refuses with StartError a file that has none.
 */
export async function verifyAuditLogs(
  config: Config,
  dependencies: Pick<AppDependencies, 'clock' | 'random' | 'logger'>,
  asked: { readonly tenantId: TenantId | null; readonly witnessFiles: ReadonlyMap<string, string> },
): Promise<VerificationReport> {
  const { dataDirectory, databaseUrl } = config;
  if (!hasSecrets(dataDirectory)) {
    throw new StartError(
      `No server has run with the data directory ${dataDirectory}: name its own in YGGDRASIL_DATA_DIR.`,
    );
  }
  const witnessed = [...asked.witnessFiles].flatMap(([name, text]) => {
    const heads = readWitnessFile(text);
    if (heads === null)
      throw new StartError(`${name} is no file of a witness: a line of it is no signed head.`);
    return heads;
  });
  const { masterKey, databaseSecret: secret } = await loadSecrets(dataDirectory, dependencies.random);
  const url = databaseUrl ?? (await findRunningDatabase(dataDirectory, secret));
  const source =
    url === null
      ? ({ kind: 'embedded', dataDirectory, secret } as const)
      : ({ kind: 'server', url, secret } as const);
  const opened = await openDatabase({ source, poolConnectionsMax: 1 }, dependencies);
  try {
    return await verifyAudit(
      { tenantId: asked.tenantId, witnessed },
      { reader: createChainReader(opened.database), secretBox: createSecretBox(masterKey), ed25519 },
    );
  } catch (error) {
    if (!isWithoutTable(error)) throw error;
    throw new StartError('The database has no audit yet: start a server of this version on it once.', error);
  } finally {
    await opened.close(CLOSE_TIMEOUT_MS);
  }
}
