import { z } from 'zod';
import type { Clock } from '../../../kernel/clock.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import type { HttpOperation } from '../../pipeline/http-operation.ts';
import { defineRawRoute } from '../define-route.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { EXPORT_SECTIONS } from './export-sections.ts';
import { writeExport } from './write-export.ts';

/** Characters of an export at most: a browser keeps all of it in memory. */
const EXPORT_CHARACTERS_MAX = 200_000_000;

/** Everything that the server shows an account of its own, as one file. It asks `operations`, and has what they answer. */
export const exportSelf = ({ clock }: { clock: Clock }, operations: readonly HttpOperation[]) => {
  const byName = new Map(operations.map((operation) => [operation.operation, operation]));
  return defineRawRoute({
    operation: 'users.exportSelf',
    method: 'GET',
    path: '/api/v1/users/me/export',
    access: 'account.manage',
    cost: COSTS.completion,
    audit: 'access',
    needsProof: true,
    summary:
      'All that is yours, as one JSON file: your account, and of the tenant that you act in what your role may see (docs/account.md). No secret is in it.',
    response: 'application/json',
    status: 200,
    errors: ['invalid_input'],
    async handle({ actor, request }): Promise<HttpResponse> {
      checkInput(z.strictObject({}), readQuery(request.query), 'query');
      const source = {
        actor,
        request,
        operations: byName,
        sections: EXPORT_SECTIONS,
        charactersMax: EXPORT_CHARACTERS_MAX,
      };
      return {
        status: 200,
        headers: {
          'content-type': 'application/json; charset=utf-8',
          'content-disposition': 'attachment; filename="yggdrasil-export.json"',
        },
        body: writeExport(source, clock),
      };
    },
  });
};
