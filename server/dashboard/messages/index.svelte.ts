import { de } from './de.ts';
import { en, type MessageKey } from './en.ts';

export type { MessageKey };

/** Languages by their tag, with what they call themselves. */
export const LANGUAGES = { en: 'English', de: 'Deutsch' } as const;
export type Language = keyof typeof LANGUAGES;

const TEXTS: Readonly<Record<Language, Readonly<Record<MessageKey, string>>>> = { en, de };
const STORED_LANGUAGE = 'yggdrasil-language';

function preferred(): Language {
  const stored = localStorage.getItem(STORED_LANGUAGE);
  const wanted = [...(stored === null ? [] : [stored]), ...navigator.languages];
  const found = wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => tag in LANGUAGES);
  return (found ?? 'en') as Language;
}

const first = preferred();
let current = $state<Language>(first);
document.documentElement.lang = first;

/** The language of the page. */
export const language = (): Language => current;

/** Speaks another language from now on. */
export function speak(chosen: Language): void {
  current = chosen;
  localStorage.setItem(STORED_LANGUAGE, chosen);
  document.documentElement.lang = chosen;
}

/** A text in the language of the page; `{name}` in it is the value of that name. */
export function t(key: MessageKey, values: Readonly<Record<string, string | number>> = {}): string {
  return TEXTS[current][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text whose name is made of parts; null where there is none of this name. */
export function findText(key: string): string | null {
  return Object.hasOwn(en, key) ? TEXTS[current][key as MessageKey] : null;
}
