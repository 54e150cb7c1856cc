// A TCP stream out of the tunnel has the manners of a net.Socket: both directions, both ends, every way to end.
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import test from 'ava'
import { all, CLIENT, failure, startPair } from '../support/pair.js'

test('data, ends and addresses', async (t) => {
  const pair = await startPair({ allowHalfOpen: true }, { allowHalfOpen: true })
  const { near, far } = await pair.connect(8080)
  t.deepEqual(far.destination, { address: '192.0.2.80', port: 8080, family: 4 })
  t.is(far.source.address, CLIENT)
  t.is(far.peer.name, 'client')
  t.is(far.peer.publicKey, pair.client.publicKey)
  t.is(near.peer.publicKey, pair.server.publicKey)
  near.end('question')
  t.is(String(await all(far)), 'question')
  far.end('answer')
  t.is(String(await all(near)), 'answer')
  t.is(far.bytesRead, 8)
  t.is(far.bytesWritten, 6)
  await pair.close()
})

test('over IPv6', async (t) => {
  const pair = await startPair()
  const { near, far } = await pair.connect(443, '2001:db8::80')
  t.deepEqual(far.destination, { address: '2001:db8::80', port: 443, family: 6 })
  near.end('six')
  t.is(String(await all(far)), 'six')
  await pair.close()
})

test('10 MB each way at once, with equal hashes', async (t) => {
  const pair = await startPair({ allowHalfOpen: true }, { allowHalfOpen: true })
  const { near, far } = await pair.connect()
  const [up, down] = [randomBytes(10_000_000), randomBytes(10_000_000)]
  const hash = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
  near.end(up)
  far.end(down)
  const [gotUp, gotDown] = await Promise.all([all(far), all(near)])
  t.is(hash(gotUp), hash(up))
  t.is(hash(gotDown), hash(down))
  await pair.close()
})

test('a half-close leaves the other direction open, where that is wanted', async (t) => {
  const pair = await startPair({ allowHalfOpen: true })
  const { near, far } = await pair.connect()
  near.end()
  far.resume()
  await once(far, 'end')
  t.true(far.writable)
  far.write('still ')
  far.end('here')
  t.is(String(await all(near)), 'still here')
  await pair.close()
})

test('without allowHalfOpen a stream ends when its peer does, as a socket of net.createServer', async (t) => {
  const pair = await startPair()
  const { near, far } = await pair.connect()
  far.resume()
  near.end()
  near.resume()
  await Promise.all([once(near, 'close'), once(far, 'close')])
  t.is(pair.server.connections, 0)
  await pair.close()
})

test('resetAndDestroy is ECONNRESET at the other end, both ways', async (t) => {
  const pair = await startPair()
  for (const side of ['near', 'far'] as const) {
    const both = await pair.connect()
    const other = side === 'near' ? both.far : both.near
    const failed = failure(other)
    both[side].resetAndDestroy()
    t.is((await failed).code, 'ECONNRESET')
  }
  await pair.close()
})

test('destroy with an error resets, destroy without one says goodbye', async (t) => {
  const pair = await startPair()
  const first = await pair.connect()
  const failed = failure(first.near)
  first.far.on('error', () => {})
  first.far.destroy(new Error('enough'))
  t.is((await failed).code, 'ECONNRESET')

  const second = await pair.connect()
  second.far.write('last words')
  second.far.destroy()
  t.is(String(await all(second.near)), 'last words')
  await pair.close()
})

test('a write after the peer has reset is EPIPE', async (t) => {
  const pair = await startPair()
  const { near, far } = await pair.connect()
  const failed = failure(far)
  near.resetAndDestroy()
  await failed
  const error = await new Promise<NodeJS.ErrnoException | null | undefined>((resolve) => far.write('x', resolve))
  t.truthy(error)
  await pair.close()
})

test('a reader that stops holds its writer, and nobody else', async (t) => {
  const pair = await startPair({ bufferSize: 65_536 }, { bufferSize: 65_536 })
  const slow = await pair.connect()
  let written = 0
  const chunk = Buffer.alloc(16_384)
  const stuck = new Promise<void>((resolve) => {
    const write = () => {
      while (written < 50_000_000) {
        written += chunk.length
        if (slow.near.write(chunk)) continue
        const timer = setTimeout(resolve, 1000)
        slow.near.once('drain', () => {
          clearTimeout(timer)
          write()
        })
        return
      }
    }
    write()
  })
  await stuck
  t.true(written < 2_000_000, `${written} bytes went to a reader that reads nothing`)

  const quick = await pair.connect()
  quick.near.end('I am not held up')
  t.is(String(await all(quick.far)), 'I am not held up')

  let received = 0
  slow.far.on('data', (data) => {
    received += data.length
  })
  slow.near.end()
  await once(slow.far, 'end')
  t.is(received, written)
  await pair.close()
})

test('works in a pipeline and as an async iterator', async (t) => {
  const pair = await startPair({ allowHalfOpen: true })
  const { near, far } = await pair.connect()
  const echo = pipeline(far, far)
  near.end('round and round')
  t.is(String(await all(near)), 'round and round')
  await echo
  await pair.close()
})

test('setTimeout tells of silence and is quiet while there is data', async (t) => {
  const pair = await startPair()
  const { near, far } = await pair.connect()
  let fired = 0
  // Longer than a busy machine may hold up a tick, and shorter than all ticks together.
  far.setTimeout(2000, () => fired++)
  far.resume()
  for (let i = 0; i < 5; i++) {
    near.write('tick')
    await once(far, 'data')
    await new Promise((resolve) => setTimeout(resolve, 450))
  }
  t.is(fired, 0)
  await once(far, 'timeout')
  t.is(fired, 1)
  t.false(far.destroyed)
  await pair.close()
})

test('what a listener throws is an uncaught exception and stops nobody', async (t) => {
  // In a process of its own: here it would be the test runner's.
  const support = new URL('../support/pair.js', import.meta.url).href
  const program = `
    import { all, startPair } from ${JSON.stringify(support)}
    process.on('uncaughtException', (error) => console.log('uncaught:', error.message))
    const pair = await startPair()
    const [first, second] = [await pair.connect(), await pair.connect()]
    first.far.on('data', () => { throw new Error('a fault of the program') })
    first.near.write('x')
    second.near.end('the others go on')
    console.log(String(await all(second.far)))
    await pair.close()
  `
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
    timeout: 20_000,
  })
  t.deepEqual(stdout.trim().split('\n').sort(), ['the others go on', 'uncaught: a fault of the program'])
})
