import type { AccountId, DeviceId, NetworkId } from '../../kernel/ids.ts';

/** What a device was asked, as people read it. */
export interface DescribedCommand {
  readonly name: string;
  readonly arguments: Readonly<Record<string, number | boolean | string>>;
}

/** A command that was sent. */
export interface LoggedCommand extends DescribedCommand {
  readonly id: string;
  readonly deviceId: DeviceId;
  readonly networkId: NetworkId;
  /** Whose it was. */
  readonly accountId: AccountId;
  readonly sentAtMs: number;
  /** When the device answered, or the server refused to send it; null: not yet. */
  readonly answeredAtMs: number | null;
  /** The code that it failed with; null: it was done, or nobody knows yet. */
  readonly errorCode: string | null;
}

/** What became of a command. */
export interface CommandOutcome {
  readonly id: string;
  readonly deviceId: DeviceId;
  readonly atMs: number;
  readonly errorCode: string | null;
}
