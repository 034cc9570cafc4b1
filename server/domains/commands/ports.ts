import type { AccountActor } from '../../kernel/actor.ts';
import type { DeviceId } from '../../kernel/ids.ts';
import type { CommandOutcome, LoggedCommand } from './types.ts';

/** Where is kept what was sent to devices. */
export interface CommandLogStore {
  /** Keeps one more, and of what this tenant has sent to the device no more than the last. */
  add(actor: AccountActor, command: LoggedCommand): Promise<void>;
  /** What the actor's tenant has sent to the device, in networks that the actor sees; the last first. */
  list(actor: AccountActor, deviceId: DeviceId): Promise<readonly LoggedCommand[]>;
  /** Notes what became of one; the first word counts. */
  settle(outcome: CommandOutcome): Promise<void>;
}
