import type { HttpOperation } from '../pipeline/http-operation.ts';
import { accountRoutes } from './account-routes.ts';
import { askAction } from './actions/ask.ts';
import { cancelAction } from './actions/cancel.ts';
import { followAction } from './actions/follow.ts';
import { getAction } from './actions/get.ts';
import { askJointAction, cancelJointAction, getJointAction } from './actions/joint.ts';
import { listActions } from './actions/list.ts';
import { createSuspension } from './admin/create-suspension.ts';
import { decideRegistration } from './admin/decide-registration.ts';
import { decideDispute, listAllDisputes } from './admin/disputes.ts';
import { followLogs } from './admin/follow-logs.ts';
import { getConfiguration } from './admin/get-configuration.ts';
import { getStats } from './admin/get-stats.ts';
import { liftAbuse } from './admin/lift-abuse.ts';
import { listAbuse } from './admin/list-abuse.ts';
import { listLogs } from './admin/list-logs.ts';
import { listNodes } from './admin/list-nodes.ts';
import { listRegistrations } from './admin/list-registrations.ts';
import { listSuspensions } from './admin/list-suspensions.ts';
import { listHostedTenants } from './admin/list-tenants.ts';
import { removeSuspension } from './admin/remove-suspension.ts';
import { setSpendQuotas } from './admin/set-spend-quotas.ts';
import { countersignAuditHead } from './audit/countersign.ts';
import { getLastAuditHead } from './audit/get-last-head.ts';
import { getReceipts } from './audit/get-receipts.ts';
import { inspectAudit } from './audit/inspect.ts';
import { listAuditHeads } from './audit/list-heads.ts';
import { listPlatformAuditRecords } from './audit/list-platform-records.ts';
import { listAuditRecords } from './audit/list-records.ts';
import { proveAuditContinuation } from './audit/prove-continuation.ts';
import { proveAuditRecord } from './audit/prove-record.ts';
import { createConnection } from './connections/create.ts';
import { decideConnection } from './connections/decide.ts';
import { endConnection } from './connections/end.ts';
import { getConnection } from './connections/get.ts';
import { listConnections } from './connections/list.ts';
import {
  getDeviceConnectionRule,
  getNetworkConnectionRule,
  setDeviceConnectionRule,
  setNetworkConnectionRule,
} from './connections/rules.ts';
import { addDeviceToNetwork } from './devices/add-network.ts';
import { createBootstrapKey, listBootstrapKeys, revokeBootstrapKey } from './devices/bootstrap-keys.ts';
import { changeDeviceState } from './devices/change-state.ts';
import { claimDevice } from './devices/claim.ts';
import { collectClaim } from './devices/collect-claim.ts';
import { createDevice } from './devices/create.ts';
import { createClaim } from './devices/create-claim.ts';
import { followDevices } from './devices/follow.ts';
import { followReadings } from './devices/follow-readings.ts';
import { getDevice } from './devices/get.ts';
import { getDeviceState } from './devices/get-state.ts';
import { listDevices } from './devices/list.ts';
import { listDrops } from './devices/list-drops.ts';
import { listDeviceNetworks } from './devices/list-networks.ts';
import { listReadings } from './devices/list-readings.ts';
import { listRefusals } from './devices/list-refusals.ts';
import { listSentCommands } from './devices/list-sent.ts';
import { getMqttLogin, removeMqttLogin, setMqttLogin } from './devices/mqtt-login.ts';
import { provisionDevice } from './devices/provision.ts';
import { removeDevice } from './devices/remove.ts';
import { removeDeviceFromNetwork } from './devices/remove-network.ts';
import { rotateDeviceToken } from './devices/rotate-token.ts';
import { sendCommand } from './devices/send-command.ts';
import { updateDevice } from './devices/update.ts';
import { createGroup, listGroups, removeGroup, renameGroup } from './groups/groups.ts';
import { addGroupMembers, listGroupMembers, removeGroupMember } from './groups/members.ts';
import { grantAllowance, listAllowances } from './ledger/allowances.ts';
import { createTopUp } from './ledger/create-top-up.ts';
import { getBalance } from './ledger/get-balance.ts';
import { getTrialBalance } from './ledger/get-trial-balance.ts';
import { listEntries } from './ledger/list-entries.ts';
import { acquireLock } from './locks/acquire.ts';
import { checkLockToken } from './locks/check.ts';
import { getLock } from './locks/get.ts';
import { listLocks } from './locks/list.ts';
import { releaseLock } from './locks/release.ts';
import { renewLock } from './locks/renew.ts';
import { addStatement, agreeToDispute, withdrawDispute } from './marketplace/answer-dispute.ts';
import { createMarketRequest } from './marketplace/create-request.ts';
import { explainProvider } from './marketplace/explain-provider.ts';
import { explainRequest } from './marketplace/explain-request.ts';
import { followLiveMarket } from './marketplace/follow-live.ts';
import { getProvider } from './marketplace/get-provider.ts';
import { getProviderAnalytics } from './marketplace/get-provider-analytics.ts';
import { getMarketRequest } from './marketplace/get-request.ts';
import { getRequesterAnalytics } from './marketplace/get-requester-analytics.ts';
import { getRequestSettings } from './marketplace/get-settings.ts';
import { getTransaction } from './marketplace/get-transaction.ts';
import { listProviders } from './marketplace/list-providers.ts';
import { listTransactions } from './marketplace/list-transactions.ts';
import { openDispute } from './marketplace/open-dispute.ts';
import { pauseProvider, resumeProvider } from './marketplace/pause-provider.ts';
import { getRating, rateTransaction, summarizeRatings } from './marketplace/ratings.ts';
import { getDispute, listDisputes } from './marketplace/read-disputes.ts';
import { registerProvider } from './marketplace/register-provider.ts';
import { setRequestSettings } from './marketplace/set-settings.ts';
import { testProvider } from './marketplace/test-provider.ts';
import {
  bringTokenizer,
  decideTokenizer,
  listTokenizerDifferences,
  listTokenizers,
} from './marketplace/tokenizers.ts';
import { unregisterProvider } from './marketplace/unregister-provider.ts';
import { updateProvider } from './marketplace/update-provider.ts';
import { authenticateMqttClient, authorizeMqttClient } from './mqtt/broker-routes.ts';
import { createNetwork } from './networks/create.ts';
import { followTopology } from './networks/follow-topology.ts';
import { getNetwork } from './networks/get.ts';
import { getNetworkHealth } from './networks/get-health.ts';
import { getHomeAssistant, setHomeAssistant } from './networks/home-assistant.ts';
import { listNetworks } from './networks/list.ts';
import { listTopology } from './networks/list-topology.ts';
import { removeNetwork } from './networks/remove.ts';
import { updateNetwork } from './networks/update.ts';
import {
  getConnectionPathRule,
  getDevicePathRule,
  getNetworkPathRule,
  setConnectionPathRule,
  setDevicePathRule,
  setNetworkPathRule,
} from './paths/rules.ts';
import { confirmPaymentStanding } from './payments/confirm-standing.ts';
import { getPaymentStanding } from './payments/get-standing.ts';
import { getReadingRetention } from './readings/get-retention.ts';
import { setReadingRetention } from './readings/set-retention.ts';
import { createReleaseKey, listReleaseKeys, removeReleaseKey } from './releases/keys.ts';
import { getReleasePart, putReleasePart } from './releases/parts.ts';
import { createRelease, getRelease, listReleases, removeRelease } from './releases/releases.ts';
import { cancelRollout, pauseRollout, resumeRollout } from './rollouts/change.ts';
import { followRollout } from './rollouts/follow.ts';
import { listRolloutDevices } from './rollouts/list-devices.ts';
import { listRolloutsOfDevice } from './rollouts/list-of-device.ts';
import { createRollout, getRollout, listRollouts } from './rollouts/rollouts.ts';
import { followRoutes } from './routing/follow.ts';
import { listRoutes } from './routing/list.ts';
import type { RestServices } from './services.ts';
import { getSpending } from './spending/get.ts';
import { setSpendLimits } from './spending/set-limits.ts';
import { listTopicRights, removeTopicRights, setTopicRights } from './topic-rights/rights.ts';
import { exportSelf } from './users/export-self.ts';

