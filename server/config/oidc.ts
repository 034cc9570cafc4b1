import { z } from 'zod';
import { isLoopback } from '../kernel/network-address.ts';

const OIDC_PRESETS = {
  google: {
    title: 'Google',
    issuer: 'https://accounts.google.com',
    scope: 'openid email profile',
    responseMode: 'query',
  },
  // Gives the address by form_post alone.
  apple: {
    title: 'Apple',
    issuer: 'https://appleid.apple.com',
    scope: 'openid email name',
    responseMode: 'form_post',
  },
} as const;

/** Team ids and key ids at Apple. */
const APPLE_ID = /^[A-Za-z0-9._-]{1,100}$/;

/** What is in it is looked at where it is used. */
const PRIVATE_KEY_PEM = /^-----BEGIN (EC )?PRIVATE KEY-----\n/;

const issuerUrl = z
  .url()
  .max(500)
  .refine((url) => url.startsWith('https://') || isLoopback(new URL(url).hostname));

/** One provider: a preset, or an issuer with its own values. */
const oidcProvider = z
  .strictObject({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,29}$/),
    title: z.string().min(1).max(50).optional(),
    preset: z.enum(['google', 'apple']).optional(),
    issuer: issuerUrl.optional(),
    clientId: z.string().min(1).max(500),
    clientSecret: z.string().min(1).max(5_000).optional(),
    // In place of the secret: it is signed anew with this key, as Apple wants it.
    teamId: z.string().regex(APPLE_ID).optional(),
    keyId: z.string().regex(APPLE_ID).optional(),
    privateKey: z.string().max(5_000).regex(PRIVATE_KEY_PEM).optional(),
    scope: z
      .string()
      .regex(/^openid( [\x21\x23-\x5b\x5d-\x7e]{1,100}){0,20}$/)
      .optional(),
  })
  .refine(({ preset, issuer }) => (preset === undefined) !== (issuer === undefined))
  .transform(
    ({ preset, issuer, title, scope, clientSecret, teamId, keyId, privateKey, ...provider }, context) => {
      const known = preset === undefined ? null : OIDC_PRESETS[preset];
      const client = clientOf({ clientSecret, teamId, keyId, privateKey });
      if (client === null) {
        context.addIssue({ code: 'custom', message: 'a secret, or what signs it' });
        return z.NEVER;
      }
      return {
        ...provider,
        client,
        title: title ?? known?.title ?? provider.name,
        issuer: issuer ?? known?.issuer ?? '',
        scope: scope ?? known?.scope ?? 'openid email profile',
        responseMode: known?.responseMode ?? ('query' as const),
      };
    },
  );

/** What a client proves itself with: its secret, or all that signs one; null: neither, both, or a part. */
function clientOf(given: {
  readonly clientSecret: string | undefined;
  readonly teamId: string | undefined;
  readonly keyId: string | undefined;
  readonly privateKey: string | undefined;
}) {
  const { clientSecret, teamId, keyId, privateKey } = given;
  const signs = [teamId, keyId, privateKey].filter((part) => part !== undefined).length;
  if (clientSecret !== undefined) return signs === 0 ? { clientSecret } : null;
  if (teamId === undefined || keyId === undefined || privateKey === undefined) return null;
  return { teamId, keyId, privateKey };
}

/** The providers in `YGGDRASIL_OIDC`, presets filled in. What is wrong is never repeated: it holds secrets. */
export const oidcProviders = z
  .string()
  .max(50_000)
  .transform((text, context) => {
    const providers = z.array(oidcProvider).max(20).safeParse(parsedJson(text));
    const names = new Set(providers.data?.map(({ name }) => name));
    if (providers.success && names.size === providers.data.length) return providers.data;
    context.addIssue({
      code: 'custom',
      message:
        'must be JSON: a list of {"name", "preset": "google" or "apple", "clientId", "clientSecret"}, with "issuer" in place of "preset" for others, and "teamId", "keyId" and "privateKey" (PEM) in place of "clientSecret" for Apple',
    });
    return z.NEVER;
  })
  .optional();

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
