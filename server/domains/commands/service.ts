import type { Actor } from '../../kernel/actor.ts';
import type { Clock } from '../../kernel/clock.ts';
import { AppError, notFound } from '../../kernel/errors.ts';
import type { DeviceId, NetworkId, TenantId } from '../../kernel/ids.ts';
import type { Logger } from '../../kernel/logger.ts';
import { requirePermission } from '../../kernel/permission.ts';
import type { Random } from '../../kernel/random.ts';
import type { DeviceService } from '../devices/index.ts';
import type { NetworkService } from '../networks/index.ts';
import type { FrameToDevice, RelayService } from '../relay/index.ts';
import { DEVICE_SETTLING_MAX, SETTLING_MAX, TENANT_WAITING_MAX } from './limits.ts';
import type { CommandLogStore } from './ports.ts';
import { loggable } from './rules.ts';
import type { CommandOutcome, DescribedCommand, LoggedCommand } from './types.ts';

/** A command for a device. */
export interface CommandToSend {
  readonly deviceId: DeviceId;
  /** Null: in the first network of the device that the actor sees. */
  readonly networkId: NetworkId | null;
  readonly type: FrameToDevice['type'];
  /** A `Command` of the wire. */
  readonly payload: Uint8Array;
  /** The same for the log. */
  readonly described: DescribedCommand;
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
  /**
   * What the actor's tenant has sent to the device lately, in networks that the actor sees; the last first. Refuses with `forbidden` and
   * `device_not_found`.
   */
  listSent(actor: Actor, deviceId: DeviceId): Promise<readonly LoggedCommand[]>;
  /** Nobody waits any more: what was sent is kept. */
  stopWaiting(): void;
  /** Resolves when all answers are noted. */
  stop(): Promise<void>;
}

/** What the service needs. */
export interface CommandDependencies {
  readonly devices: Pick<DeviceService, 'getDevice'>;
  readonly networks: Pick<NetworkService, 'getNetwork'>;
  readonly relay: Pick<RelayService, 'sendToDevice'>;
  readonly log: CommandLogStore;
  /** The code that a device says it failed with; null: it was done. */
  readonly codeOf: (result: Uint8Array) => string | null;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

interface Waiting {
  readonly deviceId: DeviceId;
  readonly networkId: string;
  readonly settle: (result: Uint8Array | null) => void;
}

/** Builds the service. */
export function createCommandService(dependencies: CommandDependencies): CommandService {
  const { devices, networks, relay, log, clock, random } = dependencies;
  const outcomes = new Outcomes(dependencies);
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
      const answer = waitFor(waiting, id, { deviceId, networkId }, clock, command);
      try {
        const { type, payload, described } = command;
        const { accountId } = account;
        const sentAtMs = clock.nowMs();
        const sent = { id, deviceId, networkId, accountId, sentAtMs, answeredAtMs: null, errorCode: null };
        await log.add(account, { ...sent, ...loggable(described) });
        await relay
          .sendToDevice({ id, type, networkId, tenantId, deviceId, payload })
          .catch((error: unknown) => {
            outcomes.note(id, deviceId, error instanceof AppError ? error.code : 'internal');
            throw error;
          });
        return { id, networkId, result: await answer };
      } finally {
        waiting.get(id)?.settle(null);
        count(tenantId, -1);
      }
    },

    async listSent(actor, deviceId) {
      const account = requirePermission(actor, 'devices.read');
      await devices.getDevice(account, deviceId);
      return log.list(account, deviceId);
    },

    answered({ deviceId, networkId }, commandId, result) {
      if (commandId !== '') outcomes.note(commandId, deviceId, dependencies.codeOf(result));
      const asked = waiting.get(commandId);
      if (asked?.deviceId !== deviceId || asked.networkId !== networkId) return false;
      asked.settle(result);
      return true;
    },

    stopWaiting() {
      for (const { settle } of [...waiting.values()]) settle(null);
    },
    stop: () => outcomes.stop(),
  };
}

/** Notes what became of commands, and lets nobody wait for that. */
class Outcomes {
  readonly #dependencies: Pick<CommandDependencies, 'log' | 'clock' | 'logger'>;
  readonly #running = new Set<Promise<void>>();
  readonly #ofDevices = new Map<DeviceId, number>();

  constructor(dependencies: Pick<CommandDependencies, 'log' | 'clock' | 'logger'>) {
    this.#dependencies = dependencies;
  }

  note(id: string, deviceId: DeviceId, errorCode: string | null): void {
    const ofDevice = this.#ofDevices.get(deviceId) ?? 0;
    // A device may answer what nobody asked, without end.
    if (this.#running.size >= SETTLING_MAX || ofDevice >= DEVICE_SETTLING_MAX) return;
    this.#ofDevices.set(deviceId, ofDevice + 1);
    const work = this.#settle({ id, deviceId, atMs: this.#dependencies.clock.nowMs(), errorCode });
    this.#running.add(work);
    void work.then(() => {
      this.#running.delete(work);
      const left = (this.#ofDevices.get(deviceId) ?? 1) - 1;
      if (left > 0) this.#ofDevices.set(deviceId, left);
      else this.#ofDevices.delete(deviceId);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running);
  }

  async #settle(outcome: CommandOutcome): Promise<void> {
    const { log, logger } = this.#dependencies;
    try {
      await log.settle(outcome);
    } catch (error) {
      logger.warn({ operation: 'devices.commands.list', error }, 'what became of a command was not noted');
    }
  }
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
