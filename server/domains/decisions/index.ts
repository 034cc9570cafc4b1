export {
  addedDecisions,
  decisionsAbout,
  decisionsAboutDisputes,
  lastWordOfOperator,
  newestDecisions,
} from './decisions.postgres.ts';
export { DECISIONS_KEPT_MAX } from './limits.ts';
export { decisionsOfRequest, type RequestDecisionSources } from './request-decisions.ts';
export type * from './types.ts';
