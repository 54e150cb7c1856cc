// The option protobuf_definitions: protocol buffers are shown with the names of a .proto file or a descriptor set.
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { MidwireError } from '../errors.js'
import type { Addon } from '../hooks.js'
import { definedViews } from '../views/definitions.js'
import type { Surroundings } from './by-option.js'

/** Reads the file. Throws ERR_OPTION where it cannot be read, or is neither. */
export function protobufDefinitions(written: string, { path: expand }: Pick<Surroundings, 'path'>): Addon {
  const file = expand(written)
  const read = (path: string) => {
    try {
      return readFileSync(join(dirname(file), path))
    } catch {
      return undefined
    }
  }
  try {
    return { name: 'protobuf_definitions', views: definedViews(basename(file), readFileSync(file), read) }
  } catch (cause) {
    const { message } = cause as Error
    throw new MidwireError('ERR_OPTION', `protobuf_definitions: ${file} cannot be used: ${message}`, { cause })
  }
}
