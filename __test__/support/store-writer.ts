// A program that writes flows into a store until it is killed, and says which of them are on disk: `store-writer.js FOLDER FIRST`.
import { FlowStore } from '../../src/store/store.js'
import { numbered } from './store.js'

const [folder = '', first = '0'] = process.argv.slice(2)

const store = new FlowStore({
  memory: 1 << 26,
  log: (level, message) => process.stderr.write(`${level}: ${message}\n`),
})
store.openDisk(folder, 2 ** 30)
for (let number = Number(first); ; number++) {
  store.record(numbered(number, { body: Buffer.alloc((number % 5) * 40_000, number) }))
  if (number % 3 !== 0) continue
  await store.flush()
  process.stdout.write(`${number}\n`)
}
