import { z } from 'zod';
import { AppError, invalidInput } from '../../kernel/errors.ts';
import { jsonShapeOf } from '../../kernel/json-shape.ts';
import type { IncomingRequest } from '../../platform/http/types.ts';
import { findHalfCharacter } from './half-character.ts';
import type { HttpOperation } from './http-operation.ts';
import { INPUT_LEVELS_MAX, INPUT_OVERHEAD_BYTES_MAX, INPUT_VALUES_MAX } from './limits.ts';

/** What a request's input is: each part as the operation's description over HTTP says. */
const inputSchema = z.strictObject({
  params: z.record(z.string(), z.string()).default({}),
  query: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({}),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.unknown().optional(),
});

type Input = z.output<typeof inputSchema>;

/** Headers that any operation may look at: what the answer should be, and how far an earlier one was read. */
const COMMON_HEADERS: readonly string[] = ['accept', 'last-event-id'];
/** RFC 9110 section 5.5. */
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();
const EMPTY = new Uint8Array(0);
const JSON_TYPE = 'application/json';

/** Where a request comes from. */
export type RequestOrigin = Pick<IncomingRequest, 'remoteAddress' | 'requestId' | 'signal'>;

/** The request that HTTP would bring for this input, JSON in UTF-8. Refuses with `too_large`, `malformed_json` and `invalid_input`. */
export function toHttpRequest(
  operation: HttpOperation,
  input: Uint8Array,
  origin: RequestOrigin,
): IncomingRequest {
  if (input.length > operation.bodyBytesMax + INPUT_OVERHEAD_BYTES_MAX) throw tooLarge(operation);
  return toAskedRequest(operation, readInput(input), origin);
}

/** The same for an input that was read. Refuses with `invalid_input`. */
export function toAskedRequest(
  operation: HttpOperation,
  input: unknown,
  origin: RequestOrigin,
): IncomingRequest {
  return new AskedRequest(operation, checkInput(input), origin);
}

/** What HTTP would bring is made where somebody asks for it: most operations look at a part of it alone. */
class AskedRequest implements IncomingRequest {
  readonly #operation: HttpOperation;
  readonly #origin: RequestOrigin;
  readonly #headers: ReadonlyMap<string, string>;
  readonly #asked: Input;
  readonly #body: Uint8Array;
  #query: URLSearchParams | null = null;

  constructor(operation: HttpOperation, asked: Input, origin: RequestOrigin) {
    const headers = readHeaders(operation, asked.headers);
    this.#body = asked.body === undefined ? EMPTY : bodyBytes(operation, asked.body);
    if (this.#body.length > 0) headers.set('content-type', operation.bodyType ?? JSON_TYPE);
    this.#operation = operation;
    this.#asked = asked;
    this.#origin = origin;
    this.#headers = headers;
  }

  get method(): string {
    return this.#operation.method;
  }

  get path(): string {
    const { params } = this.#asked;
    return this.#operation.path.replaceAll(/:(\w+)/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? ''),
    );
  }

  get params(): Readonly<Record<string, string>> {
    return this.#asked.params;
  }

  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(
      Object.entries(this.#asked.query).map(([name, value]) => [name, String(value)]),
    );
    return this.#query;
  }

  get remoteAddress(): string {
    return this.#origin.remoteAddress;
  }

  get requestId(): string {
    return this.#origin.requestId;
  }

  get signal(): AbortSignal {
    return this.#origin.signal;
  }

  header(name: string): string | undefined {
    return this.#headers.get(name);
  }

  async receiveBody(): Promise<Uint8Array> {
    if (this.#body.length <= this.#operation.bodyBytesMax) return this.#body;
    throw tooLarge(this.#operation);
  }
}

function readHeaders(
  operation: HttpOperation,
  headers: Readonly<Record<string, string>>,
): Map<string, string> {
  const named = new Map<string, string>();
  for (const name of Object.keys(headers)) named.set(name.toLowerCase(), headers[name] as string);
  if (named.size === 0) return named;
  const known = [...COMMON_HEADERS, ...headersOf(operation)];
  if ([...named.keys()].some((name) => !known.includes(name))) {
    throw invalidInput('A header means nothing to this operation.');
  }
  if ([...named.values()].some((value) => !HEADER_VALUE.test(value))) {
    throw invalidInput('A header has a value that HTTP could not bring.');
  }
  return named;
}

function tooLarge({ bodyBytesMax }: HttpOperation): AppError {
  return new AppError('too_large', 'too_large', `The body has more than ${bodyBytesMax} bytes.`);
}

function readInput(input: Uint8Array): unknown {
  if (input.length === 0) return {};
  const { levels, parts, commas } = jsonShapeOf(input);
  if (levels > INPUT_LEVELS_MAX) throw invalidInput('The input is nested too deeply.');
  if (parts + commas > INPUT_VALUES_MAX) {
    throw invalidInput(`The input has more than ${INPUT_VALUES_MAX} values.`);
  }
  try {
    return JSON.parse(decoder.decode(input));
  } catch (cause) {
    throw new AppError('invalid', 'malformed_json', 'The input is not JSON.', { cause });
  }
}

function checkInput(value: unknown): Input {
  const result = inputSchema.safeParse(value);
  if (!result.success) throw invalidInput('The input is an object of params, query, headers and body.');
  const { params, query } = result.data;
  // Nothing that stands in the path or the query of a URL can hold it; of a body its operation decides.
  if (findHalfCharacter({ params, query }, '') !== null) {
    throw invalidInput('The params or the query hold half of a character (a lone surrogate).');
  }
  return result.data;
}

/** A JSON body, or the text of an operation that takes another form. */
function bodyBytes(operation: HttpOperation, body: unknown): Uint8Array {
  return encoder.encode(operation.bodyType === undefined ? JSON.stringify(body) : String(body));
}

function headersOf({ headers }: HttpOperation): readonly string[] {
  return headers instanceof z.ZodObject ? Object.keys(headers.shape).map((name) => name.toLowerCase()) : [];
}
