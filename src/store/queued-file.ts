// A file that pieces are added to in their order, without anybody waiting for the disk.
import { closeSync, fstatSync, ftruncate, mkdirSync, openSync, write } from 'node:fs'
import { dirname } from 'node:path'

/** Bytes that wait for the disk. Beyond them pieces are left out. */
export const MAX_WAITING = 64 << 20

/** What can wait, waits while more than these do. */
const ENOUGH = MAX_WAITING / 2

/** The file has what passed in the clear: the user alone may read it. */
const MODE = 0o600

interface Piece {
  readonly bytes: Buffer
  readonly separator: Buffer | undefined
}

export interface QueuedFileOptions {
  /** Default: false, what the file has is lost. */
  readonly append?: boolean
  /** Told once when writing begins to fail, and of what was lost when writing goes on or the file is closed. */
  readonly said: (text: string) => void
}

/** A piece is written whole or, where the disk refuses it, not at all. */
export class QueuedFile {
  readonly path: string
  readonly #file: number
  readonly #said: (text: string) => void
  /** Where the next piece begins; undefined for what cannot be cut, such as a pipe. */
  #end: number | undefined
  #queue: Piece[] = []
  #waiting = 0
  #lost = 0
  #failing = false
  #hasPieces = false
  #working: Promise<void> | undefined
  #eager: (() => void)[] = []

  /** Opens the file, and makes the folders above it. Throws the error of the system. */
  constructor(path: string, { append = false, said }: QueuedFileOptions) {
    mkdirSync(dirname(path), { recursive: true })
    this.path = path
    this.#said = said
    this.#file = openSync(path, append ? 'a' : 'w', MODE)
    const state = fstatSync(this.#file)
    this.#end = state.isFile() ? state.size : undefined
  }

  /** Adds a piece. `separator` stands before it, unless it is the first piece that was written with one. */
  write(bytes: Buffer, separator?: Buffer): void {
    if (this.#waiting > 0 && this.#waiting + bytes.length > MAX_WAITING) {
      this.#lose('the disk is too slow')
      return
    }
    this.#queue.push({ bytes, separator })
    this.#waiting += bytes.length
    this.#working ??= this.#work()
  }

  /** Fulfilled when few bytes wait; undefined where few do. */
  ready(): Promise<void> | undefined {
    if (this.#waiting < ENOUGH) return undefined
    return new Promise((resolve) => this.#eager.push(resolve))
  }

  /** Writes what waits, and closes the file. */
  async close(): Promise<void> {
    await this.#working
    if (this.#lost > 0) this.#said(`${this.path}: ${this.#lost} flows could not be written`)
    closeSync(this.#file)
  }

  async #work(): Promise<void> {
    for (let piece = this.#queue.shift(); piece; piece = this.#queue.shift()) {
      await this.#put(piece)
      this.#waiting -= piece.bytes.length
      if (this.#waiting < ENOUGH) for (const resolve of this.#eager.splice(0)) resolve()
    }
    this.#working = undefined
  }

  async #put({ bytes, separator }: Piece): Promise<void> {
    const whole = separator && this.#hasPieces ? Buffer.concat([separator, bytes]) : bytes
    const error = await writeAll(this.#file, whole)
    if (error) {
      this.#lose(error.message)
      // Else the beginning of this piece would stand before the next one.
      if (this.#end !== undefined) await cut(this.#file, this.#end)
      return
    }
    if (this.#end !== undefined) this.#end += whole.length
    if (separator) this.#hasPieces = true
    if (!this.#failing) return
    this.#failing = false
    this.#said(`${this.path} is written again; ${this.#lost} flows could not be written`)
    this.#lost = 0
  }

  #lose(why: string): void {
    if (!this.#failing) this.#said(`${this.path} cannot be written, and flows are lost: ${why}`)
    this.#failing = true
    this.#lost += 1
  }
}

function writeAll(file: number, bytes: Buffer): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const next = (at: number) => {
      write(file, bytes, at, bytes.length - at, null, (error, written) => {
        if (error) resolve(error)
        else if (at + written < bytes.length) next(at + written)
        else resolve(undefined)
      })
    }
    next(0)
  })
}

/** An error is the disk's again, which has been told. */
const cut = (file: number, end: number) => new Promise<void>((resolve) => ftruncate(file, end, () => resolve()))
