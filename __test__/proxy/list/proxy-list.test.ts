// proxy.list() with real traffic: flows that run, what `redact` names, and the processes that a filter asks for.
import test from 'ava'
import { get, startProxy } from '../../support/proxy.js'
import { dial, listen } from '../../support/talk.js'

test('a flow is in the list as soon as it runs, without secrets, and is updated as it goes on', async (t) => {
  const running = await startProxy(t, { options: { redact: ['?key'] } })
  const { proxy } = running
  const server = await listen(t)
  const list = proxy.list({ sort: 'path' })
  await list.complete
  let changes = 0
  const changed = new Promise<void>((resolve) => {
    list.onchange = () => {
      changes += 1
      resolve()
    }
  })
  const talk = await dial(t, running.port)
  talk.says(get(server.port, '/slow?key=hunter2'))
  await changed
  t.is(changes, 1)
  t.is(list.takeChanges()?.added.length, 1)
  const [row] = list.rows(0, 10)
  t.like(row, { live: true, status: 0, method: 'GET', client: '127.0.0.1', mode: 'regular@0', number: 1 })
  t.regex(row?.path ?? '', /^\/slow\?key=/)
  const pieces: Buffer[] = []
  for await (const piece of proxy.dump({ ids: [row?.id ?? ''] })) pieces.push(piece)
  t.true(Buffer.concat(pieces).includes('/slow') && !Buffer.concat(pieces).includes('hunter2'))
  const upstream = await server.talk(0)
  await upstream.hears('\r\n\r\n')
  upstream.says('HTTP/1.1 200 OK\r\nContent-Type: text/HTML; charset=x\r\nContent-Length: 5\r\n\r\nhello')
  await talk.hears('hello')
  await running.flow('http')
  t.deepEqual(list.takeChanges()?.updated, [row?.id ?? ''])
  t.like(list.rows(0, 10), [{ live: false, status: 200, contentType: 'text/html', size: 5 }])
  const late = proxy.list({ filter: '~c 200' })
  await late.complete
  t.deepEqual(late.rows(0, 10), list.rows(0, 10))
  t.false(JSON.stringify([list.rows(0, 10), late.rows(0, 10)]).includes('hunter2'))
  list.close()
  await proxy.close()
  t.is(late.total, 1)
})

test('a body that grows is told to a list, also where nothing else of its flow changes', async (t) => {
  const running = await startProxy(t, { options: { stream_large_bodies: '1' } })
  const server = await listen(t)
  const list = running.proxy.list()
  const sizes: number[] = []
  const reached = (size: number) =>
    new Promise<void>((resolve) => {
      list.onchange = () => {
        list.takeChanges()
        const now = list.rows(0, 1)[0]?.size ?? 0
        if (now !== sizes.at(-1)) sizes.push(now)
        if (now >= size) resolve()
      }
    })
  const first = reached(10)
  const talk = await dial(t, running.port)
  talk.says(get(server.port, '/slow'))
  const upstream = await server.talk(0)
  await upstream.hears('\r\n\r\n')
  upstream.says('HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n')
  await talk.hears('\r\n\r\n')
  upstream.says('0123456789')
  await first
  const second = reached(20)
  upstream.says('0123456789')
  await second
  t.deepEqual(sizes.slice(-2), [10, 20])
  t.true(list.rows(0, 1)[0]?.live)
})

const onLinux = process.platform === 'linux' ? test : test.skip

onLinux('a list whose filter asks for processes has them looked up while it is open', async (t) => {
  const running = await startProxy(t)
  const { proxy } = running
  const server = await listen(t, (talk) => talk.says('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n'))
  const ask = async (number: number) => {
    const talk = await dial(t, running.port)
    talk.says(get(server.port, `/${number}`))
    await talk.hears('\r\n\r\n')
    return (await running.flow('http', number)).client.process
  }
  t.is(await ask(0), undefined)
  const list = proxy.list({ filter: '~process .' })
  t.is((await ask(1))?.pid, process.pid)
  t.is(list.total, 1)
  list.close()
  t.is(await ask(2), undefined)
})
