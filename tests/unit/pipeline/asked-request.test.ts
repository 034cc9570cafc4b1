import { expect, it } from 'vitest';
import { z } from 'zod';
import { toHttpRequest } from '../../../server/transports/pipeline/asked-request.ts';
import type { HttpOperation } from '../../../server/transports/pipeline/http-operation.ts';
import { INPUT_VALUES_MAX } from '../../../server/transports/pipeline/limits.ts';

const OPERATION = {
  method: 'POST',
  path: '/things/:name',
  body: z.unknown(),
  bodyBytesMax: 8_388_608,
} as unknown as HttpOperation;
const ORIGIN = { remoteAddress: '192.0.2.1', requestId: 'r', signal: new AbortController().signal };

const read = (text: string) => toHttpRequest(OPERATION, new TextEncoder().encode(text), ORIGIN);

it('looks at the shape of an input before it is read, which may cost a hundred times its size', () => {
  // Not even complete: who reads it would say that it is no JSON.
  expect(() => read(`{"body":[${'[],'.repeat(INPUT_VALUES_MAX)}`)).toThrow(
    expect.objectContaining({ code: 'invalid_input' }),
  );
});

it('takes bodies as deep as HTTP does', () => {
  expect(() => read(`{"body":${'['.repeat(128)}${']'.repeat(128)}}`)).not.toThrow();
  expect(() => read(`{"body":${'['.repeat(129)}${']'.repeat(129)}}`)).toThrow('nested too deeply');
});

it.each([
  ['half of a character in a param', '{"params":{"name":"\\ud800"}}'],
  ['half of a character in the query', '{"query":{"limit":"\\udfff"}}'],
  ['a line end in a header', '{"headers":{"accept":"a\\r\\nb: c"}}'],
  ['half of a character in a header', '{"headers":{"accept":"\\ud800"}}'],
])('refuses what no HTTP request could bring: %s', (_, text) => {
  expect(() => read(text)).toThrow(expect.objectContaining({ code: 'invalid_input' }));
});
