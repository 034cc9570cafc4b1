import {
  ComputeChunk,
  ComputeResult,
  encodePayload,
  errorCodeNumber,
  FrameType,
  type yggdrasil,
} from '../../proto/index.ts';
import { EndpointFailedError, MalformedAnswerError, type TokenUsage } from './completion-chunk.ts';
import { countTokens } from './count-tokens.ts';
import { type Endpoint, EndpointStalledError } from './endpoint.ts';
import { ANSWER_CHARACTERS_MAX, STALL_TIMEOUT_MS } from './limits.ts';
import { TextSplitter } from './text-splitter.ts';

/** Sends a frame to the server; false when it can't be sent. */
export type ComputeSender = (frame: { type: yggdrasil.v1.FrameType; payload: Uint8Array }) => boolean;

/** How a request ended, for whoever watches the provider. */
export type RequestOutcome = 'stop' | 'length' | 'cancelled' | ComputeErrorName;

type ComputeErrorName = 'provider_failed' | 'provider_stalled' | 'provider_answer_malformed';

/**
 * Serves one COMPUTE_REQUEST: asks the endpoint under its own name for the model, sends the answer on in order, and
 * ends it with a COMPUTE_RESULT that tells the tokens or what went wrong. After `signal` it says nothing more. An error
 * that isn't the endpoint's is `provider_failed` for the requester, who is told no more, and is given to `unexpected`.
 */
export async function serveRequest(
  request: yggdrasil.v1.ComputeRequest,
  endpointModel: string,
  dependencies: {
    endpoint: Endpoint;
    send: ComputeSender;
    signal: AbortSignal;
    unexpected: (error: unknown) => void;
  },
): Promise<RequestOutcome> {
  const { endpoint, send, signal, unexpected } = dependencies;
  const { requestId } = request;
  const end = (result: Omit<yggdrasil.v1.ComputeResult.$Properties, 'requestId'>) =>
    send({ type: FrameType.COMPUTE_RESULT, payload: encodePayload(ComputeResult, { requestId, ...result }) });
  try {
    const body = upstreamBody(request, endpointModel);
    const answer = await forwardAnswer(request, body, dependencies, endpoint);
    const usage = answer.usage ?? (await countTokens(body.messages, answer.text));
    if (signal.aborted) return 'cancelled';
    end({ finishReason: answer.finishReason, ...usage });
    return answer.finishReason;
  } catch (error) {
    if (signal.aborted) return 'cancelled';
    const name = errorName(error);
    if (name === null) unexpected(error);
    const code = name ?? 'provider_failed';
    const message = name === null ? 'the provider failed' : (error as Error).message;
    end({ error: { code: errorCodeNumber(code), message } });
    return code;
  }
}

interface ForwardedAnswer {
  readonly text: string;
  readonly finishReason: 'stop' | 'length';
  readonly usage: TokenUsage | null;
}

async function forwardAnswer(
  request: yggdrasil.v1.ComputeRequest,
  body: Readonly<Record<string, unknown>>,
  { send, signal }: { send: ComputeSender; signal: AbortSignal },
  endpoint: Endpoint,
): Promise<ForwardedAnswer> {
  const { requestId } = request;
  const stallTimeoutMs = request.stallTimeoutMs || STALL_TIMEOUT_MS;
  const splitter = new TextSplitter();
  const sent: string[] = [];
  let characters = 0;
  let finishReason = 'stop';
  let usage: TokenUsage | null = null;
  const sendPieces = (pieces: readonly string[]) => {
    for (const text of pieces) {
      const payload = encodePayload(ComputeChunk, { requestId, index: sent.length, text });
      if (!send({ type: FrameType.COMPUTE_CHUNK, payload }))
        throw new EndpointFailedError('the line is too slow');
      sent.push(text);
      characters += text.length;
      if (characters > ANSWER_CHARACTERS_MAX) throw new MalformedAnswerError('the answer has no end');
    }
  };
  for await (const chunk of endpoint.complete(body, { stallTimeoutMs, signal })) {
    finishReason = chunk.finishReason ?? finishReason;
    usage = chunk.usage ?? usage;
    sendPieces(splitter.push(chunk.text));
  }
  sendPieces(splitter.end());
  return { text: sent.join(''), finishReason: finishReason === 'length' ? 'length' : 'stop', usage };
}

/** The requester's body, with the endpoint's own name for the model, the server's bound, and streaming with usage. */
function upstreamBody(request: yggdrasil.v1.ComputeRequest, model: string): Record<string, unknown> {
  let body: unknown;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(request.body));
  } catch {
    throw new EndpointFailedError('the request is not JSON');
  }
  if (typeof body !== 'object' || body === null)
    throw new EndpointFailedError('the request is not a JSON object');
  const { max_completion_tokens: _, ...rest } = body as Record<string, unknown>;
  return {
    ...rest,
    model,
    stream: true,
    stream_options: { include_usage: true },
    ...(request.maxTokens > 0 ? { max_tokens: request.maxTokens } : {}),
  };
}

/** Null for an error that isn't the endpoint's. */
function errorName(error: unknown): ComputeErrorName | null {
  if (error instanceof EndpointStalledError) return 'provider_stalled';
  if (error instanceof MalformedAnswerError) return 'provider_answer_malformed';
  if (error instanceof EndpointFailedError) return 'provider_failed';
  return null;
}
