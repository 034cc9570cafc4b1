import type { ComputeTask, Feature, Need } from '../../domains/providers/index.ts';
import type { ChatRequest } from './chat-schema.ts';

/** What of a chat only those may be asked who declare it. What is a hint to the model needs nothing. */
export function taskOf(chat: ChatRequest): ComputeTask {
  const { tools, response_format: format, logprobs, n } = chat;
  const needs: Need[] = [need('chat', 'model')];
  if (tools?.length) needs.push(need('tools', 'tools'));
  if (format?.type.startsWith('json')) needs.push(need('structured_output', 'response_format'));
  if (logprobs) needs.push(need('logprobs', 'logprobs'));
  if ((n ?? 1) > 1) needs.push(need('n', 'n'));
  needs.push(...needsOfMessages(chat.messages), ...needsOfFields(chat.extra ?? {}));
  return { api: 'chat', choices: n ?? 1, needs };
}

/** That a feature is needed, and by which parameter. */
export function need(name: Feature, param: string): Need {
  return { kind: 'feature', name, param };
}

/** That fields are understood which are not known here. */
export function needsOfFields(extra: Readonly<Record<string, unknown>>): Need[] {
  return Object.keys(extra).map((name) => ({ kind: 'field', name, param: name }));
}

function needsOfMessages(messages: ChatRequest['messages']): Need[] {
  const needs = new Map<Feature, Need>();
  for (const [index, { role, content }] of messages.entries()) {
    if (role !== 'user' || typeof content === 'string') continue;
    for (const [at, { type }] of content.entries()) {
      const name = FEATURES_OF_PARTS[type];
      if (name !== undefined && !needs.has(name))
        needs.set(name, need(name, `messages.${index}.content.${at}`));
    }
  }
  return [...needs.values()];
}

const FEATURES_OF_PARTS: Readonly<Record<string, Feature | undefined>> = {
  image_url: 'images',
  input_audio: 'audio',
};
