// Node's own tunnel: an HTTP proxy that knows CONNECT alone, and pipes two sockets of node:net into each other. The peer of ways.mjs.
import { connect, createServer } from 'node:net'

const [port] = process.argv.slice(2)

createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
  client.on('error', () => {})
  client.once('data', (head) => {
    const [, host, port] = /^CONNECT (\S+):(\d+) /.exec(head.toString('latin1')) ?? []
    if (host === undefined) return client.destroy()
    const server = connect({ host, port: Number(port), noDelay: true, allowHalfOpen: true }, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      client.pipe(server)
      server.pipe(client)
    })
    server.on('error', () => client.destroy())
    client.on('error', () => server.destroy())
  })
}).listen(Number(port), '127.0.0.1')
