// The package ws as both ends of Autobahn's test suite: a server that echoes, and a client that runs each case of the suite's server.
import { once } from 'node:events'
import { WebSocket, WebSocketServer } from 'ws'

/** Cases have messages of any length, and are compressed where they offer it. */
const settings = { perMessageDeflate: { threshold: 0 }, maxPayload: 0 }

export async function serve(port: number): Promise<void> {
  const server = new WebSocketServer({ host: '127.0.0.1', port, ...settings })
  server.on('connection', echo)
  await once(server, 'listening')
}

/** Runs all cases, one after the other; returns their number. */
export async function runCases(url: string, agent: string): Promise<number> {
  const count = Number(await conversation(`${url}/getCaseCount`))
  for (let number = 1; number <= count; number += 1) await conversation(`${url}/runCase?case=${number}&agent=${agent}`)
  await conversation(`${url}/updateReports?agent=${agent}`)
  return count
}

function echo(socket: WebSocket): void {
  // The cases are about errors: the suite says whether they were handled.
  socket.on('error', () => undefined)
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
}

/** Echoes until the end; returns the last message. */
async function conversation(url: string): Promise<string> {
  const socket = new WebSocket(url, settings)
  let last = ''
  echo(socket)
  socket.on('message', (data: Buffer) => {
    last = data.toString()
  })
  await new Promise((resolve) => socket.on('close', resolve))
  return last
}
