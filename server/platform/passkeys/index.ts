export { relyingPartyOf } from './relying-party.ts';
export { createPasskeyCeremonies } from './webauthn.ts';
