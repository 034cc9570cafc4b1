/** The compute core for browsers and Node. Needs nothing of Node; the server's core is in `node.ts`. */
export { loadDeviceCore } from './device-core.ts';
export { CoreError, type CoreErrorCode } from './errors.ts';
export type {
  Candidate,
  CandidateArrays,
  DeviceCore,
  HashStream,
  PriceRequest,
  PriceResult,
  QualityAssessment,
  QualityComponents,
  QualityObservation,
  QualityResult,
  QualitySample,
  QualityState,
  ScoreBatchResult,
  ScoreResult,
  ServerCore,
  SignatureBatch,
  SigningKey,
  SplitResult,
  TextCipher,
  TokenKinds,
} from './types.ts';
