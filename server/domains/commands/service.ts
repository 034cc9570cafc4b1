import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { FrameToDevice, RelayService } from '../relay/index.ts';
import { TENANT_WAITING_MAX } from './limits.ts';

/** A command for a device. */
export interface CommandToSend {
  readonly deviceId: DeviceId;
  /** Null: in the first network of the device that the actor sees. */
  readonly networkId: NetworkId | null;
  readonly type: FrameToDevice['type'];
  /** A `Command` of the wire. */
  readonly payload: Uint8Array;
  /** How long to wait for the result, in milliseconds. */
  readonly waitMs: number;
  /** Aborted when nobody wants to know any more. */
  readonly signal: AbortSignal;
}

/** A command that is in the network's stream. */
export interface SentCommand {
  readonly id: string;
  readonly networkId: NetworkId;
  /** A `CommandResult` of the wire; null: it hasn't come yet. */
  readonly result: Uint8Array | null;
}

/** What people ask devices to do. */
export interface CommandService {
  /**
   * Keeps a command for a device, and waits for its result. Refuses with `forbidden`, `device_not_found`, `network_not_found`,
   * `rate_limited` where the tenant waits for too many, and as the relay does.
   */
  send(actor: Actor, command: CommandToSend): Promise<SentCommand>;
  /** A device answers a command of the server's. False: nobody waits for that. */
  answered(device: { deviceId: DeviceId; networkId: string }, commandId: string, result: Uint8Array): boolean;
  /** Nobody waits any more: what was sent is kept. */
  stopWaiting(): void;
}

/** What the service needs. */
export interface CommandDependencies {
  readonly devices: Pick<DeviceService, 'getDevice'>;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly relay: Pick<RelayService, 'sendToDevice'>;
  readonly clock: Clock;
  readonly random: Random;
}

interface Waiting {
  readonly deviceId: DeviceId;
  readonly networkId: string;
  readonly settle: (result: Uint8Array | null) => void;
}

/** Builds the service. */
export function createCommandService(dependencies: CommandDependencies): CommandService {
  const { devices, networks, relay, random } = dependencies;
  const waiting = new Map<string, Waiting>();
  const waitingOfTenants = new Map<TenantId, number>();
  const count = (tenantId: TenantId, change: 1 | -1): void => {
    const next = (waitingOfTenants.get(tenantId) ?? 0) + change;
    if (next > 0) waitingOfTenants.set(tenantId, next);
    else waitingOfTenants.delete(tenantId);
  };

  return {
    async send(actor, command) {
      const account = requirePermission(actor, 'devices.command');
      const { deviceId } = command;
      const device = await devices.getDevice(account, deviceId);
      const networkId = command.networkId ?? device.networkIds[0];
      if (networkId === undefined || !device.networkIds.includes(networkId)) throw notFound('network');
      await networks.getNetwork(account, networkId);
      const { tenantId } = account;
      if ((waitingOfTenants.get(tenantId) ?? 0) >= TENANT_WAITING_MAX) throw tooManyWaiting();
      const id = random.uuid();
      count(tenantId, 1);
      // Before it is sent: the device may be quicker than the answer of the database.
      const answer = waitFor(waiting, id, { deviceId, networkId }, dependencies.clock, command);
      try {
        const { type, payload } = command;
        await relay.sendToDevice({ id, type, networkId, tenantId, deviceId, payload });
        return { id, networkId, result: await answer };
      } finally {
        waiting.get(id)?.settle(null);
        count(tenantId, -1);
      }
    },

    answered({ deviceId, networkId }, commandId, result) {
      const asked = waiting.get(commandId);
      if (asked?.deviceId !== deviceId || asked.networkId !== networkId) return false;
      asked.settle(result);
      return true;
    },

    stopWaiting() {
      for (const { settle } of [...waiting.values()]) settle(null);
    },
  };
}

/** The result of the command, or null when it was waited for long enough. */
function waitFor(
  waiting: Map<string, Waiting>,
  id: string,
  device: Omit<Waiting, 'settle'>,
  clock: Clock,
  { waitMs, signal }: CommandToSend,
): Promise<Uint8Array | null> {
  return new Promise((resolve) => {
    const giveUp = () => settle(null);
    const cancelTimeout = clock.after(waitMs, giveUp);
    const settle = (result: Uint8Array | null): void => {
      waiting.delete(id);
      cancelTimeout();
      signal.removeEventListener('abort', giveUp);
      resolve(result);
    };
    waiting.set(id, { ...device, settle });
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) giveUp();
  });
}

function tooManyWaiting(): AppError {
  return new AppError('rate_limited', 'rate_limited', 'You wait for the results of too many commands.');
}
