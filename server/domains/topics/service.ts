import type { Clock } from '../../kernel/clock.ts';
import type { NetworkId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { TREE_IDLE_MS } from './limits.ts';
import type { TreeEvents, TreeStore } from './ports.ts';
import { eachItself, QUEUE_LIMITS, type QueueLimits, type QueueRoom, QueueRooms } from './queue-limits.ts';
import { Tree } from './tree.ts';
import type { TreeOwner } from './types.ts';

/** A tree that is held in memory for somebody. */
export interface TreeUse {
  readonly tree: Tree;
  /** It isn't needed any more. Called once. */
  release(): void;
}

/** The topics of networks, by which plain MQTT devices reach each other. */
export interface TopicService {
  /** The tree of a network, with all that is kept of it; the same one for everybody, while anybody uses it. */
  open(owner: TreeOwner): Promise<TreeUse>;
  /** Ends the sessions of a tree that `isMeant` knows by their clients' ids, with what waits for them and their wills. */
  forget(owner: TreeOwner, isMeant: (clientId: string) => boolean): Promise<void>;
  /** Resolves when everything is written. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface TopicDependencies {
  readonly store: TreeStore;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly events?: TreeEvents;
  readonly limits?: QueueLimits;
  /** Which device a client is of; without it each is of one of its own. */
  readonly deviceOf?: QueueRoom['deviceOf'];
}

interface OpenTree {
  readonly loaded: Promise<Tree>;
  users: number;
  cancelUnload: () => void;
}

/** Builds the service. */
export function createTopicService(dependencies: TopicDependencies): TopicService {
  const { clock, logger, limits = QUEUE_LIMITS } = dependencies;
  const rooms = new QueueRooms(limits, dependencies.deviceOf ?? eachItself);
  const trees = new Map<NetworkId, OpenTree>();

  const openTree = (owner: TreeOwner): OpenTree => {
    const known = trees.get(owner.networkId);
    if (known !== undefined) return known;
    const opened: OpenTree = { loaded: load(owner), users: 0, cancelUnload: () => undefined };
    trees.set(owner.networkId, opened);
    return opened;
  };

  const load = async (owner: TreeOwner): Promise<Tree> => {
    try {
      const tree = await Tree.load(owner, { ...dependencies, room: rooms.enter(owner.tenantId) });
      await tree.visits.begin();
      return tree;
    } catch (error) {
      trees.delete(owner.networkId);
      rooms.leave(owner.tenantId);
      throw error;
    }
  };

  const unload = async ({ networkId, tenantId }: TreeOwner, opened: OpenTree): Promise<void> => {
    if (opened.users > 0 || trees.get(networkId) !== opened) return;
    trees.delete(networkId);
    const tree = await opened.loaded;
    await tree.destroy();
    rooms.leave(tenantId);
  };

  const release = (owner: TreeOwner, opened: OpenTree): void => {
    opened.users--;
    opened.cancelUnload();
    if (opened.users > 0) return;
    opened.cancelUnload = clock.after(TREE_IDLE_MS, () => {
      unload(owner, opened).catch((error: unknown) => {
        logger.error({ operation: 'topics.unload', error }, 'a tree could not be written');
      });
    });
  };

  const open = async (owner: TreeOwner): Promise<TreeUse> => {
    const opened = openTree(owner);
    opened.users++;
    try {
      return { tree: await opened.loaded, release: () => release(owner, opened) };
    } catch (error) {
      opened.users--;
      throw error;
    }
  };

  return {
    open,
    async forget(owner, isMeant) {
      const { tree, release: leave } = await open(owner);
      await tree.forget(isMeant).finally(leave);
    },
    async stop() {
      for (const { loaded, cancelUnload } of trees.values()) {
        cancelUnload();
        await loaded.then((tree) => tree.destroy());
      }
    },
  };
}
