/** What people write about. */
const SUBJECTS = [
  'a lighthouse',
  'the river Rhine',
  'baking bread',
  'a broken bicycle',
  'the moon',
  'a small library',
  'rain in April',
  'an old clock',
  'honey bees',
  'a train to Porto',
  'fresh paint',
  'the first snow',
  'garden tools',
  'a night market',
  'my new neighbour',
  'the price of coffee',
  'a lost key',
  'learning Spanish',
  'a sports club',
  'solar panels',
  'a job interview',
  'the number seven',
  'an apple tree',
  'moving house',
  'a long walk',
  'electric cars',
  'a birthday present',
  'the sea in winter',
  'a blog about cooking',
  'spreadsheets',
  'a cat that hides',
  'time zones',
] as const;

/** What they ask for. */
const WISHES = [
  'Write two sentences about SUBJECT.',
  'Explain SUBJECT to a child.',
  'List five words about SUBJECT.',
  'What would a poet say about SUBJECT?',
  'Give me a title for a text about SUBJECT.',
  'I need an opening line on SUBJECT',
  'SUBJECT - pros and cons?',
  'Write a short message to a friend about SUBJECT.',
  'Tell me something surprising about SUBJECT.',
  'How would you describe SUBJECT in one sentence?',
  'Can you help me with a paragraph on SUBJECT?',
  'Summarize what people think of SUBJECT.',
] as const;

/** What some of them add. */
const ADDED = [
  '',
  '',
  '',
  ' Keep it simple.',
  ' Please be brief.',
  ' Thanks!',
  ' No lists.',
  ' It is for school.',
] as const;

/** A prompt such as customers write, one of thousands; `fraction` gives numbers from 0 to below 1. */
export function makePrompt(fraction: () => number): string {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(fraction() * items.length)] as T;
  return pick(WISHES).replace('SUBJECT', pick(SUBJECTS)) + pick(ADDED);
}
