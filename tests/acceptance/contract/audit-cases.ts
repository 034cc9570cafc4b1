import { type RestCase, UNKNOWN_ID, unknownQuery } from './rest-case.ts';

const REASON = 'Asked for by the tenant itself';

/** What the operations of the audit show. */
export const AUDIT_CASES: Readonly<Record<string, RestCase>> = {
  'audit.records.list': {
    valid: () => ({ path: '/api/v1/audit' }),
    refused: () => ({ path: '/api/v1/audit?after=first' }),
    ...unknownQuery,
  },
  'audit.heads.list': {
    valid: () => ({ path: '/api/v1/audit/heads' }),
    refused: () => ({ path: '/api/v1/audit/heads?after=first' }),
    ...unknownQuery,
  },
  'audit.heads.getLast': {
    valid: () => ({ path: '/api/v1/audit/heads/last' }),
    refused: () => ({ path: '/api/v1/audit/heads/last?size=1' }),
    ...unknownQuery,
  },
  'audit.proofs.get': {
    valid: () => ({ path: '/api/v1/audit/proofs/0' }),
    refused: () => ({ path: '/api/v1/audit/proofs/1000000' }),
    status: 404,
    code: 'audit_record_not_found',
  },
  'audit.receipts.get': {
    valid: () => ({ path: `/api/v1/audit/messages/${UNKNOWN_ID}` }),
    refused: () => ({ path: `/api/v1/audit/messages/${UNKNOWN_ID}` }),
    status: 404,
    code: 'receipt_not_found',
  },
  'audit.consistency.get': {
    valid: () => ({ path: '/api/v1/audit/consistency?from=1&to=1' }),
    refused: () => ({ path: '/api/v1/audit/consistency?from=1&to=1000000' }),
    status: 404,
    code: 'audit_record_not_found',
  },
  'audit.countersignatures.create': {
    valid: () => ({
      path: '/api/v1/audit/heads/1000000/countersignatures',
      body: { publicKey: '00'.repeat(32), signature: '00'.repeat(64) },
    }),
    refused: () => ({
      path: '/api/v1/audit/heads/1000000/countersignatures',
      body: { publicKey: '00'.repeat(32), signature: '00'.repeat(64) },
    }),
    status: 404,
    code: 'audit_record_not_found',
  },
  'audit.platformRecords.list': {
    valid: () => ({ path: '/api/v1/admin/audit' }),
    refused: () => ({ path: '/api/v1/admin/audit?from=-1' }),
    ...unknownQuery,
  },
  'audit.inspections.create': {
    valid: () => ({
      path: '/api/v1/admin/audit/inspections',
      body: { tenantId: UNKNOWN_ID, reason: REASON },
    }),
    refused: () => ({ path: '/api/v1/admin/audit/inspections', body: { tenantId: UNKNOWN_ID, reason: '' } }),
    ...unknownQuery,
  },
};
