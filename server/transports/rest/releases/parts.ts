import { z } from 'zod';
import { RELEASE_PART_BYTES, type ReleaseService } from '../../../domains/releases/index.ts';
import { COSTS } from '../../../kernel/operation.ts';
import type { HttpResponse } from '../../../platform/http/types.ts';
import { defineRawRoute } from '../define-route.ts';
import { jsonResponse } from '../json-response.ts';
import { checkInput, readQuery } from '../read-input.ts';
import { partParamsSchema, releaseToJson } from './schemas.ts';

type Services = { releases: ReleaseService };

/** A part of a release's content, as bytes. */
export const putReleasePart = ({ releases }: Services) =>
  defineRawRoute({
    operation: 'releases.parts.put',
    method: 'PUT',
    path: '/api/v1/releases/:releaseId/parts/:index',
    params: partParamsSchema,
    access: 'releases.manage',
    cost: COSTS.write,
    audit: 'change',
    summary:
      'Brings a part of the content as bytes: 256 KiB, the last one the rest, in order from 0. One that is there already changes nothing. Answers the release.',
    response: 'application/json',
    status: 200,
    bodyType: 'application/octet-stream',
    bodyBytesMax: RELEASE_PART_BYTES,
    errors: ['invalid_input', 'release_not_found', 'release_part_wrong', 'release_hash_wrong'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { releaseId, index } = checkInput(partParamsSchema, request.params, 'params');
      checkInput(z.strictObject({}), readQuery(request.query), 'query');
      const release = await releases.putPart(actor, releaseId, index, request.body);
      return jsonResponse(200, releaseToJson(release));
    },
  });

/** A part of a release's content, as bytes. */
export const getReleasePart = ({ releases }: Services) =>
  defineRawRoute({
    operation: 'releases.parts.get',
    method: 'GET',
    path: '/api/v1/releases/:releaseId/parts/:index',
    params: partParamsSchema,
    access: 'releases.read',
    cost: COSTS.write,
    audit: 'none',
    summary: 'A part of the content, as bytes.',
    response: 'application/octet-stream',
    status: 200,
    errors: ['invalid_input', 'release_not_found', 'release_part_wrong'],
    handle: async ({ actor, request }): Promise<HttpResponse> => {
      const { releaseId, index } = checkInput(partParamsSchema, request.params, 'params');
      checkInput(z.strictObject({}), readQuery(request.query), 'query');
      const body = await releases.getPart(actor, releaseId, index);
      return { status: 200, headers: { 'content-type': 'application/octet-stream' }, body };
    },
  });
