export { ed25519 } from './ed25519.ts';
export { createSecretBox, MASTER_KEY_BYTES } from './secret-box.ts';
export { hasSecrets, loadSecrets, type Secrets } from './secrets-file.ts';
