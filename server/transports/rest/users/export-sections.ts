/** One thing that an export has. */
export interface ExportSection {
  /** What it is called in the file. */
  readonly name: string;
  /** The operation whose answers it is of: all pages of a list, or the one answer. */
  readonly operation: string;
  readonly query?: Readonly<Record<string, string>>;
  /** What is added to each item of the list, by its id. */
  readonly parts?: { readonly param: string; readonly sections: readonly ExportSection[] };
}

/** What is of the account itself, wherever it acts. */
const OF_THE_ACCOUNT: readonly ExportSection[] = [
  { name: 'user', operation: 'users.getSelf' },
  { name: 'tokens', operation: 'users.tokens.list' },
  { name: 'apiKeys', operation: 'users.apiKeys.list' },
  { name: 'identities', operation: 'users.identities.list' },
  { name: 'passkeys', operation: 'users.passkeys.list' },
  { name: 'tenants', operation: 'tenants.list' },
];

/** What is of the tenant that the account acts in, as far as its role there may see it. */
const OF_THE_TENANT: readonly ExportSection[] = [
  { name: 'members', operation: 'members.list' },
  {
    name: 'networks',
    operation: 'networks.list',
    parts: { param: 'networkId', sections: [{ name: 'groups', operation: 'groups.list' }] },
  },
  {
    name: 'devices',
    operation: 'devices.list',
    parts: {
      param: 'deviceId',
      sections: [
        { name: 'state', operation: 'devices.state.get' },
        { name: 'readings', operation: 'devices.readings.list' },
      ],
    },
  },
  { name: 'connections', operation: 'connections.list' },
  { name: 'actions', operation: 'actions.list' },
  { name: 'releases', operation: 'releases.list' },
  { name: 'rollouts', operation: 'rollouts.list' },
  { name: 'balance', operation: 'ledger.balance.get' },
  { name: 'entries', operation: 'ledger.entries.list' },
  { name: 'spending', operation: 'spending.get' },
  { name: 'requestSettings', operation: 'marketplace.settings.get' },
  { name: 'transactions', operation: 'marketplace.transactions.list', query: { role: 'requester' } },
  { name: 'servedTransactions', operation: 'marketplace.transactions.list', query: { role: 'provider' } },
  { name: 'disputes', operation: 'marketplace.disputes.list', query: { role: 'requester' } },
  { name: 'servedDisputes', operation: 'marketplace.disputes.list', query: { role: 'provider' } },
  { name: 'providers', operation: 'marketplace.providers.list', query: { mine: 'true' } },
  { name: 'audit', operation: 'audit.records.list' },
];

/** All of an export, in the order of the file. */
export const EXPORT_SECTIONS: readonly ExportSection[] = [...OF_THE_ACCOUNT, ...OF_THE_TENANT];
