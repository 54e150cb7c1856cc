// A mode's spec, `name[:data][@[host:]port][ via PROXIES]`, and the fields that it is made of.

export interface ModeFields {
  readonly name: string
  readonly data: string
  readonly place: string
  readonly via: string
}

export function fieldsOf(spec: string): ModeFields {
  const [, own = spec, via = ''] = /^(.*?)\s+via\s+(.*)$/is.exec(spec) ?? []
  // The last @ begins the address, so that a path in `data` may hold others.
  const at = own.lastIndexOf('@')
  const left = at === -1 ? own : own.slice(0, at)
  const [, name = left, data = ''] = /^([^:]*):(.*)$/s.exec(left) ?? []
  return { name, data, place: at === -1 ? '' : own.slice(at + 1), via }
}

export const specOf = ({ name, data, place, via }: ModeFields) =>
  `${name}${data && `:${data}`}${place && `@${place}`}${via && ` via ${via}`}`
