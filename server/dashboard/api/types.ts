import type { z } from 'zod';
import type { actionSchema } from '../../transports/rest/actions/schemas.ts';
import type { settingSchema } from '../../transports/rest/admin/get-configuration.ts';
import type { hostedTenantSchema } from '../../transports/rest/admin/list-tenants.ts';
import type {
  abuseMeasureSchema,
  logEntrySchema,
  suspensionSchema,
} from '../../transports/rest/admin/schemas.ts';
import type { apiKeySchema } from '../../transports/rest/api-keys/schemas.ts';
import type { headSchema, recordSchema } from '../../transports/rest/audit/schemas.ts';
import type { connectionSchema } from '../../transports/rest/connections/schemas.ts';
import type { sentCommandSchema } from '../../transports/rest/devices/list-sent.ts';
import type { mqttLoginSchema } from '../../transports/rest/devices/mqtt-login.ts';
import type { credentialsSchema, deviceSchema } from '../../transports/rest/devices/schemas.ts';
import type { shadowSchema } from '../../transports/rest/devices/state-schemas.ts';
import type { groupSchema } from '../../transports/rest/groups/schemas.ts';
import type { invitationSchema } from '../../transports/rest/invitations/schemas.ts';
import type { allowanceSchema } from '../../transports/rest/ledger/allowances.ts';
import type {
  disputeSchema,
  disputeToDecideSchema,
} from '../../transports/rest/marketplace/dispute-schemas.ts';
import type {
  choiceSchema,
  explainedProviderSchema,
} from '../../transports/rest/marketplace/explained-schemas.ts';
import type { registeredProviderSchema } from '../../transports/rest/marketplace/own-provider.ts';
import type { providerRatingsSchema, ratingSchema } from '../../transports/rest/marketplace/ratings.ts';
import type {
  registrationSchema,
  registrationToDecideSchema,
} from '../../transports/rest/marketplace/registration-schemas.ts';
import type { transactionSchema } from '../../transports/rest/marketplace/schemas.ts';
import type { memberSchema } from '../../transports/rest/members/schemas.ts';
import type { networkSchema } from '../../transports/rest/networks/schemas.ts';
import type {
  networkHealthSchema,
  topologyDeviceSchema,
} from '../../transports/rest/networks/topology-schemas.ts';
import type { readingSchema } from '../../transports/rest/readings/schemas.ts';
import type { releaseSchema } from '../../transports/rest/releases/schemas.ts';
import type { deviceRolloutSchema } from '../../transports/rest/rollouts/list-of-device.ts';
import type { rolloutDeviceSchema, rolloutSchema } from '../../transports/rest/rollouts/schemas.ts';
import type { ServerDescription } from '../../transports/rest/server-routes.ts';
import type { spendingSchema } from '../../transports/rest/spending/schemas.ts';
import type { tenantSchema } from '../../transports/rest/tenants/schemas.ts';
import type { tokenSchema } from '../../transports/rest/tokens/schemas.ts';
import type { ownUserSchema } from '../../transports/rest/users/schemas.ts';

/** What the API answers, by the schemas that it checks its answers with. Types alone: nothing of the server is in the page. */
export type { ServerDescription };
export type User = z.output<typeof ownUserSchema>;
export type Tenant = z.output<typeof tenantSchema>;
export type Member = z.output<typeof memberSchema>;
export type Invitation = z.output<typeof invitationSchema>;
export type Token = z.output<typeof tokenSchema>;
export type ApiKey = z.output<typeof apiKeySchema>;
export type Network = z.output<typeof networkSchema>;
export type Device = z.output<typeof deviceSchema>;
export type Credentials = z.output<typeof credentialsSchema>;
export type MqttLogin = z.output<typeof mqttLoginSchema>;
export type Reading = z.output<typeof readingSchema>;
export type DeviceState = z.output<typeof shadowSchema>;
export type Action = z.output<typeof actionSchema>;
export type Connection = z.output<typeof connectionSchema>;
export type DeviceGroup = z.output<typeof groupSchema>;
export type NetworkHealth = z.output<typeof networkHealthSchema>;
export type TopologyDevice = z.output<typeof topologyDeviceSchema>;
export type Release = z.output<typeof releaseSchema>;
export type Rollout = z.output<typeof rolloutSchema>;
export type DeviceRollout = z.output<typeof deviceRolloutSchema>;
export type SentCommand = z.output<typeof sentCommandSchema>;
export type RolloutDevice = z.output<typeof rolloutDeviceSchema>;
export type AbuseMeasure = z.output<typeof abuseMeasureSchema>;
export type Setting = z.output<typeof settingSchema>;
export type HostedTenant = z.output<typeof hostedTenantSchema>;
export type RegistrationToDecide = z.output<typeof registrationToDecideSchema>;
export type Suspension = z.output<typeof suspensionSchema>;
export type LogEntry = z.output<typeof logEntrySchema>;
export type AuditHead = z.output<typeof headSchema>;
export type AuditRecord = z.output<typeof recordSchema>;

/** A page of a list. */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** Goes on as `after`; null: that was all. */
  readonly next: string | null;
}

/** Something that a device was refused. */
export interface Refusal {
  readonly at: string;
  readonly topic: string | null;
  readonly code: string;
  readonly reason: string;
  readonly count: number;
}

/** What became of a command. */
export interface CommandAnswer {
  readonly id: string;
  readonly result: {
    readonly error: { readonly code: string; readonly message: string } | null;
    readonly values: Readonly<Record<string, unknown>>;
  } | null;
}

/** An amount, in decimal. */
export interface Money {
  readonly value: string;
  readonly currency: string;
}

/** A passkey of who is signed in. */
export interface Passkey {
  readonly id: string;
  readonly name: string;
  readonly lastUsedAt: string | null;
}

export type Provider = z.output<typeof registeredProviderSchema>;
export type Registration = z.output<typeof registrationSchema>;
export type Standing = z.output<typeof explainedProviderSchema>;
export type Choice = z.output<typeof choiceSchema>;
export type Transaction = z.output<typeof transactionSchema>;
export type Rating = z.output<typeof ratingSchema>;
export type ProviderRatings = z.output<typeof providerRatingsSchema>;
export type Allowance = z.output<typeof allowanceSchema>;
export type Dispute = z.output<typeof disputeSchema>;
export type DisputeToDecide = z.output<typeof disputeToDecideSchema>;
export type Spending = z.output<typeof spendingSchema>;

/** What was asked for, or served, in one step of a period. */
export interface MarketSums {
  readonly requests: number;
  readonly billedTokens: number;
  readonly cost: Money;
  readonly earnings: Money;
  readonly refunded: Money;
  readonly refundedEarnings: Money;
}

/** What was asked for, or served, over a period. */
export interface Analytics {
  readonly totals: MarketSums;
  readonly before: MarketSums;
  readonly steps: readonly (MarketSums & { readonly at: string })[];
  readonly models: readonly (MarketSums & { readonly model: string })[];
  /** For who asked alone. */
  readonly keys?: readonly (MarketSums & { readonly keyId: string | null })[];
}

/** The tenant's money, by what may be done with it. */
export interface Balance {
  readonly available: Money;
  readonly held: Money;
  readonly earnings: Money;
  readonly owed: Money;
}

/** A receipt with what proves it: docs/receipts.md. */
export interface Receipt {
  readonly content: string;
  readonly record: AuditRecord;
  readonly head: { readonly publicKey: string };
}
