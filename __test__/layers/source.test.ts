// `spoof_source_address`: which connections to servers come from the client's own address.
import test from 'ava'
import { parseVia } from '../../src/flow/via.js'
import { Playbook, type PlaybookOptions } from '../support/playbook.js'

const REQUEST = 'GET / HTTP/1.1\r\nHost: a.test\r\n\r\n'
const source = { address: '10.0.0.1', isForeign: true }
const spoofing: PlaybookOptions = { entrance: { source }, options: { spoof_source_address: true } }

test('servers see the client where the mode can keep its address and the option is on', (t) => {
  t.deepEqual(new Playbook('reach', spoofing).said(), ['open tcp 192.0.2.1:80 from 10.0.0.1'])
  t.deepEqual(new Playbook('reach', { entrance: { source } }).said(), ['open tcp 192.0.2.1:80'])
  t.deepEqual(new Playbook('reach', { options: { spoof_source_address: true } }).said(), ['open tcp 192.0.2.1:80'])
  const datagrams = new Playbook('raw', { ...spoofing, transport: 'udp' })
  datagrams.data(datagrams.client, 'a datagram')
  t.deepEqual(datagrams.said(), ['open udp 192.0.2.1:80 from 10.0.0.1'])
})

test('the address of the client goes before connect_addr, which is left for all other connections', (t) => {
  const connect_addr = { address: '192.0.2.9', isForeign: false }
  const options = { spoof_source_address: true, connect_addr }
  t.deepEqual(new Playbook('reach', { entrance: { source }, options }).said(), ['open tcp 192.0.2.1:80 from 10.0.0.1'])
  t.deepEqual(new Playbook('reach', { options }).said(), ['open tcp 192.0.2.1:80 from 192.0.2.9'])
})

test('proxies on the way see midwire', (t) => {
  const via = parseVia('socks5://p:1080')
  const play = new Playbook('reach', { ...spoofing, entrance: { source, via } })
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 via socks5://p:1080'])
  const requestheaders: NonNullable<Exclude<PlaybookOptions['hooks'], 'wait'>>['requestheaders'] = (flow) => {
    flow.via = 'socks5://p:1080'
  }
  const hooked = new Playbook('http1', { ...spoofing, hooks: { requestheaders } })
  hooked.data(hooked.client, REQUEST)
  t.deepEqual(hooked.said(), ['open tcp 192.0.2.1:80 pooled via socks5://p:1080'])
})

test('a proxy that the client itself speaks to sees the client, also when more connections go by it', (t) => {
  const play = new Playbook('http1', spoofing)
  play.data(play.client, 'CONNECT b.test:80 HTTP/1.1\r\nHost: b.test:80\r\n\r\n')
  t.deepEqual(play.said(), ['open tcp 192.0.2.1:80 pooled from 10.0.0.1'])
  const proxy = play.opened()
  play.said()
  play.data(proxy, 'HTTP/1.1 200 OK\r\n\r\n')
  t.regex(play.said().join(), /^send client "HTTP\/1\.1 200 /)
  play.data(play.client, REQUEST.replace('a.test', 'b.test'))
  // The tunnel is there already, and serves.
  t.regex(play.said().join(), /^send server "GET \/ /)
  play.data(proxy, 'HTTP/1.1 204 No Content\r\n\r\n').close(proxy)
  play.said()
  play.data(play.client, REQUEST.replace('a.test', 'b.test'))
  t.regex(play.said().join(), /open tcp \S+ .*from 10\.0\.0\.1/)
})
