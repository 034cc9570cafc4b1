import { makePasskey, type SoftPasskey, usePasskey } from './authenticator.ts';
import type { MailWorld } from './mail-world.ts';

/** Where people reach the server of these tests, and its name for passkeys. */
export const PAGE = { origin: 'https://home.example.org', rpId: 'home.example.org' };

interface Question {
  readonly challengeId: string;
  readonly options: { readonly challenge: string; readonly user?: { readonly id: string } };
}

/** People with passkeys, in a world whose server is at `PAGE`. */
export function passkeysIn(world: MailWorld) {
  const post = async <Answer>(path: string, body?: unknown, token?: string) => {
    const asked = { ...(body === undefined ? {} : { body }), ...(token === undefined ? {} : { token }) };
    const { outcome, answer } = await world.ask('POST', path, asked);
    return { outcome, answer: answer as Answer & Record<string, unknown> };
  };
  const ask = async (path: string, token?: string) => (await post<Question>(path, undefined, token)).answer;

  return {
    post,
    ask,
    ceremonyOf: ({ options: { challenge } }: Question) => ({ ...PAGE, challenge }),
    /** Makes a passkey for who has the token. */
    async make(token: string, name = 'Phone'): Promise<SoftPasskey & { readonly passkeyId: string }> {
      const question = await ask('users/me/passkeys/options', token);
      const { challengeId, options } = question;
      const { passkey, answer } = makePasskey(
        { ...PAGE, challenge: options.challenge },
        options.user?.id ?? '',
      );
      const made = await post<{ id: string }>('users/me/passkeys', { challengeId, name, answer }, token);
      if (made.outcome !== '201 done') throw new Error(made.outcome);
      return Object.assign(passkey, { passkeyId: made.answer.id });
    },
    /** Signs in with a passkey alone. */
    async signIn(passkey: SoftPasskey) {
      const { challengeId, options } = await ask('users/login/passkey');
      const answer = usePasskey(passkey, { ...PAGE, challenge: options.challenge });
      return post<{ token: string }>('users/sessions/passkey', { challengeId, answer });
    },
    /** What answers the question for a proof. */
    async prove(passkey: SoftPasskey, token: string) {
      const { challengeId, options } = await ask('users/me/proof/passkey', token);
      return { challengeId, answer: usePasskey(passkey, { ...PAGE, challenge: options.challenge }) };
    },
  };
}
