// Views of protocol buffers with the names of definitions.
import { grpcView } from './grpc.js'
import { readDescriptorSet } from './proto-descriptor.js'
import { importsOf, readProtoFiles } from './proto-file.js'
import { protobufView } from './protobuf.js'
import type { View } from './view.js'

/** Files that definitions may be made of. */
const MAX_FILES = 200

/**
 * The views `protobuf` and `grpc` with the names of a .proto file and those that it imports, or of a descriptor set. `read` gives the bytes of
 * a file by the path that an import has; undefined for one that is not there, whose types stay unknown. Throws an Error that names the file and the line.
 */
export function definedViews(name: string, bytes: Buffer, read: (path: string) => Buffer | undefined): View[] {
  if (!name.endsWith('.proto')) {
    const schema = readDescriptorSet(bytes)
    return [protobufView(schema), grpcView(schema)]
  }
  const files = new Map([[name, bytes.toString()]])
  const waiting = importsOf(bytes.toString())
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    if (files.has(path)) continue
    const text = files.size < MAX_FILES ? read(path)?.toString() : undefined
    if (text === undefined) continue
    files.set(path, text)
    waiting.push(...importsOf(text))
  }
  const schema = readProtoFiles(files)
  return [protobufView(schema), grpcView(schema)]
}
