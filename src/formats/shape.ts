// Checks data that came from a file: a shape says what is where, and what passes has the shape's type.

export type Shape =
  | 'text'
  | 'number'
  | 'boolean'
  | 'bytes'
  | 'any'
  | { readonly maybe: Shape }
  | { readonly list: Shape }
  | { readonly tuple: readonly Shape[] }
  | { readonly dict: { readonly [key: string]: Shape } }

/** The type of what has a shape. What is `maybe` may be null, or missing. */
export type Shaped<S> = S extends 'text'
  ? string
  : S extends 'number'
    ? number
    : S extends 'boolean'
      ? boolean
      : S extends 'bytes'
        ? Buffer
        : S extends 'any'
          ? unknown
          : S extends { maybe: infer M }
            ? Shaped<M> | null | undefined
            : S extends { list: infer L }
              ? Shaped<L>[]
              : S extends { tuple: infer T extends readonly Shape[] }
                ? { -readonly [Index in keyof T]: Shaped<T[Index]> }
                : S extends { dict: infer D }
                  ? { -readonly [Key in keyof D]: Shaped<D[Key]> }
                  : never

export const maybe = <const S extends Shape>(shape: S) => ({ maybe: shape }) as const
export const list = <const S extends Shape>(shape: S) => ({ list: shape }) as const
export const tuple = <const T extends readonly Shape[]>(...shapes: T) => ({ tuple: shapes }) as const
export const dict = <const D extends { readonly [key: string]: Shape }>(fields: D) => ({ dict: fields }) as const

const WORDS = { text: 'a text', number: 'a number', boolean: 'true or false', bytes: 'bytes' } as const

/** Throws a TypeError that names the place of the first value that is wrong: `request.port is a text, not a number`. */
export function shaped<const S extends Shape>(value: unknown, shape: S, place = ''): Shaped<S> {
  const wrong = fault(value, shape, place)
  if (wrong !== undefined) throw new TypeError(wrong)
  return value as never
}

/** The value, or undefined where it has not the shape. */
export function shapedOrNone<const S extends Shape>(value: unknown, shape: S): Shaped<S> | undefined {
  return fault(value, shape, '') === undefined ? (value as never) : undefined
}

function fault(value: unknown, shape: Shape, place: string): string | undefined {
  if (shape === 'any') return undefined
  if (typeof shape === 'string') {
    const is = kindOf(value)
    return is === WORDS[shape] ? undefined : `${place} is ${is}, not ${WORDS[shape]}`
  }
  if ('maybe' in shape) return value === null || value === undefined ? undefined : fault(value, shape.maybe, place)
  if ('dict' in shape) {
    if (kindOf(value) !== 'a dictionary') return `${place || 'it'} is ${kindOf(value)}, not a dictionary`
    for (const [key, inner] of Object.entries(shape.dict)) {
      const own = Object.hasOwn(value as object, key) ? (value as Record<string, unknown>)[key] : undefined
      const wrong = fault(own, inner, place ? `${place}.${key}` : key)
      if (wrong !== undefined) return wrong
    }
    return undefined
  }
  if (!Array.isArray(value)) return `${place} is ${kindOf(value)}, not a list`
  if ('tuple' in shape && value.length < shape.tuple.length)
    return `${place} has ${value.length} entries, not ${shape.tuple.length}`
  const shapes = 'tuple' in shape ? shape.tuple : value.map(() => shape.list)
  for (const [index, inner] of shapes.entries()) {
    const wrong = fault(value[index], inner, `${place}[${index}]`)
    if (wrong !== undefined) return wrong
  }
  return undefined
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return WORDS.bytes
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return WORDS.text
  if (typeof value === 'number') return Number.isFinite(value) ? WORDS.number : 'an endless number'
  if (typeof value === 'boolean') return WORDS.boolean
  return typeof value === 'object' ? 'a dictionary' : 'a number that is too large'
}

type Given<T> = { [Key in keyof T]?: Exclude<T[Key], null | undefined> }

/** The object without what is null or undefined. */
export function present<T extends object>(object: T): Given<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value != null)) as Given<T>
}
