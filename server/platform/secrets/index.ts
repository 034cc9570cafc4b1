export { createDataKeyStore, type DataKeyStore } from './data-keys.postgres.ts';
export { ed25519 } from './ed25519.ts';
export { createKeyring, type Keyring } from './keyring.ts';
export { type Rotation, rotateMasterKey } from './rotation.ts';
export { createSecretBox, MASTER_KEY_BYTES } from './secret-box.ts';
export {
  createSecretFolder,
  hasSecrets,
  loadSecrets,
  type SecretFolder,
  type Secrets,
} from './secrets-file.ts';
