// The calls of the file system by which the store writes, so that a test can have a disk that is full or broken.
import { close, ftruncate, open, rename, unlink, writeFile, writev } from 'node:fs'

type Done<T extends unknown[] = []> = (error: NodeJS.ErrnoException | null, ...result: T) => void

/** Descriptors are numbers of the process; positions and lengths are bytes. */
export interface Files {
  open(path: string, flags: string, mode: number, done: Done<[descriptor: number]>): void
  write(descriptor: number, buffers: readonly Buffer[], position: number, done: Done<[written: number]>): void
  truncate(descriptor: number, length: number, done: Done): void
  close(descriptor: number, done: Done): void
  remove(path: string, done: Done): void
  /** Puts a file with these bytes in the place of another, or of none. */
  replace(path: string, bytes: Buffer, done: Done): void
}

/** Those of Node. */
export const nodeFiles: Files = {
  open,
  write: writev,
  truncate: ftruncate,
  close,
  remove: unlink,
  replace(path, bytes, done) {
    const beside = `${path}.tmp`
    writeFile(beside, bytes, { mode: 0o600 }, (error) => {
      if (error) unlink(beside, () => done(error))
      else rename(beside, path, done)
    })
  },
}