/**
 * Every REST route of the API, in the order of the documentation. `operationNames` gives the names of all operations, once they
 * are all made.
 */
export function createRestRoutes(
  services: RestServices,
  operationNames: () => readonly string[],
): readonly HttpOperation[] {
  const routes = [
    ...accountRoutes(services, operationNames),
    ...deviceRoutes(services),
    ...connectionRoutes(services),
    ...actionRoutes(services),
    ...lockRoutes(services),
    ...releaseRoutes(services),
    ...marketRoutes(services),
    ...auditRoutes(services),
    ...administrationRoutes(services),
  ];
  return [...routes, exportSelf(services, routes)];
}

/** Networks, devices and what they say. */
const deviceRoutes = (services: RestServices) => [
  createNetwork(services),
  listNetworks(services),
  getNetwork(services),
  listTopology(services),
  followTopology(services),
  getNetworkHealth(services),
  updateNetwork(services),
  removeNetwork(services),
  getHomeAssistant(services),
  setHomeAssistant(services),
  createDevice(services),
  createClaim(services),
  collectClaim(services),
  createBootstrapKey(services),
  listBootstrapKeys(services),
  revokeBootstrapKey(services),
  provisionDevice(services),
  claimDevice(services),
  listDevices(services),
  getDevice(services),
  updateDevice(services),
  rotateDeviceToken(services),
  getMqttLogin(services),
  setMqttLogin(services),
  removeMqttLogin(services),
  removeDevice(services),
  listDeviceNetworks(services),
  addDeviceToNetwork(services),
  removeDeviceFromNetwork(services),
  listReadings(services),
  followDevices(services),
  followReadings(services),
  authenticateMqttClient(services),
  authorizeMqttClient(services),
  listDrops(services),
  listRefusals(services),
  sendCommand(services),
  listSentCommands(services),
  getDeviceState(services),
  changeDeviceState(services),
  getReadingRetention(services),
  setReadingRetention(services),
];

