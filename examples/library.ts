// midwire in a program: node examples/library.ts (before Node 22.18: npx jiti examples/library.ts) [PORT]
import { type Addon, Midwire } from 'midwire'

const addHeader: Addon = {
  name: 'add-header',
  request(flow) {
    flow.request.headers.set('X-Debug', '1')
  },
}

const port = process.argv[2] ?? '8080'
const proxy = await Midwire.start({ modes: [`regular@${port}`], addons: [addHeader] })

for (const { host, port } of proxy.listeners) console.log(`try: curl -x http://${host}:${port} http://mitm.it/`)
process.once('SIGINT', () => proxy.close())

// Every hook can be listened to as well.
proxy.on('client_connected', (client) => console.log(`${client.remote.address} has connected`))

// A flow comes when it is over; the loop ends when the proxy is closed.
for await (const flow of proxy.flows('~http')) {
  if (flow.type !== 'http') continue
  const { request, response } = flow
  console.log(
    `${request.method} ${request.url} -> ${response?.status ?? flow.error?.message}, ${response?.body.length} bytes`,
  )
}
console.log('closed')
