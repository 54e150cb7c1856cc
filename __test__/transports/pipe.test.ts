// A pipe over a stream of Node: what is told to a receiver that comes late, and what is heard of a stream that was given away.
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import test from 'ava'
import { Pipe } from '../../src/transports/pipe.js'
import type { Receiver } from '../../src/transports/transport.js'

const ENDS = { local: undefined, remote: undefined }
const turn = () => new Promise<void>((later) => setImmediate(later))

function hearing(heard: string[]): Receiver {
  return {
    handleData: (data) => heard.push(`${data}`),
    handleEnd: () => heard.push('end'),
    handleDrain: () => heard.push('drain'),
    handleClose: (error) => heard.push(`close ${error?.message}`),
  }
}

test('a loss is told to a receiver that comes after it, with its first error', async (t) => {
  const duplex = new PassThrough()
  const pipe = new Pipe(duplex, ENDS)
  duplex.emit('error', new Error('first'))
  duplex.emit('error', new Error('second'))
  await once(duplex, 'close')
  const heard: string[] = []
  pipe.receiver = hearing(heard)
  await turn()
  t.deepEqual(heard, ['close first'])
})

test('a stream that was given away is heard no more', async (t) => {
  const duplex = new PassThrough()
  const pipe = new Pipe(duplex, ENDS)
  const heard: string[] = []
  pipe.receiver = hearing(heard)
  t.is(pipe.detach(), duplex)
  duplex.resume()
  duplex.write('x')
  await turn()
  duplex.destroy()
  await turn()
  t.deepEqual(heard, [])
})
