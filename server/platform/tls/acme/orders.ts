import { readFileSync } from 'node:fs';
import { writeWhole } from '../../files/durable.ts';
import { AUTHORITY_TIMEOUT_MS } from '../limits.ts';

/** What is asked of an authority, and how it is shown that the names are this server's (RFC 8555 section 8.3). */
export interface CertificateOrder {
  /** Names in ASCII, lower case. */
  readonly domains: readonly string[];
  /** From now on `/.well-known/acme-challenge/<token>` of each name gives this text. */
  answer(token: string, text: string): void;
  forget(token: string): void;
}

/** PEM: the certificate with those that lead to its authority, and its key. */
export interface OrderedCertificate {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Gets a certificate. Rejects with the authority's reason where there is none; gives up by itself after some minutes. */
export type OrderCertificate = (order: CertificateOrder) => Promise<OrderedCertificate>;

interface Authority {
  /** Address of the authority's directory (RFC 8555 section 7.1.1). */
  readonly directoryUrl: string;
  /** Whom the authority may write to. */
  readonly email: string | null;
  /** Where the key of the account at the authority lies; made when it is missing. */
  readonly accountKeyFile: string;
}

/** Orders at an authority that speaks ACME. Its terms are agreed to: who names an authority to the server does so. */
export function createAcmeOrders({ directoryUrl, email, accountKeyFile }: Authority): OrderCertificate {
  return async ({ domains, answer, forget }) => {
    // Loaded here because few servers need it, and it takes as long to load as many other parts together.
    const { default: acme } = await import('acme-client');
    acme.axios.defaults.timeout = AUTHORITY_TIMEOUT_MS;
    const accountKey = readIfThere(accountKeyFile) ?? (await acme.crypto.createPrivateEcdsaKey());
    writeWhole(accountKeyFile, accountKey, { mode: 0o600, ifMissing: true });

    const client = new acme.Client({ directoryUrl, accountKey: readFileSync(accountKeyFile) });
    const key = await acme.crypto.createPrivateEcdsaKey();
    const [keyPem, csr] = await acme.crypto.createCsr({ altNames: [...domains] }, key);
    const certificatePem = await client.auto({
      csr,
      ...(email === null ? {} : { email }),
      termsOfServiceAgreed: true,
      challengePriority: ['http-01'],
      // The authority is the one that looks: from inside a network its own name often can't be reached.
      skipChallengeVerification: true,
      challengeCreateFn: async (_authorization, { token }, text) => answer(token, text),
      challengeRemoveFn: async (_authorization, { token }) => forget(token),
    });
    return { certificatePem, keyPem: keyPem.toString() };
  };
}

function readIfThere(path: string): Buffer | null {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
