import type { AccountService } from '../../domains/accounts/index.ts';
import type { DeviceService } from '../../domains/devices/index.ts';
import type { LedgerService } from '../../domains/ledger/index.ts';
import type { NetworkService } from '../../domains/networks/index.ts';
import type { PaymentService } from '../../domains/payments/index.ts';
import type { ProviderService } from '../../domains/providers/index.ts';
import type { TenantService } from '../../domains/tenants/index.ts';
import type { TransactionService } from '../../domains/transactions/index.ts';
import { addDeviceToNetwork } from './devices/add-network.ts';
import { createDevice } from './devices/create.ts';
import { getDevice } from './devices/get.ts';
import { listDevices } from './devices/list.ts';
import { listDeviceNetworks } from './devices/list-networks.ts';
import { removeDevice } from './devices/remove.ts';
import { removeDeviceFromNetwork } from './devices/remove-network.ts';
import { rotateDeviceToken } from './devices/rotate-token.ts';
import { updateDevice } from './devices/update.ts';
import { createTopUp } from './ledger/create-top-up.ts';
import { getBalance } from './ledger/get-balance.ts';
import { getTrialBalance } from './ledger/get-trial-balance.ts';
import { listEntries } from './ledger/list-entries.ts';
import { getProvider } from './marketplace/get-provider.ts';
import { getTransaction } from './marketplace/get-transaction.ts';
import { listProviders } from './marketplace/list-providers.ts';
import { listTransactions } from './marketplace/list-transactions.ts';
import { addMember } from './members/add.ts';
import { getMember } from './members/get.ts';
import { listMembers } from './members/list.ts';
import { removeMember } from './members/remove.ts';
import { updateMember } from './members/update.ts';
import { createNetwork } from './networks/create.ts';
import { getNetwork } from './networks/get.ts';
import { listNetworks } from './networks/list.ts';
import { removeNetwork } from './networks/remove.ts';
import { updateNetwork } from './networks/update.ts';
import { confirmPaymentStanding } from './payments/confirm-standing.ts';
import { getPaymentStanding } from './payments/get-standing.ts';
import { listTenants } from './tenants/list.ts';
import { createToken } from './tokens/create.ts';
import { listTokens } from './tokens/list.ts';
import { revokeToken } from './tokens/revoke.ts';
import { createUser } from './users/create.ts';
import { getSelf } from './users/get-self.ts';
import { listUsers } from './users/list.ts';
import { setUp } from './users/set-up.ts';

export interface RestServices {
  readonly accounts: AccountService;
  readonly tenants: TenantService;
  readonly networks: NetworkService;
  readonly devices: DeviceService;
  readonly ledger: LedgerService;
  readonly payments: PaymentService;
  readonly providers: ProviderService;
  readonly transactions: TransactionService;
}

/** Every REST route of the API, in the order of the documentation. */
export const createRestRoutes = (services: RestServices) => [
  setUp(services),
  createUser(services),
  listUsers(services),
  getSelf(services),
  listTokens(services),
  createToken(services),
  revokeToken(services),
  listTenants(services),
  listMembers(services),
  addMember(services),
  getMember(services),
  updateMember(services),
  removeMember(services),
  createNetwork(services),
  listNetworks(services),
  getNetwork(services),
  updateNetwork(services),
  removeNetwork(services),
  createDevice(services),
  listDevices(services),
  getDevice(services),
  updateDevice(services),
  rotateDeviceToken(services),
  removeDevice(services),
  listDeviceNetworks(services),
  addDeviceToNetwork(services),
  removeDeviceFromNetwork(services),
  createTopUp(services),
  getBalance(services),
  listEntries(services),
  getTrialBalance(services),
  listProviders(services),
  getProvider(services),
  listTransactions(services),
  getTransaction(services),
  getPaymentStanding(services),
  confirmPaymentStanding(services),
];
