import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import { decodeAttestationObject } from '@simplewebauthn/server/helpers';

/** A server as passkeys know it: they are made for its name, and used on its pages alone. */
export interface RelyingParty {
  /** Its domain name. */
  readonly id: string;
  /** Where its pages are: `https://home.example.org`. */
  readonly origin: string;
}

/** The two ceremonies of Web Authentication Level 3, as far as a server takes part (sections 7.1 and 7.2). */
export interface PasskeyCeremonies {
  /** What `navigator.credentials.create` takes, as JSON. */
  creationOptions(
    party: RelyingParty,
    asked: {
      readonly challenge: Uint8Array;
      readonly userHandle: Uint8Array;
      readonly userName: string;
      readonly displayName: string;
      /** Credential ids, in base64url, that its owner has already. */
      readonly knownIds: readonly string[];
      readonly timeoutMs: number;
    },
  ): Promise<object>;
  /** What `navigator.credentials.get` takes, as JSON. `allowedIds` null: any passkey that the browser finds. */
  requestOptions(
    party: RelyingParty,
    asked: {
      readonly challenge: Uint8Array;
      readonly allowedIds: readonly string[] | null;
      readonly timeoutMs: number;
    },
  ): Promise<object>;
  /** The passkey that was made. Null: the answer isn't right, whatever is wrong about it. */
  verifyCreation(
    party: RelyingParty,
    challenge: Uint8Array,
    answer: object,
  ): Promise<{
    readonly credentialId: Uint8Array;
    /** A COSE key (RFC 9052 section 7). */
    readonly publicKey: Uint8Array;
    readonly signCount: number;
    readonly isSynced: boolean;
    readonly isBackedUp: boolean;
  } | null>;
  /** What the authenticator says under its signature. Null: the answer isn't right, whatever is wrong about it. */
  verifyUse(
    party: RelyingParty,
    challenge: Uint8Array,
    answer: object,
    publicKey: Uint8Array,
  ): Promise<{ readonly signCount: number; readonly isBackedUp: boolean } | null>;
}

/** COSE algorithms (RFC 9053, RFC 8812): EdDSA, ES256, RS256. */
const ALGORITHMS = [-8, -7, -257];

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url');

/**
 * The ceremonies by `@simplewebauthn/server`. Each takes a person who was verified by its device: a passkey is two factors. No
 * attestation is asked for, and none with certificates is taken: their revocation lists would be fetched from wherever they say.
 */
export function createPasskeyCeremonies(): PasskeyCeremonies {
  return {
    creationOptions: (party, { challenge, userHandle, userName, displayName, knownIds, timeoutMs }) =>
      generateRegistrationOptions({
        rpName: 'Yggdrasil',
        rpID: party.id,
        userName,
        userDisplayName: displayName,
        userID: new Uint8Array(userHandle),
        challenge: new Uint8Array(challenge),
        timeout: timeoutMs,
        attestationType: 'none',
        excludeCredentials: knownIds.map((id) => ({ id })),
        authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
        supportedAlgorithmIDs: ALGORITHMS,
      }),

    requestOptions: (party, { challenge, allowedIds, timeoutMs }) =>
      generateAuthenticationOptions({
        rpID: party.id,
        challenge: new Uint8Array(challenge),
        timeout: timeoutMs,
        userVerification: 'required',
        ...(allowedIds === null ? {} : { allowCredentials: allowedIds.map((id) => ({ id })) }),
      }),

    verifyCreation: (party, challenge, answer) =>
      nullWhereWrong(async () => {
        const response = answer as RegistrationResponseJSON;
        if (hasCertificates(response)) return null;
        const { registrationInfo } = await verifyRegistrationResponse({
          response,
          expectedChallenge: base64url(challenge),
          expectedOrigin: party.origin,
          expectedRPID: party.id,
          supportedAlgorithmIDs: ALGORITHMS,
        });
        if (registrationInfo === undefined) return null;
        const { credential, credentialDeviceType, credentialBackedUp } = registrationInfo;
        return {
          credentialId: Buffer.from(credential.id, 'base64url'),
          publicKey: credential.publicKey,
          signCount: credential.counter,
          isSynced: credentialDeviceType === 'multiDevice',
          isBackedUp: credentialBackedUp,
        };
      }),

    verifyUse: (party, challenge, answer, publicKey) =>
      nullWhereWrong(async () => {
        const response = answer as AuthenticationResponseJSON;
        const { verified, authenticationInfo } = await verifyAuthenticationResponse({
          response,
          expectedChallenge: base64url(challenge),
          expectedOrigin: party.origin,
          expectedRPID: party.id,
          // The count is compared where it is kept.
          credential: { id: response.id, publicKey: new Uint8Array(publicKey), counter: 0 },
        });
        if (!verified) return null;
        return {
          signCount: authenticationInfo.newCounter,
          isBackedUp: authenticationInfo.credentialBackedUp,
        };
      }),
  };
}

/** True for any attestation but none at all and one by the passkey itself (Level 3, section 7.1, step 24). */
function hasCertificates({ response }: RegistrationResponseJSON): boolean {
  const attestation = decodeAttestationObject(
    new Uint8Array(Buffer.from(response.attestationObject, 'base64url')),
  );
  const format = attestation.get('fmt');
  if (format === 'none') return false;
  return format !== 'packed' || attestation.get('attStmt').get('x5c') !== undefined;
}

/** The library throws whatever doesn't fit, each with its own words. To who asks it is all the same. */
async function nullWhereWrong<Value>(work: () => Promise<Value | null>): Promise<Value | null> {
  try {
    return await work();
  } catch {
    return null;
  }
}
