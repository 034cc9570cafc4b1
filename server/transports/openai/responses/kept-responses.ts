import type { AnswerService } from '../../../domains/answers/index.ts';
import type { AccountActor } from '../../../kernel/actor.ts';
import type { JsonObject } from '../../../kernel/json.ts';
import { type Conversation, type KeptResponse, withIds } from './conversation.ts';

/** The conversation of a response and itself, as they are kept. */
export function keptResponse(response: object, { kept }: Conversation): KeptResponse {
  const answer = response as JsonObject;
  return { response: answer, input: withIds(kept, idIn(answer)) };
}

/** Keeps a response that has ended, and gives it; where it can't be kept, it says so (`store`). */
export async function keepEnded(
  actor: AccountActor,
  response: object,
  conversation: Conversation,
  answers: Pick<AnswerService, 'keep'>,
): Promise<object> {
  const content = keptResponse(response, conversation);
  const id = idIn(content.response);
  const isKept = await answers.keep(actor, { kind: 'response', id, hasEnded: true, content });
  return isKept ? response : { ...response, store: false };
}

/** A response as it is kept; null: there is none. One whose server stopped while it was at work has failed. */
export async function findKept(
  actor: AccountActor,
  id: string,
  answers: Pick<AnswerService, 'find'>,
): Promise<KeptResponse | null> {
  const found = await answers.find(actor, 'response', id);
  if (found === null) return null;
  const { response, input } = found.content as KeptResponse;
  return { input, response: found.hasEnded ? response : { ...response, ...STOPPED } };
}

const STOPPED: JsonObject = {
  status: 'failed',
  error: {
    code: 'server_stopped',
    message: 'The server stopped while this was worked on. Nothing was billed.',
  },
};

/** The id in the name of a response. */
function idIn({ id }: JsonObject): string {
  return String(id).slice('resp_'.length);
}
