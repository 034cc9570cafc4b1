import { createHmac } from 'node:crypto';
import type { Actor } from '../../kernel/actor.ts';
import { connect } from './connect.ts';
import { SIGNED_SCOPES_MAX } from './limits.ts';

/** Bytes of a block of SHA-256, as HMAC pads its key to (RFC 2104 section 2). */
const BLOCK_BYTES = 64;

/** The key that scopes are signed with; the database gets it from the owner, and nobody can read it there. */
export const scopeKeyOf = (secret: string): Buffer => createHmac('sha256', secret).update('scope').digest();

const contentOf = (actor: Actor): string =>
  [
    actor.tenantId,
    actor.kind === 'account' ? actor.accountId : '',
    actor.kind === 'device' ? actor.deviceId : '',
  ].join('|');

/**
 * Makes the value of `app.scope` for a transaction: tenant, account and device, and their HMAC-SHA256. What the policies of the
 * database ask takes no other, so that a statement that was smuggled in can't become somebody else. Those that were made last are
 * remembered: a signature says nothing about time.
 */
export function createScopeSigner(key: Buffer): (actor: Actor) => string {
  const signed = new Map<string, string>();
  return (actor) => {
    const content = contentOf(actor);
    let scope = signed.get(content);
    if (scope === undefined) {
      scope = `${content}|${createHmac('sha256', key).update(content).digest('hex')}`;
      if (signed.size >= SIGNED_SCOPES_MAX) signed.clear();
      signed.set(content, scope);
    }
    return scope;
  };
}

/** Gives the database the key, already padded as HMAC needs it. */
export async function storeScopeKey(ownerUrl: string, key: Buffer): Promise<void> {
  const pad = (byte: number) =>
    Buffer.from(Array.from({ length: BLOCK_BYTES }, (_, index) => (key[index] ?? 0) ^ byte));
  const [inner, outer] = [pad(0x36), pad(0x5c)];
  const owner = connect(ownerUrl, { connectionsMax: 1 });
  try {
    await owner`
      INSERT INTO scope_key (inner_pad, outer_pad) VALUES (${inner}, ${outer})
      ON CONFLICT (only_row) DO UPDATE SET inner_pad = excluded.inner_pad, outer_pad = excluded.outer_pad
      WHERE (scope_key.inner_pad, scope_key.outer_pad) <> (excluded.inner_pad, excluded.outer_pad)`;
  } finally {
    await owner.end({ timeout: 5 });
  }
}
