import { z } from 'zod';
import { toHex } from '../../../../proto/index.ts';
import type { AuditService } from '../../../domains/audit/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import { defineRoute } from '../define-route.ts';
import { idSchema } from '../schemas.ts';
import { headSchema, headToJson, pathSchema, recordSchema, recordToJson } from './schemas.ts';

/** What one request was, and the proof of it. */
export const getReceipts = ({ audit }: { audit: AuditService }) =>
  defineRoute({
    operation: 'audit.receipts.get',
    method: 'GET',
    path: '/api/v1/audit/messages/:id',
    access: 'money.read',
    cost: COSTS.write,
    audit: 'none',
    summary:
      'The receipts of a request that has ended, as who asked for it, as whose provider served it, each with the proof that it is in your audit log under a signed head. `yggdrasil audit verify FILE` checks one without the server.',
    params: z.strictObject({ id: idSchema.describe('The id of the request: of its transaction.') }),
    response: z.object({
      items: z.array(
        z
          .object({
            content: z
              .string()
              .describe('What happened, as JSON: docs/receipts.md. The record has its hash.'),
            record: recordSchema,
            follows: z.string().describe('The hash of the record before.'),
            head: headSchema,
            path: pathSchema,
          })
          .meta({ id: 'Receipt' }),
      ),
    }),
    status: 200,
    errors: ['receipt_not_found'],
    async handle({ actor, params }) {
      const receipts = await audit.proveReceipts(actor, params.id);
      const items = receipts.map(({ content, record, follows, head, path }) => ({
        content,
        record: recordToJson(record),
        follows: toHex(follows),
        head: headToJson(head),
        path: path.map(toHex),
      }));
      return { items };
    },
  });
