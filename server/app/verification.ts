import type { Config } from '../config/index.ts';
import {
  createChainReader,
  readWitnessFile,
  type VerificationReport,
  verifyAudit,
} from '../domains/audit/index.ts';
import type { TenantId } from '../kernel/ids.ts';
import { StartError } from '../kernel/start-error.ts';
import { createDataKeyStore, createKeyring, ed25519 } from '../platform/secrets/index.ts';
import type { AppDependencies } from './platform.ts';
import { workBesideServer } from './secrets.ts';

/**
 * Verifies the audit for who has the server's data directory, while the server runs or not. `witnessFiles`: what witnesses
 * have kept, by name of the file. Refuses with StartError a file that has none.
 */
export async function verifyAuditLogs(
  config: Config,
  dependencies: Pick<AppDependencies, 'clock' | 'random' | 'logger'>,
  asked: { readonly tenantId: TenantId | null; readonly witnessFiles: ReadonlyMap<string, string> },
): Promise<VerificationReport> {
  const witnessed = [...asked.witnessFiles].flatMap(([name, text]) => {
    const heads = readWitnessFile(text);
    if (heads === null)
      throw new StartError(`${name} is no file of a witness: a line of it is no signed head.`);
    return heads;
  });
  return workBesideServer(config, dependencies, async ({ folder, opened: { database } }) => {
    const keyring = createKeyring(folder, createDataKeyStore(database));
    await keyring.load();
    return verifyAudit(
      { tenantId: asked.tenantId, witnessed },
      { reader: createChainReader(database), secretBox: keyring, ed25519 },
    );
  });
}
