export { createSecretBox, MASTER_KEY_BYTES } from './secret-box.ts';
export { loadSecrets, type Secrets } from './secrets-file.ts';
