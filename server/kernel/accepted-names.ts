/**
 * The names, in lower case, that an Accept or Accept-Encoding header takes (RFC 9110 section 12.5), without their order of
 * preference.
 */
export function acceptedNames(header: string | undefined): ReadonlySet<string> {
  const accepted = new Set<string>();
  for (const part of (header ?? '').toLowerCase().split(',')) {
    const [name = '', ...parameters] = part.split(';').map((piece) => piece.trim());
    if (!parameters.some((parameter) => /^q=0(\.0{0,3})?$/.test(parameter))) accepted.add(name);
  }
  return accepted;
}

/** The same, which keeps what it read last: a browser asks for all files of a page with one header. */
export function createNamesReader(): typeof acceptedNames {
  let last: { readonly header: string | undefined; readonly accepted: ReadonlySet<string> } | null = null;
  return (header) => {
    if (last === null || last.header !== header) last = { header, accepted: acceptedNames(header) };
    return last.accepted;
  };
}
