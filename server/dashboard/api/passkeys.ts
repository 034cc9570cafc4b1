import { ask } from './http.ts';

/** What the server asks a browser, and how the answer is told apart. */
interface Question<Options> {
  readonly challengeId: string;
  readonly options: Options;
}

/** An answer as the server takes it. */
export interface Answered {
  readonly challengeId: string;
  readonly answer: unknown;
}

/** True where the browser has passkeys, and this address has a name that they may be for. */
export const hasPasskeys = (): boolean =>
  window.isSecureContext &&
  'PublicKeyCredential' in window &&
  'parseRequestOptionsFromJSON' in PublicKeyCredential &&
  !/^[\d.]+$|^\[/.test(location.hostname);

/** Somebody said no to the browser, or took too long: it doesn't tell which. */
export class PasskeyCancelled extends Error {
  override readonly name = 'PasskeyCancelled';
}

/** Lets the browser make a passkey. */
export async function makePasskey(): Promise<Answered> {
  const { challengeId, options } = await ask<Question<PublicKeyCredentialCreationOptionsJSON>>(
    'POST',
    '/users/me/passkeys/options',
  );
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options);
  return { challengeId, answer: await answered(navigator.credentials.create({ publicKey })) };
}

/** Lets the browser use a passkey: any of this server, to sign in, or one of who is signed in, to prove that. */
export async function usePasskey(purpose: 'signIn' | 'prove'): Promise<Answered> {
  const path = purpose === 'signIn' ? '/users/login/passkey' : '/users/me/proof/passkey';
  const { challengeId, options } = await ask<Question<PublicKeyCredentialRequestOptionsJSON>>('POST', path);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options);
  return { challengeId, answer: await answered(navigator.credentials.get({ publicKey })) };
}

async function answered(work: Promise<Credential | null>): Promise<unknown> {
  const credential = await work.catch(() => null);
  if (credential instanceof PublicKeyCredential) return credential.toJSON();
  throw new PasskeyCancelled();
}
