export { RESUMPTION_MS } from './limits.ts';
export { createResumptionService, type ResumptionService, type SessionHolder } from './service.ts';
export { createResumptionStore } from './store.postgres.ts';
