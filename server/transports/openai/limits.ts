/** Models of one answer: ten tenants' share, 300 KB. */
export const MODELS_LISTED_MAX = 1_000;
