import type { AnswerService, StoredAnswer } from '../../../domains/answers/index.ts';
import type { AccountActor } from '../../../kernel/actor.ts';
import { AppError, invalidInput } from '../../../kernel/errors.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { BODY_BYTES_MAX } from '../../chat/limits.ts';
import type { GivenItem, InputItem, ResponseRequest } from './request-schema.ts';
import { checkedItem } from './to-chat.ts';

/** What is kept of a response: as it was given, and the whole conversation that it answers, each item with an id. */
export interface KeptResponse extends JsonObject {
  readonly response: JsonObject;
  readonly input: readonly JsonObject[];
}

/** A conversation, as it is asked about and as it is kept. */
export interface Conversation {
  readonly items: readonly InputItem[];
  /** The same; those of earlier responses have ids. */
  readonly kept: readonly JsonObject[];
}

type Answers = Pick<AnswerService, 'find' | 'findAll'>;

/**
 * The whole conversation of a request: behind that of `previous_response_id` with its output, and with the items that are only
 * named by their ids. Refuses with `previous_response_not_found`, and with `invalid_input` what can't be gone on from, or named, and what
 * is longer than it could be sent.
 */
export async function conversationOf(
  actor: AccountActor,
  { input, previous_response_id: previousId }: ResponseRequest,
  answers: Answers,
): Promise<Conversation> {
  const earlier = previousId ? itemsAfter(await findPrevious(actor, previousId, answers)) : [];
  const given: readonly GivenItem[] = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
  const named = await findNamed(actor, given, answers);
  const own = given.map((item, index) => (isReference(item) ? itemNamed(item.id, index, named) : item));
  const kept = [...earlier, ...(own as JsonObject[])];
  requireLength(kept);
  const items = own.map((item, index) => (item === given[index] ? (item as InputItem) : knownItem(item)));
  return { kept, items: [...earlier.map(knownItem), ...items] };
}

/** A few names stand for as much as thousands of bodies: what they name is bounded like a body that has all of it. */
function requireLength(items: readonly JsonObject[]): void {
  const bytesOf = new Map<JsonObject, number>();
  let bytes = 0;
  for (const item of items) {
    const itemBytes = bytesOf.get(item) ?? Buffer.byteLength(JSON.stringify(item));
    bytesOf.set(item, itemBytes);
    bytes += itemBytes;
    if (bytes > BODY_BYTES_MAX)
      throw invalidInput(`input: the whole conversation has more than ${BODY_BYTES_MAX} bytes.`, {
        param: 'input',
      });
  }
}

/** The response that an item is of, by the item's id (`itemId`, `withIds`); null: the id is none of ours. */
function responseIdOf(itemId: string): string | null {
  return /^[a-z]+_([0-9a-f-]{36})_(?:in)?[0-9]{1,9}$/.exec(itemId)?.[1] ?? null;
}

/** Items with an id each, in the conversation of that response. */
export function withIds(items: readonly JsonObject[], responseId: string): readonly JsonObject[] {
  return items.map((item, index) => {
    const { type = 'message' } = item;
    if (typeof item.id === 'string') return { ...item, type };
    return { id: `${PREFIXES[String(type)] ?? 'msg'}_${responseId}_in${index}`, ...item, type };
  });
}

const PREFIXES: Readonly<Record<string, string>> = {
  function_call: 'fc',
  function_call_output: 'fco',
  reasoning: 'rs',
};

/** What comes before a request that goes on from this response. */
function itemsAfter({ response, input }: KeptResponse): readonly JsonObject[] {
  return [...input, ...(response.output as readonly JsonObject[])];
}

async function findPrevious(actor: AccountActor, id: string, answers: Answers): Promise<KeptResponse> {
  const found = id.startsWith('resp_')
    ? await answers.find(actor, 'response', id.slice('resp_'.length))
    : null;
  if (found === null)
    throw new AppError('invalid', 'previous_response_not_found', 'The previous response is not kept.', {
      details: { param: 'previous_response_id' },
    });
  const previous = found.content as KeptResponse;
  const { status } = previous.response;
  if (found.hasEnded && (status === 'completed' || status === 'incomplete')) return previous;
  throw invalidInput('previous_response_id: that response has no answer to go on from.', {
    param: 'previous_response_id',
  });
}

/** The responses that named items are of. */
function findNamed(
  actor: AccountActor,
  items: readonly GivenItem[],
  answers: Answers,
): Promise<ReadonlyMap<string, StoredAnswer>> | ReadonlyMap<string, StoredAnswer> {
  const ids = items.flatMap((item) => (isReference(item) ? [responseIdOf(item.id) ?? ''] : []));
  return ids.length === 0 ? new Map() : answers.findAll(actor, 'response', ids);
}

function itemNamed(id: string, index: number, named: ReadonlyMap<string, StoredAnswer>): JsonObject {
  const stored = named.get(responseIdOf(id) ?? '')?.content as KeptResponse | undefined;
  const item = stored === undefined ? undefined : itemsAfter(stored).find((one) => one.id === id);
  if (item !== undefined) return item;
  const param = `input.${index}.id`;
  throw invalidInput(`${param}: that item is not kept. Send it whole.`, { param });
}

function isReference(item: GivenItem): item is Extract<GivenItem, { type: 'item_reference' }> {
  return item.type === 'item_reference';
}

/** What was kept is read as what is given. */
function knownItem(item: object): InputItem {
  return checkedItem(item, ['previous_response_id']) as InputItem;
}
