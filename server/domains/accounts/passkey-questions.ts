import type { AccountActor } from '../../kernel/actor.ts';
import { AppError } from '../../kernel/errors.ts';
import { PASSKEY_CHALLENGE_BYTES, PASSKEY_CHALLENGE_MS, PASSKEY_CHALLENGES_MAX } from './limits.ts';
import type {
  ChallengePurpose,
  KnownPasskey,
  PasskeyAnswer,
  PasskeyCeremonies,
  PasskeyStore,
  PasskeyUse,
  RelyingParty,
} from './passkey-ports.ts';
import { credentialGone, type TokenSources } from './tokens.ts';

/** What a page gives to its browser, and how it is called when the browser has answered. */
export interface PasskeyQuestion {
  readonly challengeId: string;
  /** For `navigator.credentials`, as JSON. */
  readonly options: object;
  readonly expiresAtMs: number;
}

/** What a question is asked in: the server's name and page, and what is signed. */
interface OpenQuestion {
  readonly party: RelyingParty;
  readonly challenge: Uint8Array;
}

/** Questions to browsers: each is answered once, in time, by the token that asked; `asker` null: by whoever signs in. */
export interface PasskeyQuestions {
  /** Refuses with `passkeys_unavailable`, and with `unauthenticated` where the token in use was revoked meanwhile. */
  ask(
    purpose: ChallengePurpose,
    asker: AccountActor | null,
    origin: string,
    optionsOf: (party: RelyingParty, challenge: Uint8Array, timeoutMs: number) => Promise<object>,
  ): Promise<PasskeyQuestion>;
  /** The question that is answered now. Refuses with `passkeys_unavailable`, and with `passkey_refused` where there is none. */
  take(
    purpose: ChallengePurpose,
    asker: AccountActor | null,
    challengeId: string,
    origin: string,
  ): Promise<OpenQuestion>;
  /** Whose passkey answers a question, and what it says of itself. Refuses with `passkey_refused`, whatever isn't right. */
  check(question: OpenQuestion, answer: PasskeyAnswer): Promise<{ passkey: KnownPasskey; use: PasskeyUse }>;
}

/** Builds them. */
export function createPasskeyQuestions({
  passkeys,
  ceremonies,
  partyOf,
  clock,
  random,
}: Pick<TokenSources, 'clock' | 'random'> & {
  readonly passkeys: PasskeyStore;
  readonly ceremonies: PasskeyCeremonies;
  readonly partyOf: (origin: string) => RelyingParty | null;
}): PasskeyQuestions {
  const requireParty = (origin: string): RelyingParty => {
    const party = partyOf(origin);
    if (party === null) throw passkeysUnavailable();
    return party;
  };

  return {
    async ask(purpose, asker, origin, optionsOf) {
      const party = requireParty(origin);
      const challenge = random.bytes(PASSKEY_CHALLENGE_BYTES);
      const challengeId = random.uuid();
      const createdAtMs = clock.nowMs();
      const expiresAtMs = createdAtMs + PASSKEY_CHALLENGE_MS;
      const credentialId = asker?.credentialId ?? null;
      const stored = { id: challengeId, challenge, purpose, credentialId, createdAtMs, expiresAtMs };
      const options = await optionsOf(party, challenge, PASSKEY_CHALLENGE_MS);
      if (!(await passkeys.addChallenge(stored, PASSKEY_CHALLENGES_MAX))) throw credentialGone();
      return { challengeId, options, expiresAtMs };
    },

    async take(purpose, asker, challengeId, origin) {
      const party = requireParty(origin);
      const credentialId = asker?.credentialId ?? null;
      const nowMs = clock.nowMs();
      const challenge = await passkeys.takeChallenge({ id: challengeId, purpose, credentialId, nowMs });
      if (challenge === null) throw passkeyRefused();
      return { party, challenge };
    },

    async check({ party, challenge }, answer) {
      const passkey = await passkeys.findByCredentialId(Buffer.from(answer.id, 'base64url'));
      // Without a passkey one is checked as well: how long it takes tells nothing.
      const use = await ceremonies.verifyUse(party, challenge, answer, passkey?.publicKey ?? DECOY_KEY);
      if (passkey === null || use === null) throw passkeyRefused();
      return { passkey, use };
    },
  };
}

/** A COSE key for ES256, the base point of P-256 (FIPS 186-4, D.1.2.3): what is checked with it is refused whatever comes of it. */
const DECOY_KEY = Buffer.from(
  'a5010203262001215820' +
    '6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296225820' +
    '4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5',
  'hex',
);

/** The one answer to whatever isn't right about a passkey. */
export function passkeyRefused(): AppError {
  return new AppError(
    'forbidden',
    'passkey_refused',
    'The passkey was not accepted: it is not known here, took too long, or was asked for elsewhere. Begin again.',
  );
}

function passkeysUnavailable(): AppError {
  return new AppError(
    'forbidden',
    'passkeys_unavailable',
    'This server has no name that passkeys could be for. Its operator sets YGGDRASIL_PUBLIC_URL; on the machine itself they work at localhost.',
  );
}
