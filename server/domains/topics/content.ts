import type { TreeContent } from './changes.ts';
import type { RetainedMessages } from './retained.ts';
import type { Sessions } from './sessions.ts';

/** What a tree has in memory, for who writes it. */
export const contentOf = (retained: RetainedMessages, sessions: Sessions): TreeContent => ({
  retained: (topic) => retained.get(topic),
  keptSession(clientId) {
    const session = sessions.find(clientId);
    return session?.isKept === true ? session : undefined;
  },
  subscription: (clientId, filter) => sessions.find(clientId)?.subscriptions.get(filter),
  queued: (clientId, position) => sessions.find(clientId)?.queue.get(position),
  hasHandshake: (clientId, messageId) => sessions.find(clientId)?.handshakes.has(messageId) === true,
  will: (clientId) => sessions.find(clientId)?.will,
});
