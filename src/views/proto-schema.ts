// Definitions of protocol buffers: messages with their fields, enumerations, and the types of methods; from .proto files or descriptor sets.

/** A field by its number. */
export interface ProtoField {
  readonly name: string
  /** A scalar type (`int32`, `string`, ...), or `named`. */
  readonly kind: string
  /** The full name of its message or enumeration; undefined for a scalar. */
  readonly type: string | undefined
}

export interface ProtoMessage {
  /** With its package: `shop.v1.Order`. */
  readonly name: string
  readonly fields: Map<number, ProtoField>
}

export interface ProtoMethod {
  readonly input: string
  readonly output: string
}

export class ProtoSchema {
  readonly messages = new Map<string, ProtoMessage>()
  readonly enumerations = new Map<string, Map<number, string>>()
  /** By their paths: `/shop.v1.Orders/Place`. */
  readonly methods = new Map<string, ProtoMethod>()
  #only: ProtoMessage | undefined | null = null

  /** A message by its full name, with a leading dot or without; undefined for none. */
  message(name: string | undefined): ProtoMessage | undefined {
    return name === undefined ? undefined : this.messages.get(name.replace(/^\./, ''))
  }

  enumeration(name: string): ReadonlyMap<number, string> | undefined {
    return this.enumerations.get(name)
  }

  /** The type that a request or response at a path has, by gRPC's paths. */
  ofPath(path: string | undefined, fromClient: boolean): ProtoMessage | undefined {
    const method = this.methods.get(
      (path ?? '')
        .split('?', 1)[0]
        ?.split('/')
        .slice(-2)
        .map((part) => `/${part}`)
        .join('') ?? '',
    )
    return method && this.message(fromClient ? method.input : method.output)
  }

  /** The one message that is part of no other; undefined where there are more of them. */
  get only(): ProtoMessage | undefined {
    if (this.#only === null) {
      const used = new Set(
        [...this.messages.values()].flatMap(({ fields }) => [...fields.values()].map(({ type }) => type)),
      )
      const roots = [...this.messages.values()].filter(({ name }) => !used.has(name))
      this.#only = roots.length === 1 ? roots[0] : undefined
    }
    return this.#only
  }
}
