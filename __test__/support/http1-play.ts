// What playbooks of HTTP/1 have in common: a request, a response, and a request that has gone to its server.
import type { HttpFlow } from '../../src/flow/http.js'
import { Playbook, type PlaybookOptions } from './playbook.js'

export const GET = 'GET /a HTTP/1.1\r\nHost: example.org\r\n\r\n'
export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
export const hooks = { requestheaders() {}, request() {}, responseheaders() {}, response() {}, error() {} }

export const open = (options: PlaybookOptions = {}) => new Playbook('http1', options)
export const flowOf = (play: Playbook, index = 0) => play.finished[index] as HttpFlow
export const sent = (text: string) => JSON.stringify(text)

/** A request that goes to a server that is opened for it, or to one that lay idle. */
export function asked(options: PlaybookOptions = {}, request = GET, reused = false) {
  const play = open(options)
  play.data(play.client, request)
  const opens = play.said()
  const server = play.opened(reused)
  return { play, server, opens, said: play.said() }
}
