import type { LockService } from '../../../domains/locks/index.ts';
import type { LockId } from '../../../kernel/ids.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idCursor, pageQuery, pageSchema } from '../paging.ts';
import { askedScope, listShape, lockSchema, lockToJson } from './schemas.ts';

const cursor = idCursor<LockId>();

/** The registry of locks. */
export const listLocks = ({ locks }: { locks: LockService }) =>
  defineRoute({
    operation: 'locks.list',
    method: 'GET',
    path: '/api/v1/locks',
    access: 'locks.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'Locks that are held or waited for: all that you see, or of one network, device or name.',
    query: pageQuery(cursor).extend(listShape),
    response: pageSchema(lockSchema),
    status: 200,
    errors: ['network_not_found', 'device_not_found'],
    async handle({ actor, query }) {
      const isScoped = query.networkId !== undefined || query.deviceId !== undefined;
      const page = await locks.list(
        actor,
        {
          scope: isScoped ? askedScope(query) : null,
          name: query.name ?? null,
          withIdle: query.idle === 'true',
        },
        { after: query.after ?? null, limit: query.limit },
      );
      return { items: page.items.map(lockToJson), next: cursor.next(page.next) };
    },
  });
