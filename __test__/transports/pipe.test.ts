// A pipe over a stream of Node: what is told to a receiver that comes late, and what is heard of a stream that was given away.
import { once } from 'node:events'
import { Duplex, PassThrough } from 'node:stream'
import test from 'ava'
import { Pipe } from '../../src/transports/pipe.js'
import type { Impairment, Receiver } from '../../src/transports/transport.js'

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

test('the end of an impairment keeps its place behind what was written, above TLS, too', async (t) => {
  const did: string[] = []
  const done: (() => void)[] = []
  const lowest = Object.assign(new PassThrough(), {
    impair(impairment: Impairment | undefined) {
      did.push(impairment ? `impaired ${impairment.loss}` : 'mended')
      return true
    },
  })
  const above = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      did.push(`${chunk}`)
      done.push(callback)
    },
  })
  const pipe = new Pipe(above, ENDS, lowest)
  t.true(pipe.impair({ loss: 0.5, latency: 0 }))
  pipe.write(Buffer.from('one'))
  pipe.write(Buffer.from('two'))
  t.true(pipe.impair(undefined))
  t.deepEqual(did, ['impaired 0.5', 'one'])
  done.shift()?.()
  await turn()
  t.deepEqual(did, ['impaired 0.5', 'one', 'two'])
  done.shift()?.()
  await turn()
  t.deepEqual(did, ['impaired 0.5', 'one', 'two', 'mended'])
  pipe.impair({ loss: 0.25, latency: 0 })
  pipe.impair(undefined)
  t.deepEqual(did.slice(-2), ['impaired 0.25', 'mended'])
})

test('an impairment that is taken up again is not ended by what was written before', async (t) => {
  const did: string[] = []
  const lowest = Object.assign(new PassThrough(), {
    impair: (impairment: Impairment | undefined) => did.push(impairment ? 'impaired' : 'mended') > 0,
  })
  const pipe = new Pipe(lowest, ENDS)
  pipe.impair({ loss: 0.5, latency: 0 })
  pipe.write(Buffer.from('one'))
  pipe.impair(undefined)
  pipe.impair({ loss: 0.5, latency: 0 })
  await turn()
  t.deepEqual(did, ['impaired', 'impaired'])
  t.false(new Pipe(new PassThrough(), ENDS).impair({ loss: 0.5, latency: 0 }))
})