/** Connections between devices, the ways to them, and groups. */
const connectionRoutes = (services: RestServices) => [
  listConnections(services),
  createConnection(services),
  getConnection(services),
  decideConnection(services),
  endConnection(services),
  getNetworkConnectionRule(services),
  setNetworkConnectionRule(services),
  getDeviceConnectionRule(services),
  setDeviceConnectionRule(services),
  listTopicRights(services),
  setTopicRights(services),
  removeTopicRights(services),
  getNetworkPathRule(services),
  setNetworkPathRule(services),
  getDevicePathRule(services),
  setDevicePathRule(services),
  getConnectionPathRule(services),
  setConnectionPathRule(services),
  listRoutes(services),
  followRoutes(services),
  listGroups(services),
  createGroup(services),
  renameGroup(services),
  removeGroup(services),
  listGroupMembers(services),
  addGroupMembers(services),
  removeGroupMember(services),
];

/** What devices are asked to do, kept until its end. */
const actionRoutes = (services: RestServices) => [
  askAction(services),
  listActions(services),
  getAction(services),
  followAction(services),
  cancelAction(services),
  askJointAction(services),
  getJointAction(services),
  cancelJointAction(services),
];

/** Names that one holder has at a time. */
const lockRoutes = (services: RestServices) => [
  acquireLock(services),
  renewLock(services),
  releaseLock(services),
  checkLockToken(services),
  listLocks(services),
  getLock(services),
];

/** Money and computing time. */
const marketRoutes = (services: RestServices) => [
  createTopUp(services),
  getBalance(services),
  grantAllowance(services),
  listAllowances(services),
  getSpending(services),
  setSpendLimits(services),
  getRequestSettings(services),
  setRequestSettings(services),
  listEntries(services),
  getTrialBalance(services),
  listProviders(services),
  getProvider(services),
  registerProvider(services),
  updateProvider(services),
  unregisterProvider(services),
  pauseProvider(services),
  resumeProvider(services),
  testProvider(services),
  bringTokenizer(services),
  listTokenizers(services),
  listTokenizerDifferences(services),
  decideTokenizer(services),
  explainProvider(services),
  explainRequest(services),
  createMarketRequest(services),
  getMarketRequest(services),
  listTransactions(services),
  getRequesterAnalytics(services),
  getProviderAnalytics(services),
  followLiveMarket(services),
  getTransaction(services),
  rateTransaction(services),
  getRating(services),
  summarizeRatings(services),
  openDispute(services),
  listDisputes(services),
  getDispute(services),
  addStatement(services),
  agreeToDispute(services),
  withdrawDispute(services),
  getPaymentStanding(services),
  confirmPaymentStanding(services),
];

/** Who did what, and the proofs of it. */
const auditRoutes = (services: RestServices) => [
  listAuditRecords(services),
  listAuditHeads(services),
  getLastAuditHead(services),
  proveAuditRecord(services),
  getReceipts(services),
  proveAuditContinuation(services),
  countersignAuditHead(services),
  listPlatformAuditRecords(services),
  inspectAudit(services),
];

/** Releases, the keys that sign them, and rollouts. */
const releaseRoutes = (services: RestServices) => [
  listReleaseKeys(services),
  createReleaseKey(services),
  removeReleaseKey(services),
  listReleases(services),
  createRelease(services),
  getRelease(services),
  removeRelease(services),
  putReleasePart(services),
  getReleasePart(services),
  listRollouts(services),
  createRollout(services),
  getRollout(services),
  listRolloutDevices(services),
  listRolloutsOfDevice(services),
  followRollout(services),
  pauseRollout(services),
  resumeRollout(services),
  cancelRollout(services),
];

/** What only operators of the server see and do. */
const administrationRoutes = (services: RestServices) => [
  getStats(services),
  getConfiguration(services),
  listNodes(services),
  listHostedTenants(services),
  listLogs(services),
  followLogs(services),
  listSuspensions(services),
  createSuspension(services),
  removeSuspension(services),
  listAbuse(services),
  liftAbuse(services),
  setSpendQuotas(services),
  listRegistrations(services),
  decideRegistration(services),
  listAllDisputes(services),
  decideDispute(services),
];
