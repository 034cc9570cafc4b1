import { itemsOf, textIn } from '../../domains/providers/index.ts';
import type { AccountActor } from '../../kernel/actor.ts';
import type { JsonObject } from '../../kernel/json.ts';
import { moneyToJson } from '../../kernel/money.ts';
import type { HttpRequest, HttpResponse } from '../../platform/http/types.ts';
import { choiceOf } from '../chat/choice.ts';
import {
  type AskedOrder,
  answerWhole,
  type ChatDependencies,
  type CompletionFrame,
  type EndEvent,
} from '../chat/completion.ts';
import { need } from '../chat/needs.ts';
import { countTexts, embeddingRequestSchema, readTextRequest, textBody, textsOf } from './text-request.ts';

/** `POST /v1/embeddings`: a vector of each text, as numbers or, as official clients ask by default, in base64. */
export async function createEmbedding(
  actor: AccountActor,
  request: HttpRequest,
  dependencies: ChatDependencies,
): Promise<HttpResponse> {
  const { asked, extra, needs } = readTextRequest(request, embeddingRequestSchema);
  const texts = textsOf(asked.input, 'input');
  const order: AskedOrder = {
    ...choiceOf(asked),
    task: { api: 'embeddings', choices: texts.length, needs: [need('embeddings', 'model'), ...needs] },
    encodeBody: () => textBody(asked, extra),
    continuationBody: () => null,
    countPromptTokens: (_, tokenizer) => countTexts(actor, texts, dependencies.tokens, tokenizer),
    completionTokensMax: null,
  };
  const isBase64 = asked.encoding_format === 'base64';
  const format = (frame: CompletionFrame, fields: JsonObject, end: EndEvent) =>
    embeddingList(frame, fields, end, isBase64);
  return answerWhole(actor, order, request, format, dependencies);
}

/** https://platform.openai.com/docs/api-reference/embeddings/object, in the order of the texts. */
function embeddingList(
  { answer }: CompletionFrame,
  fields: JsonObject,
  { promptTokens, costMicrocents }: EndEvent,
  isBase64: boolean,
): object {
  const vectors = itemsOf(fields)
    .map(({ index, embedding }) => ({ index: Number(index), floats: textIn(embedding) }))
    .sort((one, other) => one.index - other.index);
  return {
    object: 'list',
    model: answer.model,
    data: vectors.map(({ index, floats }) => ({
      object: 'embedding',
      index,
      embedding: isBase64 ? floats : numbersOf(floats),
    })),
    usage: {
      prompt_tokens: promptTokens,
      total_tokens: promptTokens,
      cost: moneyToJson(costMicrocents),
    },
  };
}

/** 32-bit floats, little-endian, in base64. */
function numbersOf(floats: string): number[] {
  const bytes = Buffer.from(floats, 'base64');
  return Array.from({ length: Math.floor(bytes.length / 4) }, (_, place) =>
    shortest(bytes.readFloatLE(place * 4)),
  );
}

/** A 32-bit float by the fewest digits that are it, instead of those of the double that it is held in. */
function shortest(float: number): number {
  for (const digits of [6, 7, 8]) {
    const rounded = Number(float.toPrecision(digits));
    if (Math.fround(rounded) === float) return rounded;
  }
  return float;
}
