import { describe, expect, it } from 'vitest';
import { de } from '../../../server/dashboard/messages/de.ts';
import { en } from '../../../server/dashboard/messages/en.ts';

const placeholders = (text: string): readonly string[] => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

describe('the texts of the page', () => {
  it('are there in every language, in the same order', () => {
    expect(Object.keys(de)).toEqual(Object.keys(en));
  });

  it('say the same values in every language', () => {
    const of = (texts: Readonly<Record<string, string>>) =>
      Object.entries(texts).map(([key, text]) => [key, placeholders(text)]);
    expect(of(de)).toEqual(of(en));
  });
});
