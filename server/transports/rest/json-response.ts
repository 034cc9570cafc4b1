import type { HttpResponse } from '../../platform/http/types.ts';

/** What JSON can carry. No bigint: an amount of money goes out through `moneyToJson`. No Date: `toISOString`. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/** A JSON answer. */
export function jsonResponse(status: number, body: unknown): HttpResponse {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
