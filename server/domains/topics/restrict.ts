import type { Tree } from './tree.ts';

/** Takes from a client's session the subscriptions that it may not have, and what waits for it by them. */
export async function restrictSession(
  tree: Pick<Tree, 'subscriptionsByClient' | 'removeSubscriptions' | 'waitingFor' | 'drop'>,
  clientId: string,
  isAllowed: (topicFilter: string) => boolean,
): Promise<void> {
  const subscriptions = await tree.subscriptionsByClient({ id: clientId });
  const forbidden = subscriptions.map(({ topic }) => topic).filter((filter) => !isAllowed(filter));
  if (forbidden.length === 0) return;
  for (const message of tree.waitingFor(clientId))
    if (message.packet.cmd === 'publish' && !isAllowed(message.packet.topic)) tree.drop(clientId, message);
  await tree.removeSubscriptions({ id: clientId }, forbidden);
}
