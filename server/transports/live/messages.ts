import { z } from 'zod';
import { invalidInput } from '../../kernel/errors.ts';

const numberSchema = z.int().min(1).max(2_147_483_647);

/** Asks for a stream under a number that rises, or wants no more of one. */
const messageSchema = z.union([
  z.strictObject({
    follow: numberSchema,
    operation: z.string().max(100),
    tenantId: z.string().max(100).optional(),
    params: z.unknown().optional(),
    query: z.unknown().optional(),
    headers: z.unknown().optional(),
  }),
  z.strictObject({ stop: numberSchema }),
]);

export type ClientMessage = z.output<typeof messageSchema>;
export type Follow = Extract<ClientMessage, { readonly follow: number }>;

/** What the server says of the stream with this number. */
export type ServerMessage = { readonly id: number } & (
  | { /** It follows, or (with a body) is refused. */ readonly status: number; readonly body?: unknown }
  | { /** More of the stream, as it comes over HTTP. */ readonly data: string }
  | { /** It is over; `broken`: not because there is no more. */ readonly end: 'complete' | 'broken' }
);

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

/** Reads a message, JSON in UTF-8. Refuses with `invalid_input`. */
export function readMessage(bytes: Uint8Array): ClientMessage {
  let value: unknown;
  try {
    value = JSON.parse(decoder.decode(bytes));
  } catch {
    throw invalidInput('A message is JSON.');
  }
  const result = messageSchema.safeParse(value);
  if (result.success) return result.data;
  throw invalidInput('A message follows an operation, or stops.');
}

/** The message as JSON in UTF-8. */
export const encodeMessage = (message: ServerMessage): Uint8Array => encoder.encode(JSON.stringify(message));
