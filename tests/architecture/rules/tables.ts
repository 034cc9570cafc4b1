/**
 * Who owns which table. Only the `*.postgres.ts` files of the folder read or write it; the migrations make exactly these.
 * The READMEs of the folders name the same.
 */
export const TABLES: Readonly<Record<string, readonly string[]>> = {
  'server/domains/tenants': [
    'tenants',
    'memberships',
    'membership_networks',
    'invitations',
    'invitation_networks',
  ],
  'server/domains/accounts': [
    'accounts',
    'account_tokens',
    'account_addresses',
    'sign_in_codes',
    'setup_code',
    'api_keys',
    'api_key_holds',
    'account_identities',
    'pending_sign_ins',
    'address_changes',
    'known_sign_ins',
    'account_deletions',
    'program_sign_ins',
    'recovery_codes',
    'account_passkeys',
    'account_passwords',
    'passkey_challenges',
    'second_factors',
    'refresh_tokens',
    'access_token_keys',
  ],
  'server/domains/abuse': ['abuse_measures'],
  'server/domains/administration': ['tenant_suspensions'],
  'server/domains/audit': [
    'audit_pending',
    'audit_receipts',
    'audit_chains',
    'audit_records',
    'audit_nodes',
    'audit_keys',
    'audit_heads',
    'audit_countersignatures',
  ],
  'server/domains/networks': ['networks'],
  'server/domains/locks': ['locks', 'lock_claims'],
  'server/domains/actions': ['actions', 'action_events', 'joint_actions', 'joint_action_parts'],
  'server/domains/paths': ['network_path_rules', 'device_path_rules', 'relayed_pairs'],
  'server/domains/topic-rights': ['topic_rights'],
  'server/domains/commands': ['sent_commands'],
  'server/domains/devices': [
    'devices',
    'network_members',
    'device_claims',
    'bootstrap_keys',
    'bootstrap_devices',
    'device_logins',
  ],
  'server/platform/node': ['nodes', 'node_jobs'],
  'server/platform/secrets': ['data_keys'],
  'server/domains/presence': ['presence'],
  'server/domains/relay': ['relay_streams', 'relay_frames', 'relay_cursors', 'relay_nonces', 'relay_tenants'],
  'server/domains/topics': [
    'mqtt_retained',
    'mqtt_wills',
    'mqtt_sessions',
    'mqtt_subscriptions',
    'mqtt_queued',
    'mqtt_handshakes',
  ],
  'server/domains/refusals': ['device_refusals'],
  'server/domains/drops': ['device_drops'],
  'server/domains/readings': [
    'readings_series',
    'readings_points',
    'readings_hours',
    'readings_history',
    'readings_tenants',
  ],
  'server/domains/shadow': ['device_shadows'],
  'server/domains/discovery': ['discovery_networks', 'discovery_devices'],
  'server/domains/ledger': [
    'ledger_accounts',
    'ledger_transfers',
    'ledger_entries',
    'ledger_open_holds',
    'ledger_pending_earnings',
    'ledger_incomplete_transfers',
    'ledger_verified_accounts',
    'ledger_allowances',
  ],
  'server/domains/sessions': ['resumable_sessions'],
  'server/domains/spending': ['spending_limits', 'spending_quotas', 'spending_days', 'spending_holds'],
  'server/domains/pairings': ['pairings', 'pairing_rules', 'pairing_asking_devices'],
  'server/domains/groups': ['device_groups', 'device_group_members'],
  'server/domains/releases': ['release_keys', 'releases', 'release_parts'],
  'server/domains/rollouts': ['rollouts', 'rollout_devices'],
  'server/domains/quality': ['quality_providers'],
  'server/domains/payments': ['payment_standings'],
  'server/domains/providers': ['marketplace_providers', 'marketplace_models'],
  'server/domains/answers': ['stored_answers'],
  'server/domains/registrations': ['marketplace_registrations'],
  'server/domains/checks': ['marketplace_checks'],
  'server/domains/tokenizers': [
    'marketplace_tokenizers',
    'marketplace_brought_tokenizers',
    'marketplace_tokenizers_in_use',
  ],
  'server/domains/decisions': ['marketplace_decisions'],
  'server/domains/disputes': [
    'marketplace_disputes',
    'marketplace_dispute_shares',
    'marketplace_dispute_statements',
  ],
  'server/domains/ratings': ['marketplace_ratings', 'marketplace_rating_voices'],
  'server/domains/transactions': [
    'marketplace_transactions',
    'marketplace_served',
    'marketplace_claims',
    'marketplace_hours',
    'marketplace_days',
    'marketplace_durations',
  ],
  'server/domains/requests': [
    'marketplace_keyed_requests',
    'marketplace_key_counts',
    'account_request_settings',
  ],
};

/** The adapter of the database. It may look into the system's catalogue, too. */
export const DATABASE_ADAPTER = 'server/platform/database';
/** The list of migrations: the one table that is there before the first of them. */
export const MIGRATIONS_TABLE = 'schema_migrations';
/** The adapter's own tables: the list of migrations, and the key that the tenants of transactions are signed with. */
export const ADAPTER_TABLES: readonly string[] = [MIGRATIONS_TABLE, 'scope_key'];

/** What the statements of a store may be. The schema is for migrations, settings and transactions for the adapter. */
export const STORE_STATEMENTS: readonly string[] = [
  'SelectStmt',
  'InsertStmt',
  'UpdateStmt',
  'DeleteStmt',
  'MergeStmt',
];

/** Functions that no store calls. */
export const FUNCTIONS_REFUSED: Readonly<Record<string, string>> = {
  set_config: 'the tenant of a transaction is set by the adapter',
  dblink: 'opens a connection of its own',
  dblink_exec: 'opens a connection of its own',
  lo_export: 'writes a file',
  lo_import: 'reads a file',
  pg_read_file: 'reads a file',
  pg_read_binary_file: 'reads a file',
  pg_sleep: 'waits in a transaction',
  query_to_xml: 'runs SQL that is hidden in a text',
};

/** Texts of the adapter that aren't constants. */
export const COMPUTED_SQL: readonly { path: string; because: string }[] = [
  {
    path: 'server/platform/database/logins.ts',
    because:
      'makes roles: PostgreSQL takes no parameters there; the name is made of a constant and hexadecimal digits',
  },
  {
    path: 'server/platform/database/migrate.ts',
    because: 'runs the texts of the migrations, which are read and judged where they stand',
  },
  {
    path: 'server/platform/database/embedded/bootstrap.ts',
    because:
      'makes roles: PostgreSQL takes no parameters there; every part is a constant or a hash in hexadecimal',
  },
];
