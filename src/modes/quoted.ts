// How a mode's spec is shown, in messages and in flows: passwords of proxies have no place there.

/** `http://user:password@`; digits alone may be a port, behind which the address stands that the mode listens on. */
const PASSWORD = /(\/\/[^/@,\s:]*):(?!\d{1,5}@)[^/@,\s]*@/g

/** All that stands before a host. Behind `via` no address to listen on follows, so that digits are a password, too. */
const PASSWORD_OF_VIA = /(\/\/[^/@,\s:]*):[^/,\s]*@/g

/** The spec with `...` for each password. */
export function shownSpec(text: string): string {
  const [, own = text, way = ''] = /^(.*?)(\s+via\s.*)$/is.exec(text) ?? []
  return `${own.replace(PASSWORD, '$1:...@')}${way.replace(PASSWORD_OF_VIA, '$1:...@')}`
}

/** The same in quotation marks. */
export const quotedSpec = (text: string): string => JSON.stringify(shownSpec(text))
