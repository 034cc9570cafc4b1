/** What a provider may declare that a model of it can do: the names of `OfferedModel.features`. */
export const FEATURES: readonly string[] = [
  'chat',
  'tools',
  'structured_output',
  'reasoning',
  'images',
  'audio',
  'logprobs',
  'n',
  'completions',
  'embeddings',
];

/** What is declared where an endpoint says nothing of its model. */
export const USUAL_FEATURES: readonly string[] = ['chat', 'tools', 'structured_output', 'reasoning'];
