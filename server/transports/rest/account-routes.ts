import { createApiKey } from './api-keys/create.ts';
import { listApiKeys } from './api-keys/list.ts';
import { revokeApiKey } from './api-keys/revoke.ts';
import { listIdentities } from './identities/list.ts';
import { removeIdentity } from './identities/remove.ts';
import { createInvitation } from './invitations/create.ts';
import { listInvitations } from './invitations/list.ts';
import { redeemInvitation } from './invitations/redeem.ts';
import { withdrawInvitation } from './invitations/withdraw.ts';
import { addMember } from './members/add.ts';
import { getMember } from './members/get.ts';
import { listMembers } from './members/list.ts';
import { removeMember } from './members/remove.ts';
import { updateMember } from './members/update.ts';
import { decideProgram } from './oauth/decide.ts';
import { findProgram } from './oauth/find.ts';
import { listKeys } from './oauth/keys.ts';
import { openProgram } from './oauth/open.ts';
import { approvalPage } from './oauth/page.ts';
import { collectToken } from './oauth/token.ts';
import { beginExternalSignIn } from './oidc/begin.ts';
import { finishExternalSignIn, finishPostedSignIn } from './oidc/finish.ts';
import { listIdentityProviders } from './oidc/list.ts';
import { beginPasskey } from './passkeys/begin.ts';
import { beginProof } from './passkeys/begin-proof.ts';
import { beginPasskeySignIn } from './passkeys/begin-sign-in.ts';
import { completeSignIn } from './passkeys/complete.ts';
import { createPasskey } from './passkeys/create.ts';
import { enterByPasskey } from './passkeys/enter.ts';
import { listPasskeys } from './passkeys/list.ts';
import { prove } from './passkeys/prove.ts';
import { removePasskey } from './passkeys/remove.ts';
import { renamePasskey } from './passkeys/rename.ts';
import { getSecondFactor, setSecondFactor } from './passkeys/second-factor.ts';
import { sendProofCode } from './passkeys/send-proof-code.ts';
import { countRecoveryCodes } from './recovery/count-codes.ts';
import { makeRecoveryCodes } from './recovery/make-codes.ts';
import { recover } from './recovery/recover.ts';
import type { RestServices } from './services.ts';
import { createTenant } from './tenants/create.ts';
import { handOverTenant } from './tenants/hand-over.ts';
import { listTenants } from './tenants/list.ts';
import { renameTenant } from './tenants/rename.ts';
import { createToken } from './tokens/create.ts';
import { listTokens } from './tokens/list.ts';
import { revokeToken } from './tokens/revoke.ts';
import { changeEmail } from './users/change-email.ts';
import { confirmEmail } from './users/confirm-email.ts';
import { createUser } from './users/create.ts';
import { deleteSelf } from './users/delete-self.ts';
import { enter } from './users/enter.ts';
import { getDeletion } from './users/get-deletion.ts';
import { getSelf } from './users/get-self.ts';
import { getSession } from './users/get-session.ts';
import { keepSession } from './users/keep-session.ts';
import { listUsers } from './users/list.ts';
import { logIn } from './users/log-in.ts';
import { getPassword, removePassword, setPassword } from './users/password.ts';
import { register } from './users/register.ts';
import { renameSelf } from './users/rename-self.ts';
import { restoreSelf } from './users/restore-self.ts';
import { setUp } from './users/set-up.ts';
import { signOut } from './users/sign-out.ts';

/** Users, tenants and who belongs to them. */
export const accountRoutes = (services: RestServices, operationNames: () => readonly string[]) => [
  setUp(services),
  createUser(services),
  listUsers(services),
  register(services),
  logIn(services),
  getPassword(services),
  setPassword(services),
  removePassword(services),
  enter(services),
  getSession(services),
  keepSession(services),
  listIdentityProviders(services),
  listKeys(services),
  beginExternalSignIn(services),
  finishExternalSignIn(services),
  finishPostedSignIn(services),
  signOut(services),
  openProgram(services),
  collectToken(services),
  findProgram(services),
  decideProgram(services),
  approvalPage(),
  getSelf(services),
  renameSelf(services),
  deleteSelf(services),
  getDeletion(services),
  restoreSelf(services),
  changeEmail(services),
  confirmEmail(services),
  countRecoveryCodes(services),
  makeRecoveryCodes(services),
  recover(services),
  ...passkeyRoutes(services),
  listIdentities(services),
  removeIdentity(services),
  listTokens(services),
  createToken(services),
  revokeToken(services),
  listApiKeys(services),
  createApiKey(services, operationNames),
  revokeApiKey(services),
  listTenants(services),
  createTenant(services),
  renameTenant(services),
  handOverTenant(services),
  listInvitations(services),
  createInvitation(services),
  withdrawInvitation(services),
  redeemInvitation(services),
  listMembers(services),
  addMember(services),
  getMember(services),
  updateMember(services),
  removeMember(services),
];

/** Passkeys, and sign-ins with them. */
const passkeyRoutes = (services: RestServices) => [
  beginPasskeySignIn(services),
  enterByPasskey(services),
  beginProof(services),
  completeSignIn(services),
  sendProofCode(services),
  prove(services),
  beginPasskey(services),
  createPasskey(services),
  listPasskeys(services),
  renamePasskey(services),
  removePasskey(services),
  getSecondFactor(services),
  setSecondFactor(services),
];
