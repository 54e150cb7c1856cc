// Files that commands write flows to. They may have passwords in them, so the user alone may read them.
import { appendFile, writeFile } from 'node:fs/promises'

const PRIVATE = { mode: 0o600 } as const

export const writePrivate = (path: string, content: string | Uint8Array): Promise<void> =>
  writeFile(path, content, PRIVATE)

/** `+PATH` appends. */
export const writeOrAppend = (path: string, content: string | Uint8Array): Promise<void> =>
  path.startsWith('+') ? appendFile(path.slice(1), content, PRIVATE) : writePrivate(path, content)
