// The thread of hook-watch.ts. It writes to file descriptor 2, because the main thread, which serves process.stderr, stands still.
import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { BEATS, LAST, RUNNING, type WatchedHook, type WatchSettings } from './hook-watch.js'

const { marks, milliseconds, patience } = workerData as WatchSettings
const texts = new Map<number, string>()
let beats = marks[BEATS]
let missed = 0

parentPort?.on('message', ([id, text]: WatchedHook) => {
  if (text === undefined) texts.delete(id)
  else texts.set(id, text)
})

setInterval(() => {
  const now = Atomics.load(marks, BEATS)
  missed = now === beats ? missed + 1 : 0
  beats = now
  if (missed === patience) say(`midwire has stood still for ${(patience * milliseconds) / 1000} s: ${reason()}`)
}, milliseconds)

function reason(): string {
  const running = texts.get(Atomics.load(marks, RUNNING))
  if (running !== undefined) return `${running} does not return (an endless loop?)`
  const last = texts.get(Atomics.load(marks, LAST))
  return last === undefined ? 'no hook has run yet' : `no hook runs; the last one was ${last}, perhaps after an await`
}

function say(text: string): void {
  try {
    writeSync(2, `${text}\n`)
  } catch {
    // Nobody reads it.
  }
}
