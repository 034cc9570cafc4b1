import { RatatoskrType } from '../index.ts';

const { BUSINESS_REQUEST, MARKETPLACE_REQUEST, PAYMENT_REQUEST } = RatatoskrType;

/** The types of messages that ask for operations. */
export const REQUEST_TYPES = [BUSINESS_REQUEST, MARKETPLACE_REQUEST, PAYMENT_REQUEST] as const;

/** A type of message that asks for an operation. */
export type RequestType = (typeof REQUEST_TYPES)[number];

/** The areas of operations, the first words of their names, that have a type of their own. */
export const REQUEST_AREAS: ReadonlyMap<string, RequestType> = new Map([
  ...['marketplace', 'openai', 'anthropic'].map((area) => [area, MARKETPLACE_REQUEST] as const),
  ...['ledger', 'payments', 'spending'].map((area) => [area, PAYMENT_REQUEST] as const),
]);

const REQUEST_TYPE_SET: ReadonlySet<RatatoskrType> = new Set(REQUEST_TYPES);

/** Whether messages of this type ask for an operation. */
export function isRequestType(type: RatatoskrType): type is RequestType {
  return REQUEST_TYPE_SET.has(type);
}

/** The type under which an operation is asked for: `ledger.balance.get` is a PAYMENT_REQUEST. */
export function requestTypeOf(operation: string): RequestType {
  const end = operation.indexOf('.');
  const area = end < 0 ? operation : operation.slice(0, end);
  return REQUEST_AREAS.get(area) ?? BUSINESS_REQUEST;
}
