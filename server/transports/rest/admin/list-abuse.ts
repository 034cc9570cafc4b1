import { z } from 'zod';
import type { AbuseService } from '../../../domains/abuse/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { abuseMeasureSchema, abuseMeasureToJson } from './schemas.ts';

/** For operators: what is done at this moment about what looks like abuse. */
export const listAbuse = ({ abuse }: { abuse: AbuseService }) =>
  defineRoute({
    operation: 'admin.abuse.list',
    method: 'GET',
    path: '/api/v1/admin/abuse',
    access: 'platform.operate',
    cost: COSTS.write,
    audit: 'access',
    summary:
      'Who is throttled, cut off or locked for what looks like abuse, the newest first; a thousand at most.',
    response: z.object({ items: z.array(abuseMeasureSchema) }),
    status: 200,
    errors: [],
    handle: async ({ actor }) => ({ items: (await abuse.listMeasures(actor)).map(abuseMeasureToJson) }),
  });
