// How a user writes the proxies by which a flow leaves.
import test from 'ava'
import { basic, DIRECT, hopText, parseVia, proxiesOf, tunnelOf } from '../../src/flow/via.js'

test('direct, one proxy, and one behind the other', (t) => {
  t.is(parseVia('Direct'), DIRECT)
  t.deepEqual(parseVia('proxy:3128'), [{ scheme: 'http', host: 'proxy', port: 3128 }])
  t.deepEqual(parseVia('socks5://a, https://[2001:db8::1]:8443/'), [
    { scheme: 'socks5', host: 'a', port: 1080 },
    { scheme: 'https', host: '2001:db8::1', port: 8443 },
  ])
})

test("curl's names of the schemes, and the ports of each", (t) => {
  const text = (via: string) => parseVia(via).map(hopText).join()
  t.is(text('http://a'), 'http://a:80')
  t.is(text('HTTPS://a'), 'https://a:443')
  t.is(text('socks5h://a,socks://a'), 'socks5://a:1080,socks5://a:1080')
  t.is(text('socks4://a,socks4a://a'), 'socks4a://a:1080,socks4a://a:1080')
})

test('user name and password are percent-encoded, and the password is not shown', (t) => {
  const [hop] = proxiesOf(parseVia('http://me%40home:p%3a%2Fss@proxy:1'))
  t.deepEqual(hop?.credentials, { username: 'me@home', password: 'p:/ss' })
  t.is(hop && hopText(hop), 'http://me%40home@proxy:1')
  t.deepEqual(proxiesOf(parseVia('http://me@proxy'))[0]?.credentials, { username: 'me', password: '' })
  t.is(basic({ username: 'user', password: 'pässwörd' }), `Basic ${Buffer.from('user:pässwörd').toString('base64')}`)
})

test('a WireGuard tunnel stands first, and proxies after it', (t) => {
  const via = parseVia('WireGuard: ~/home office.conf, socks5://10.0.0.1')
  t.deepEqual(tunnelOf(via), { scheme: 'wireguard', file: '~/home office.conf' })
  t.deepEqual(proxiesOf(via), [{ scheme: 'socks5', host: '10.0.0.1', port: 1080 }])
  t.is(via.map(hopText).join(), 'wireguard:~/home office.conf,socks5://10.0.0.1:1080')
  t.is(tunnelOf(proxiesOf(via)), undefined)
  t.throws(() => parseVia('wireguard:'), { code: 'ERR_VIA', message: /the path of a wg-quick file/ })
  t.throws(() => parseVia('http://a,wireguard:b'), { code: 'ERR_VIA', message: /stands before all proxies/ })
  t.throws(() => parseVia('direct,http://a'), { code: 'ERR_VIA', message: /direct is a way by itself/ })
  t.throws(() => parseVia('wireguard://b'), { code: 'ERR_VIA', message: /there is no scheme wireguard/ })
})

test('what is no proxy is refused with the part that is wrong, without its password', (t) => {
  const refused = (text: string, message: RegExp) => {
    const error = t.throws(() => parseVia(text), { code: 'ERR_VIA', message })
    t.notRegex(error.message, /secret/)
  }
  refused('', /"".*no proxy/)
  refused('ftp://me:secret@a', /no scheme ftp/)
  refused('http://a:0', /port/)
  refused('http://a:65536', /port/)
  refused('http://a/path', /"http:\/\/a\/path": this is no proxy/)
  refused('socks5://a,,b', /""/)
  refused('http://%zz:secret@a', /percent/)
})
