import type { Migration } from './migration.ts';

/** Tables of which who sees the whole tenant sees the tenant's rows, by the policy that says so. */
const whole = {
  own_tenant: [
    'ledger_accounts',
    'ledger_entries',
    'marketplace_claims',
    'marketplace_keyed_requests',
    'marketplace_models',
    'marketplace_providers',
    'marketplace_registrations',
    'marketplace_served',
    'payment_standings',
    'quality_providers',
    'spending_days',
    'spending_holds',
    'spending_limits',
    'spending_quotas',
  ],
  visible: ['readings_tenants', 'release_keys', 'release_parts', 'releases', 'rollout_devices', 'rollouts'],
} as const;

/** The same with a condition on the row besides. */
const ownRole = "(role = 'provider' OR account_id = coalesce((SELECT current_account_id()), account_id))";
const wholeAnd = [
  ['own_tenant', 'marketplace_decisions', 'dispute_id IS NULL'],
  ['own', 'marketplace_durations', ownRole],
  ['own', 'marketplace_hours', ownRole],
  [
    'own_requests',
    'marketplace_transactions',
    'account_id = coalesce((SELECT current_account_id()), account_id)',
  ],
] as const;

/** Tables whose rows only administrators read, change or remove. */
const administered = {
  administered: ['bootstrap_keys', 'invitation_networks', 'invitations'],
  visible: ['audit_records'],
  changed: [
    'memberships',
    'networks',
    'pairing_rules',
    'readings_tenants',
    'release_keys',
    'releases',
    'rollout_devices',
    'rollouts',
    'spending_limits',
  ],
  removed: [
    'discovery_networks',
    'membership_networks',
    'networks',
    'release_keys',
    'release_parts',
    'releases',
    'rollouts',
  ],
} as const;

/** Tables whose rows only administrators add. */
const added = [
  'discovery_networks',
  'membership_networks',
  'memberships',
  'networks',
  'pairing_rules',
  'readings_tenants',
  'release_keys',
  'release_parts',
  'releases',
  'rollout_devices',
  'rollouts',
  'spending_limits',
] as const;

interface Conditions {
  readonly whole: string;
  /** For the column that names the tenant. */
  readonly administered: (tenant: string) => string;
  readonly devices: string;
  readonly networkMembers: string;
}

const ofItsNetworks = `EXISTS (
      SELECT FROM network_members
      WHERE network_members.tenant_id = (SELECT current_tenant_id()) AND device_id = devices.id)`;

const before: Conditions = {
  whole: 'tenant_id = (SELECT current_tenant_id()) AND (SELECT sees_whole_tenant())',
  administered: (tenant) => `${tenant} = (SELECT current_tenant_id()) AND (SELECT administers_tenant())`,
  devices: `tenant_id = (SELECT current_tenant_id())
    AND (id = (SELECT current_device_id()) OR (SELECT sees_whole_tenant()) OR ${ofItsNetworks})`,
  networkMembers: `(tenant_id = (SELECT current_tenant_id())
      AND ((SELECT sees_whole_tenant()) OR network_id IN (SELECT visible_network_ids())))
    OR (device_tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()))
    OR ((SELECT current_device_id()) IS NOT NULL AND network_id IN (SELECT visible_network_ids()))`,
};

const after: Conditions = {
  whole: 'tenant_id = (SELECT whole_tenant_id())',
  administered: (tenant) => `${tenant} = (SELECT administered_tenant_id())`,
  devices: `tenant_id = (SELECT current_tenant_id())
    AND ((SELECT sees_whole_tenant()) OR id = (SELECT current_device_id()) OR ${ofItsNetworks})`,
  // An account's networks are of the current tenant, and a device's are those it is in, whosever: visible_network_ids() says which.
  networkMembers: `tenant_id = (SELECT whole_tenant_id()) OR network_id IN (SELECT visible_network_ids())
    OR (device_tenant_id = (SELECT current_tenant_id()) AND account_id = (SELECT current_account_id()))`,
};

/** Statements that give the policies these conditions. */
function alter(conditions: Conditions): string {
  const using = (policy: string, table: string, condition: string) =>
    `ALTER POLICY ${policy} ON ${table} USING (${condition});`;
  const each = (tables: Readonly<Record<string, readonly string[]>>, condition: string) =>
    Object.entries(tables).flatMap(([policy, names]) =>
      names.map((table) => using(policy, table, condition)),
    );
  return [
    ...each(whole, conditions.whole),
    ...wholeAnd.map(([policy, table, besides]) => using(policy, table, `${conditions.whole} AND ${besides}`)),
    ...each(administered, conditions.administered('tenant_id')),
    using('administered', 'tenants', conditions.administered('id')),
    ...added.map(
      (table) => `ALTER POLICY added ON ${table} WITH CHECK (${conditions.administered('tenant_id')});`,
    ),
    using('visible', 'devices', conditions.devices),
    using('visible', 'network_members', conditions.networkMembers),
  ].join('\n');
}

/**
 * Policies that asked for the tenant, and then whether it is seen or administered, ask once; that of devices asks first what is most
 * often true, and that of network_members, which it asks in turn, asks half as much: what a statement doesn't come to ask is made ready
 * all the same. Those that compared the column that names the tenant with one value, with which indexes begin, still do: where such an index
 * is used, a forged scope is refused before a row is looked for, and its refusal doesn't tell whether there is one. Where another is, it
 * does (README of the database).
 */
export const policiesOnce: Migration = {
  name: '0231-policies-once',
  up: alter(after),
  down: alter(before),
};
