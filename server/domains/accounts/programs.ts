/** What people call programs, by what these say of themselves. The first that fits: most browsers also name others. */
const PROGRAMS: readonly (readonly [RegExp, string])[] = [
  [/\bEdg(?:A|iOS)?\//, 'Edge'],
  [/\bOPR\//, 'Opera'],
  [/\b(?:Firefox|FxiOS)\//, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium)\//, 'Chrome'],
  [/\bSafari\//, 'Safari'],
  [/^curl\//, 'curl'],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\bWindows\b/, 'Windows'],
  [/\b(?:Macintosh|Mac OS X)\b/, 'macOS'],
  [/\bLinux\b/, 'Linux'],
];

const nameIn = (names: typeof PROGRAMS, text: string) => names.find(([pattern]) => pattern.test(text))?.[1];

/**
 * The program that a `User-Agent` (RFC 9110 section 10.1.5) is of, in words of ours: `Firefox on Linux`. Versions don't matter, so an update is
 * no other program. Nothing of the text itself is given, so that nobody writes his own words into a mail.
 */
export function programOf(userAgent: string | null): string {
  const program = nameIn(PROGRAMS, userAgent ?? '') ?? 'another program';
  const system = nameIn(SYSTEMS, userAgent ?? '');
  return system === undefined ? program : `${program} on ${system}`;
}
