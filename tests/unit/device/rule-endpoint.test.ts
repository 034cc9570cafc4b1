import { describe, expect, it } from 'vitest';
import { completeByRule, requestSchema } from '../../../device/examples/rule-endpoint/completion.ts';
import { answerByRule } from '../../../device/examples/rule-endpoint/rules.ts';

describe('the rules', () => {
  it.each([
    ['What is 6 * 7?', '6 * 7 = 42'],
    ['2 plus 2', '2 + 2 = 4'],
    ['7 divided by 2', '7 / 2 = 3.5'],
    ['0.1 + 0.2', '0.1 + 0.2 = 0.3'],
    ['3 - 5', '3 - 5 = -2'],
    ['1 / 0', 'Nothing can be divided by 0.'],
    ['Count the words: one two  three', 'That text has 3 words.'],
    ['How many words are in this: hello', 'That text has 1 word.'],
    ['repeat: good morning', 'good morning'],
  ])('%s -> %s', (prompt, answer) => {
    expect(answerByRule(prompt)).toBe(answer);
  });

  it('says what it is where it has no rule', () => {
    expect(answerByRule('Who are you?')).toContain('rule-based stand-in, not a language model');
    expect(answerByRule('')).toContain('rule-based stand-in, not a language model');
  });
});

describe('a completion by rule', () => {
  const request = (changes: Record<string, unknown> = {}) =>
    requestSchema.parse({
      model: 'm',
      messages: [{ role: 'user', content: 'repeat: é 😀 one two three' }],
      ...changes,
    });

  it('comes in pieces that make the whole, with its tokens counted', () => {
    const completion = completeByRule(request());
    expect(completion.pieces.join('')).toBe('é 😀 one two three');
    expect(completion.finishReason).toBe('stop');
    expect(completion.completionTokens).toBeGreaterThan(4);
    expect(completion.promptTokens).toBeGreaterThan(completion.completionTokens);
  });

  it('is cut at max_tokens', () => {
    const completion = completeByRule(request({ max_tokens: 3 }));
    expect(completion.finishReason).toBe('length');
    expect(completion.completionTokens).toBe(3);
  });

  it('answers the last message of the user, also one made of parts', () => {
    const parts = [{ type: 'text', text: '2 + 3' }, { type: 'image_url' }];
    const messages = [
      { role: 'user', content: '1 + 1' },
      { role: 'assistant', content: '2' },
      { role: 'user', content: parts },
    ];
    expect(completeByRule(request({ messages })).pieces.join('')).toBe('2 + 3 = 5');
  });

  it('repeats control tokens as the text they are', () => {
    const messages = [{ role: 'user', content: 'repeat: <|endoftext|>' }];
    const { pieces, completionTokens } = completeByRule(request({ messages }));
    expect(pieces.join('')).toBe('<|endoftext|>');
    expect(completionTokens).toBe(7);
  });

  it.each([{}, { model: 'm' }, { model: 'm', messages: [] }, { model: 1, messages: [{ role: 'user' }] }])(
    'refuses %o',
    (body) => {
      expect(requestSchema.safeParse(body).success).toBe(false);
    },
  );
});
