import { z } from 'zod';
import type { AccountService } from '../../../domains/accounts/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute, withHeaders } from '../define-route.ts';

/** How long others may keep the keys, in seconds: the next one is published an hour before it signs. */
const KEPT_SECONDS = 300;

const keySchema = z.object({
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
  kid: z.string(),
  alg: z.literal('EdDSA'),
  use: z.literal('sig'),
});

/** The public keys of access tokens (RFC 7517 section 5). */
export const listKeys = ({ accounts }: { accounts: AccountService }) =>
  defineRoute({
    operation: 'oauth.keys',
    method: 'GET',
    path: '/.well-known/jwks.json',
    access: 'public',
    cost: COSTS.read,
    audit: 'none',
    summary: 'The public keys of access tokens, for programs that check them.',
    response: z.object({ keys: z.array(keySchema) }),
    status: 200,
    errors: [],
    handle: async () =>
      withHeaders(
        { keys: await accounts.listAccessTokenKeys() },
        { 'cache-control': `public, max-age=${KEPT_SECONDS}` },
      ),
  });
