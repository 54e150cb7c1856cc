// The device of the demonstration: a connection that is lost fails its request, and not the process.
import test from 'ava'
import { Device } from '../../src/cli/demo-device.js'
import { startProxy } from '../support/proxy.js'
import { listen } from '../support/talk.js'

test('a connection that is reset within the answer fails the request, with no error left over', async (t) => {
  const server = await listen(t, async (talk) => {
    await talk.hears('\r\n\r\n')
    talk.says('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok')
  })
  const { proxy } = await startProxy(t, {
    modes: ['wireguard@127.0.0.1:0'],
    options: { connection_strategy: 'lazy' },
    addons: [
      {
        requestheaders({ request }) {
          request.host = '127.0.0.1'
        },
        // The head is on its way to the client when the server's connection goes.
        responseheaders: () => void setImmediate(() => server.talks[0]?.socket.resetAndDestroy()),
      },
    ],
  })
  const device = await Device.start(proxy.peers[0]?.config ?? '', proxy.authority.pem)
  t.teardown(() => device.close())
  await t.throwsAsync(device.request({ address: '192.0.2.80', port: server.port, path: '/' }))
})
