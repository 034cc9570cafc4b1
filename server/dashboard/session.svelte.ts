import {
  actIn,
  forgetCredentials,
  keepCredentials,
  keepsCookies,
  type SignInAnswer,
} from './api/credentials.ts';
import { ApiError, ask, askList, onSignedOut } from './api/http.ts';
import { usePasskey } from './api/passkeys.ts';
import type { Tenant, User } from './api/types.ts';
import { returnToPlace } from './router.svelte.ts';

/** Who is signed in. */
export interface Session {
  readonly user: User;
  readonly tenants: readonly Tenant[];
  /** The one that is acted in. */
  readonly tenant: Tenant | null;
}

let current = $state.raw<Session | null | undefined>(undefined);

let waiting = $state(false);
let leaving = $state(false);

onSignedOut(() => {
  if (current || waiting || leaving) endHere();
});

/** Who is signed in; null: nobody; undefined: it isn't known yet. */
export const session = (): Session | null | undefined => current;

/** Looks whether somebody is signed in already, and goes on where they were before another site signed them in. */
export async function resume(): Promise<void> {
  try {
    type Current = Pick<SignInAnswer, 'csrfToken' | 'needsPasskey'>;
    await begin({ ...(await ask<Current>('GET', '/users/sessions/current')), token: null });
    returnToPlace();
  } catch {
    current = null;
  }
}

/** True where who is signed in can only undo that their account is to be deleted. */
export const isLeaving = (): boolean => leaving;

/** Makes the first account of the server. */
export const setUp = (code: string, name: string): Promise<void> =>
  enter('/setup', { code, name }, keepsCookies());

/** Signs in with a code from a mail. */
export const enterMailCode = (codeId: string, code: string): Promise<void> =>
  enter('/users/sessions', { codeId, code }, keepsCookies());

/** Signs in with a mail address and its password. */
export const enterPassword = (email: string, password: string): Promise<void> =>
  enter('/users/login', { email, password }, keepsCookies());

/** Signs in with a recovery code. */
export const enterRecoveryCode = (code: string): Promise<void> =>
  enter('/users/recover', { code }, keepsCookies());

/** Signs in with a passkey alone. */
export const enterPasskey = async (): Promise<void> =>
  enter('/users/sessions/passkey', await usePasskey('signIn'), keepsCookies());

/** Completes a sign-in that waits for a passkey. */
export const completeSignIn = async (): Promise<void> =>
  enter('/users/sessions/complete', await usePasskey('prove'), keepsCookies());

/** True while a sign-in waits for a passkey. */
export const waitsForPasskey = (): boolean => waiting;

/** Signs in with a token that somebody has. */
export async function enterToken(token: string): Promise<void> {
  keepCredentials({ token });
  try {
    await unlessLeaving(async () => {
      if (keepsCookies()) {
        const answer = await ask<SignInAnswer>('POST', '/users/sessions/cookie');
        forgetCredentials();
        keepCredentials(answer);
      }
      await load();
    });
  } catch (error) {
    forgetCredentials();
    throw error;
  }
}

/** Signs out, on the server first: who couldn't is still signed in there, and is told so. */
export async function signOut(): Promise<void> {
  try {
    await ask('POST', '/users/logout');
  } catch (error) {
    // Nobody is signed in there any more.
    if (!(error instanceof ApiError && error.status === 401)) throw error;
  }
  endHere();
}

/** Acts in another tenant. */
export function chooseTenant(id: string): void {
  if (!current) return;
  const tenant = current.tenants.find((one) => one.id === id) ?? null;
  actIn(tenant?.id ?? null);
  current = { ...current, tenant };
}

/** Reads anew who is signed in, and where they may act. */
export async function load(): Promise<void> {
  const [user, tenants] = await Promise.all([ask<User>('GET', '/users/me'), askList<Tenant>('/tenants')]);
  const chosen = current?.tenant?.id;
  const tenant = tenants.find(({ id }) => id === chosen) ?? tenants[0] ?? null;
  actIn(tenant?.id ?? null);
  current = { user, tenants, tenant };
}

/** True where the role in this tenant lets them: the server decides all the same. */
export function mayManage(): boolean {
  const role = current?.tenant?.role;
  return role === 'owner' || role === 'administrator';
}

/** True for who may add and switch devices. */
export function mayCommand(): boolean {
  return mayManage() || current?.tenant?.role === 'member';
}

/** True for who may see the money of this tenant, spend it, and earn some: not for guests, and not for members of single networks. */
export const mayTrade = (): boolean => mayCommand() && current?.tenant?.networkIds === null;

/** True for who owns this tenant. */
export const isOwner = (): boolean => current?.tenant?.role === 'owner';

async function enter(path: string, body: object, cookie: boolean): Promise<void> {
  await begin(await ask<SignInAnswer>('POST', path, cookie ? { ...body, cookie } : body));
}

async function begin(answer: SignInAnswer): Promise<void> {
  keepCredentials(answer);
  waiting = answer.needsPasskey === true;
  if (waiting) current = null;
  else await unlessLeaving(load);
}

/** Does this for who is signed in; whose account is to be deleted may do none of it but undo that. */
async function unlessLeaving(work: () => Promise<void>): Promise<void> {
  leaving = false;
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'account_deletion_pending')) throw error;
    leaving = true;
    current = null;
  }
}

/** Nobody is signed in here any more: the server has ended it already. */
export const endSession = (): void => endHere();

function endHere(): void {
  forgetCredentials();
  waiting = false;
  leaving = false;
  current = null;
}
