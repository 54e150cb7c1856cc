// How names of hosts are compared: the one place for it. What goes out keeps the spelling that it came in.

/**
 * A host's name as it is compared and as keys have it: in lower case (RFC 4343), and without the dot of the root at its end
 * (RFC 1034, 3.1). An address stays what it is.
 */
export function canonicalName(name: string): string {
  const lower = name.toLowerCase()
  return lower.length > 1 && lower.endsWith('.') ? lower.slice(0, -1) : lower
}

/** Whether two names are those of one host. */
export const sameName = (a: string, b: string): boolean => a === b || canonicalName(a) === canonicalName(b)

/** A name as it was said, and as it is compared where that differs: an expression may have been written for either. */
export function spellings(name: string): string[] {
  const canonical = canonicalName(name)
  return canonical === name ? [name] : [name, canonical]
}
