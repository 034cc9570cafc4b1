import type { TopicService, Tree, TreeOwner } from '../domains/topics/index.ts';

/** What the server says itself in the trees of networks. */
export interface ServerTopics {
  /** Publishes a retained message. Resolves when it is kept. */
  publish(owner: TreeOwner, topic: string, payload: string): Promise<void>;
  /** The same for what tells of dropped messages, which must not be dropped for the same reason. */
  notify(owner: TreeOwner, topic: string, payload: string): Promise<void>;
  /** Takes away the retained messages of topics that match one of the filters. */
  clear(owner: TreeOwner, filters: readonly string[]): Promise<void>;
  /** The retained messages of topics that match a filter. */
  read(owner: TreeOwner, filter: string): Promise<ReadonlyMap<string, string>>;
}

/** Says the same where devices of a network are connected with another broker. */
type Echo = (owner: TreeOwner, topic: string, text: string) => void;

/** Joins the server's own words to topics. */
export function createServerTopics(topics: Pick<TopicService, 'open'>, echo: Echo | null): ServerTopics {
  const within = async <Result>(owner: TreeOwner, work: (tree: Tree) => Promise<Result>): Promise<Result> => {
    const { tree, release } = await topics.open(owner);
    try {
      return await work(tree);
    } finally {
      release();
    }
  };
  const say = async (tree: Tree, topic: string, text: string, isNotice = false) => {
    echo?.(tree.owner, topic, text);
    await tree.publish({ topic, payload: Buffer.from(text), qos: 1, retain: true, isNotice });
  };
  return {
    publish: (owner, topic, payload) => within(owner, (tree) => say(tree, topic, payload)),
    notify: (owner, topic, payload) => within(owner, (tree) => say(tree, topic, payload, true)),
    clear: (owner, filters) =>
      within(owner, async (tree) => {
        for (const filter of filters) {
          // An empty payload takes a retained message away [MQTT-3.3.1-10].
          for (const { topic } of [...tree.retainedMatching(filter)]) await say(tree, topic, '');
        }
      }),
    read: (owner, filter) =>
      within(owner, async (tree) => {
        const found = [...tree.retainedMatching(filter)];
        return new Map(found.map(({ topic, payload }) => [topic, Buffer.from(payload).toString()]));
      }),
  };
}
