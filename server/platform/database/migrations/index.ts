import { tenancy } from './0001-tenancy.ts';
import { accounts } from './0002-accounts.ts';
import { devices } from './0003-devices.ts';
import { relay } from './0004-relay.ts';
import { ledger } from './0005-ledger.ts';
import { market } from './0006-market.ts';
import type { Migration } from './migration.ts';

/** Every step of the schema, oldest first. */
export const migrations: readonly Migration[] = [tenancy, accounts, devices, relay, ledger, market];
