import type { Actor } from '../../kernel/actor.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { NetworkId, TenantId } from '../../kernel/ids.ts';
import { byCreation, type ListPosition, type Page, pageOf } from '../../kernel/page.ts';
import { requirePermission } from '../../kernel/permission.ts';
import { hashOf } from './content-hash.ts';
import { RELEASE_KEYS_MAX, RELEASE_PART_BYTES, RELEASES_MAX } from './limits.ts';
import type { ReleaseDependencies } from './ports.ts';
import { readSigned } from './rules.ts';
import type { Release, ReleaseKey, SignedManifest } from './types.ts';

/** Releases of a tenant, and the keys that sign them. */
export interface ReleaseService {
  listKeys(actor: Actor): Promise<readonly ReleaseKey[]>;
  /** Refuses with `network_not_found`, `release_exists` for a key that is there, and `limit_reached`. */
  addKey(
    actor: Actor,
    key: { readonly name: string; readonly publicKey: Uint8Array; readonly networkId: NetworkId | null },
  ): Promise<ReleaseKey>;
  /** Refuses with `release_key_not_found`, and with `release_in_use` while there are releases that it signed. */
  removeKey(actor: Actor, keyId: string): Promise<void>;
  /**
   * A release whose content comes afterwards. Refuses with `release_manifest_malformed`, `release_signature_wrong`, `release_exists`,
   * `limit_reached`, `storage_quota_exceeded`.
   */
  create(actor: Actor, signed: SignedManifest): Promise<Release>;
  /** Refuses with `release_not_found`. */
  get(actor: Actor, releaseId: string): Promise<Release>;
  list(
    actor: Actor,
    after: ListPosition<string> | null,
    limit: number,
  ): Promise<Page<Release, ListPosition<string>>>;
  /** Refuses with `release_not_found`, and with `release_in_use` while it is rolled out. */
  remove(actor: Actor, releaseId: string): Promise<void>;
  /**
   * Takes a part of the content. Refuses with `release_not_found`, `release_part_wrong`, and with `release_hash_wrong` when the last
   * one is there and the content isn't that of the manifest: then every part is dropped.
   */
  putPart(actor: Actor, releaseId: string, index: number, data: Uint8Array): Promise<Release>;
  /** Refuses with `release_not_found`, `release_part_wrong`. */
  getPart(actor: Actor, releaseId: string, index: number): Promise<Uint8Array>;
  /** For rollouts: what devices are offered; null where the release is gone. */
  readSigned(tenantId: TenantId, releaseId: string): Promise<SignedManifest | null>;
  /** For rollouts: up to `length` bytes, fewer at the end of a part; none where there are none. */
  readContent(
    tenantId: TenantId,
    releaseId: string,
    range: { readonly offset: number; readonly length: number },
  ): Promise<Uint8Array>;
}

/** Builds the service. */
export function createReleaseService(dependencies: ReleaseDependencies): ReleaseService {
  const { store } = dependencies;
  const get: ReleaseService['get'] = async (actor, releaseId) => {
    const found = await store.find(requirePermission(actor, 'releases.read'), releaseId);
    if (found === null) throw notFound('release');
    return found;
  };
  return {
    ...keyOperations(dependencies),
    get,

    async create(actor, signed) {
      const account = requirePermission(actor, 'releases.manage');
      const { described, key } = readSigned(signed, await store.listKeys(account), dependencies.ed25519);
      const release: Release = {
        ...signed,
        id: dependencies.random.uuid(),
        keyId: key.id,
        networkId: key.networkId,
        described,
        receivedBytes: 0,
        completedAtMs: null,
        createdAtMs: dependencies.clock.nowMs(),
      };
      requireAdded(await store.add(account, release));
      return release;
    },

    async list(actor, after, limit) {
      const account = requirePermission(actor, 'releases.read');
      return pageOf(await store.list(account, after, limit + 1), limit, byCreation);
    },

    async remove(actor, releaseId) {
      const outcome = await store.remove(requirePermission(actor, 'releases.manage'), releaseId);
      if (outcome === 'not_found') throw notFound('release');
      if (outcome === 'in_use') throw inUse('The release is being rolled out.');
    },

    async putPart(actor, releaseId, index, data) {
      const account = requirePermission(actor, 'releases.manage');
      const outcome = await store.addPart(
        account,
        { releaseId, index, data },
        async ({ sha256 }, parts) => Buffer.compare(await hashOf(parts), sha256) === 0,
        dependencies.clock.nowMs(),
      );
      if (outcome === 'not_found') throw notFound('release');
      const release = await get(account, releaseId);
      if (outcome === 'wrong') throw partWrong(release);
      if (outcome === 'hash_wrong') throw hashWrong();
      return release;
    },

    async getPart(actor, releaseId, index) {
      const account = requirePermission(actor, 'releases.read');
      const data = await store.readPart(account, releaseId, index);
      if (data === null) throw partWrong(await get(account, releaseId));
      return data;
    },

    readSigned: (tenantId, releaseId) => store.readSigned(tenantId, releaseId),
    readContent: (tenantId, releaseId, range) => store.readContent(tenantId, releaseId, range),
  };
}

function keyOperations({
  store,
  networks,
  clock,
  random,
}: ReleaseDependencies): Pick<ReleaseService, 'listKeys' | 'addKey' | 'removeKey'> {
  return {
    listKeys: async (actor) => store.listKeys(requirePermission(actor, 'releases.read')),

    async addKey(actor, { name, publicKey, networkId }) {
      const account = requirePermission(actor, 'releases.manage');
      if (networkId !== null) await networks.getNetwork(account, networkId);
      const key = { id: random.uuid(), name, publicKey, networkId, createdAtMs: clock.nowMs() };
      const outcome = await store.addKey(account, key);
      if (outcome === 'network_not_found') throw notFound('network');
      requireAdded(outcome);
      return key;
    },

    async removeKey(actor, keyId) {
      const outcome = await store.removeKey(requirePermission(actor, 'releases.manage'), keyId);
      if (outcome === 'not_found') throw notFound('release_key');
      if (outcome === 'in_use') throw inUse('There are releases that this key signed.');
    },
  };
}

/** Refuses what wasn't added. */
function requireAdded(outcome: 'added' | 'taken' | 'limit_reached' | 'no_room' | 'key_not_found'): void {
  if (outcome === 'taken') throw new AppError('conflict', 'release_exists', 'You have this already.');
  if (outcome === 'key_not_found') throw notFound('release_key');
  if (outcome === 'no_room') {
    throw new AppError(
      'rate_limited',
      'storage_quota_exceeded',
      'Your releases would have more bytes than they may.',
    );
  }
  if (outcome === 'limit_reached') {
    throw new AppError('conflict', 'limit_reached', 'There are as many releases or keys as may be.', {
      details: { releasesMax: RELEASES_MAX, keysMax: RELEASE_KEYS_MAX },
    });
  }
}

function inUse(message: string): AppError {
  return new AppError('conflict', 'release_in_use', message);
}

function partWrong({ described, receivedBytes }: Release): AppError {
  return new AppError('conflict', 'release_part_wrong', 'This is not the next part, or not a whole one.', {
    details: { partBytes: RELEASE_PART_BYTES, contentBytes: described.contentBytes, receivedBytes },
  });
}

function hashWrong(): AppError {
  return new AppError(
    'unprocessable',
    'release_hash_wrong',
    'The content is not the one of the manifest. It was dropped.',
  );
}
