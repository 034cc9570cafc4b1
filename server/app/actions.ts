import {
  createActionService,
  createActionStore,
  createJointActionService,
  createJointStore,
} from '../domains/actions/index.ts';
import { createMembershipStore } from '../domains/devices/index.ts';
import { startActionJobs } from '../jobs/action-jobs.ts';
import type { RepeatedJob } from '../jobs/repeat.ts';
import { createActionOutlet } from '../transports/frames/action-frames.ts';
import type { Identity } from './identity.ts';
import type { Part } from './lifecycle.ts';
import type { Messaging } from './messaging.ts';
import type { Platform } from './platform.ts';

/** What devices are asked to do. */
export type Actions = ReturnType<typeof buildActions>;

/** Builds the area. */
export function buildActions(
  { database, clock, random, logger, metrics, disk }: Platform,
  { relay, permissions, onSession, onPresence, onLeft }: Messaging,
  { devices, networks }: Identity,
) {
  const members = createMembershipStore(database);
  const ended = metrics.counter({
    name: 'yggdrasil_actions_ended_total',
    help: 'Actions that have ended.',
    labels: ['state'],
  });
  const actions = createActionService({
    store: createActionStore(database),
    devices,
    networks,
    members,
    permissions: { requireAllowed: (asked) => permissions.requireCommandAllowed(asked) },
    outlet: createActionOutlet(relay, members),
    room: disk,
    clock,
    random,
    logger,
    metrics: { ended: (state) => ended.add({ state }) },
  });
  onSession(({ deviceId, networkId }) => void actions.sessionBegan(deviceId, networkId));
  onPresence(({ deviceId, connectedAtMs }) => {
    if (connectedAtMs === null) actions.disconnected(deviceId);
  });
  const jointActions = createJointActionService({
    store: createJointStore(database),
    actions,
    networks,
    room: disk,
    clock,
    random,
    logger,
  });
  actions.onEnded((action) => jointActions.ended(action));
  onLeft(async (deviceId, { networkId }) => {
    actions.left(deviceId, networkId);
    jointActions.left(deviceId, networkId);
  });
  return { actions, jointActions };
}

/** Actions with their jobs: who follows leaves first. */
export function actionsPart({ actions, jointActions }: Actions, { node, clock, logger }: Platform): Part {
  let jobs: RepeatedJob | null = null;
  return {
    name: 'actions',
    async start() {
      jobs = startActionJobs({ actions, jointActions, lease: node, clock, logger });
    },
    stopAccepting: () => {
      actions.stopFollowing();
      jointActions.close();
    },
    async stop() {
      await jobs?.stop();
    },
  };
}
