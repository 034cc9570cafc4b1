export { auditedDatabase } from './audited-database.postgres.ts';
export { createChainReader } from './chains.postgres.ts';
export { type AuditLog, createAuditLog } from './log.ts';
export type { AuditStore, StoredKey } from './ports.ts';
export { createReceiptStore, keptReceipts } from './receipts.postgres.ts';
export {
  type AuditRecorder,
  createAuditRecorder,
  type RecordedEntry,
  type RecordedOperation,
} from './recorder.ts';
export { createSealedAuditKeys } from './sealed-rows.postgres.ts';
export {
  type AuditService,
  type ConsistencyProof,
  createAuditService,
  type ReceiptProof,
  type RecordProof,
} from './service.ts';
export { writtenSignature } from './signed-receipt.ts';
export { loadSigningKeys, type SigningKeys } from './signing-keys.ts';
export { createAuditStore, noteAll } from './store.postgres.ts';
export { PLATFORM, principalOf, type Receipt, type SealedRecord, type SignedHead } from './types.ts';
export {
  type AuditProblem,
  type VerificationReport,
  verifyAudit,
  type WitnessedHead,
} from './verify.ts';
export { readWitnessFile } from './witness-file.ts';
