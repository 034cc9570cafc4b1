import type { AccountActor } from '../../../kernel/actor.ts';
import { invalidInput, notFound } from '../../../kernel/errors.ts';
import type { JsonObject, JsonValue } from '../../../kernel/json.ts';
import type { HttpRequest, HttpResponse } from '../../../platform/http/types.ts';
import type { ChatDependencies } from '../../chat/completion.ts';
import { inputItemsQuery } from '../descriptions.ts';
import { findKept } from './kept-responses.ts';

/**
 * `GET /v1/responses/{id}/input_items`: https://platform.openai.com/docs/api-reference/responses/input-items. What was asked, and what came
 * before it. Refuses with `response_not_found` and `invalid_input`.
 */
export async function listInputItems(
  actor: AccountActor,
  { params, query }: HttpRequest,
  { answers }: Pick<ChatDependencies, 'answers'>,
): Promise<HttpResponse> {
  const asked = inputItemsQuery.safeParse(Object.fromEntries(query));
  if (!asked.success) {
    const param = asked.error.issues[0]?.path.join('.') ?? null;
    throw invalidInput('`limit` is 1 to 100, `order` is asc or desc, `after` the id of an item.', { param });
  }
  const kept = await findKept(actor, (params.responseId ?? '').replace(/^resp_/, ''), answers);
  if (kept === null) throw notFound('response');
  const { after, limit, order } = asked.data;
  const items = order === 'asc' ? kept.input : kept.input.toReversed();
  const from = after === undefined ? 0 : items.findIndex(({ id }) => id === after) + 1;
  if (after !== undefined && from === 0)
    throw invalidInput('after: no item of this response has that id.', { param: 'after' });
  const data = items.slice(from, from + limit);
  const ends = { first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  const list = { object: 'list', data: data.map(listedItem), has_more: from + limit < items.length, ...ends };
  return {
    status: 200,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(list),
  };
}

/** An item as the reference has it: content in parts. */
function listedItem(item: JsonObject): JsonObject {
  const status = item.status ?? 'completed';
  if (item.type !== 'message' || typeof item.content !== 'string') return { ...item, status };
  const type = item.role === 'assistant' ? 'output_text' : 'input_text';
  const text: JsonValue = item.role === 'assistant' ? { annotations: [] } : {};
  return { ...item, status, content: [{ type, text: item.content, ...text }] };
}
