import type { AccountActor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import type { Ed25519 } from '../../kernel/ed25519.ts';
import type { TenantId } from '../../kernel/ids.ts';
import type { ListPosition } from '../../kernel/page.ts';
import type { Random } from '../../kernel/random.ts';
import type { NetworkService } from '../networks/index.ts';
import type { Release, ReleaseKey, SignedManifest } from './types.ts';

/** Where releases are kept. */
export interface ReleaseStore {
  listKeys(actor: AccountActor): Promise<readonly ReleaseKey[]>;
  addKey(
    actor: AccountActor,
    key: ReleaseKey,
  ): Promise<'added' | 'taken' | 'limit_reached' | 'network_not_found'>;
  removeKey(actor: AccountActor, keyId: string): Promise<'removed' | 'in_use' | 'not_found'>;
  add(
    actor: AccountActor,
    release: Release,
  ): Promise<'added' | 'taken' | 'limit_reached' | 'no_room' | 'key_not_found'>;
  /** Null: there is no such release. */
  find(actor: AccountActor, releaseId: string): Promise<Release | null>;
  list(actor: AccountActor, after: ListPosition<string> | null, limit: number): Promise<readonly Release[]>;
  remove(actor: AccountActor, releaseId: string): Promise<'removed' | 'in_use' | 'not_found'>;
  /**
   * Takes the next part, under a lock; the last one only if `isRight` says so of all of them, else every part is dropped
   * (`hash_wrong`). A part that is there already changes nothing.
   */
  addPart(
    actor: AccountActor,
    part: { readonly releaseId: string; readonly index: number; readonly data: Uint8Array },
    isRight: (described: Release['described'], parts: AsyncIterable<Uint8Array>) => Promise<boolean>,
    nowMs: number,
  ): Promise<'taken' | 'wrong' | 'hash_wrong' | 'not_found'>;
  /** Null: there is no such part. */
  readPart(actor: AccountActor, releaseId: string, index: number): Promise<Uint8Array | null>;
  /** For the server itself: what devices are offered, and a piece of one part of it. */
  readSigned(tenantId: TenantId, releaseId: string): Promise<SignedManifest | null>;
  readContent(
    tenantId: TenantId,
    releaseId: string,
    range: { readonly offset: number; readonly length: number },
  ): Promise<Uint8Array>;
}

/** What the service needs. */
export interface ReleaseDependencies {
  readonly store: ReleaseStore;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly ed25519: Pick<Ed25519, 'isSignedBy'>;
  readonly clock: Clock;
  readonly random: Random;
}
