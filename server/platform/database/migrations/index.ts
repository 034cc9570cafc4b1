import { tenancy } from './0001-tenancy.ts';
import { accounts } from './0002-accounts.ts';
import { devices } from './0003-devices.ts';
import { relay } from './0004-relay.ts';
import { ledger } from './0005-ledger.ts';
import { market } from './0006-market.ts';
import { quotas } from './0007-quotas.ts';
import { signIn } from './0009-sign-in.ts';
import { mqtt } from './0010-mqtt.ts';
import { apiKeys } from './0011-api-keys.ts';
import { invitations } from './0012-invitations.ts';
import { identities } from './0013-identities.ts';
import { deviceIdentity } from './0014-device-identity.ts';
import { suspensions } from './0015-suspensions.ts';
import { deviceClaims } from './0016-device-claims.ts';
import { readings } from './0017-readings.ts';
import { refusals } from './0018-refusals.ts';
import { accountChanges } from './0019-account-changes.ts';
import { accountDeletion } from './0020-account-deletion.ts';
import { waysIn } from './0021-ways-in.ts';
import { mqtt5 } from './0022-mqtt-5.ts';
import { audit } from './0024-audit.ts';
import { shadow } from './0028-shadow.ts';
import { discovery } from './0029-discovery.ts';
import { ownDiscovery } from './0030-own-discovery.ts';
import { dataKeys } from './0033-data-keys.ts';
import { credentialOverlap } from './0034-credential-overlap.ts';
import { sessionKeys } from './0039-session-keys.ts';
import { passkeys } from './0044-passkeys.ts';
import { stepUp } from './0045-step-up.ts';
import { abuse } from './0048-abuse.ts';
import { spending } from './0049-spending.ts';
import { bootstrapKeys } from './0050-bootstrap-keys.ts';
import { readingHours } from './0061-reading-hours.ts';
import { locks } from './0062-locks.ts';
import { pairings } from './0067-pairings.ts';
import { groups } from './0068-groups.ts';
import { resumableSessions } from './0076-resumable-sessions.ts';
import { marketHours } from './0086-market-hours.ts';
import { pairingsOver } from './0087-pairings-over.ts';
import { actions } from './0088-actions.ts';
import { registrations } from './0090-registrations.ts';
import { releases } from './0093-releases.ts';
import { rollouts } from './0094-rollouts.ts';
import { drops } from './0096-drops.ts';
import { receipts } from './0099-receipts.ts';
import { refreshTokens } from './0110-refresh-tokens.ts';
import { keySpending } from './0111-key-spending.ts';
import { requestSettings } from './0120-request-settings.ts';
import { deviceSignatures } from './0130-device-signatures.ts';
import { storedAnswers } from './0140-stored-answers.ts';
import { disputesAndRefunds } from './0150-disputes.ts';
import { passwords } from './0160-passwords.ts';
import { claimedSessionKeys } from './0170-claimed-session-keys.ts';
import { generations } from './0185-generations.ts';
import { answerKeys } from './0186-answer-keys.ts';
import { rolloutRecords } from './0200-rollout-records.ts';
import { fleetAuthorities } from './0201-fleet-authorities.ts';
import { readingsByTime } from './0210-readings-by-time.ts';
import { scopeOnce } from './0230-scope-once.ts';
import { policiesOnce } from './0231-policies-once.ts';
import { unregisteredStayOut } from './0240-unregistered-stay-out.ts';
import { tokenizers } from './0250-tokenizers.ts';
import { modelChecks } from './0251-model-checks.ts';
import { ratings } from './0260-ratings.ts';
import { allowances } from './0261-allowances.ts';
import { keptCommission } from './0262-kept-commission.ts';
import { marketDays } from './0263-market-days.ts';
import { sentCommands } from './0270-sent-commands.ts';
import { unreadableSecrets } from './0280-unreadable-secrets.ts';
import { requiredLease } from './0281-required-lease.ts';
import { retainedDrops } from './0290-retained-drops.ts';
import { deviceLogins } from './0300-device-logins.ts';
import { jointActions } from './0310-joint-actions.ts';
import { directPaths } from './0311-direct-paths.ts';
import { topicRights } from './0340-topic-rights.ts';
import type { Migration } from './migration.ts';

/** Every step of the schema, oldest first. */
export const migrations: readonly Migration[] = [
  tenancy,
  accounts,
  devices,
  relay,
  ledger,
  market,
  quotas,
  signIn,
  mqtt,
  apiKeys,
  invitations,
  identities,
  deviceIdentity,
  suspensions,
  deviceClaims,
  readings,
  refusals,
  accountChanges,
  accountDeletion,
  waysIn,
  mqtt5,
  audit,
  shadow,
  discovery,
  ownDiscovery,
  dataKeys,
  credentialOverlap,
  sessionKeys,
  passkeys,
  stepUp,
  abuse,
  spending,
  bootstrapKeys,
  readingHours,
  locks,
  pairings,
  groups,
  resumableSessions,
  marketHours,
  pairingsOver,
  actions,
  registrations,
  releases,
  rollouts,
  drops,
  receipts,
  refreshTokens,
  keySpending,
  requestSettings,
  deviceSignatures,
  storedAnswers,
  disputesAndRefunds,
  passwords,
  claimedSessionKeys,
  generations,
  answerKeys,
  rolloutRecords,
  fleetAuthorities,
  readingsByTime,
  scopeOnce,
  policiesOnce,
  unregisteredStayOut,
  tokenizers,
  modelChecks,
  ratings,
  allowances,
  keptCommission,
  marketDays,
  sentCommands,
  unreadableSecrets,
  requiredLease,
  retainedDrops,
  deviceLogins,
  jointActions,
  directPaths,
  topicRights,
];
