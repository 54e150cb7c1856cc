// The jar of `stickycookie`: domains, paths, ends of cookies, and its bound.
import test from 'ava'
import { CookieJar } from '../../src/addons/cookie-jar.js'

const at = (host: string, path = '/', port = 80) => ({ host, path, port })

test('a cookie is for its domain and what is below it, its port, and its path and what is below that', (t) => {
  const jar = new CookieJar()
  jar.add('a=1', at('example.org'), 0)
  jar.add('b=2; Domain=.EXAMPLE.org; Path=/x', at('www.example.org'), 0)
  t.is(jar.cookiesFor(at('Example.org', '/y?/x'), 0), 'a=1')
  t.is(jar.cookiesFor(at('other.example.org', '/x/y'), 0), 'b=2')
  t.is(jar.cookiesFor(at('example.org', '/x?y'), 0), 'a=1; b=2')
  t.is(jar.cookiesFor(at('example.org', '/xy'), 0), 'a=1')
  t.is(jar.cookiesFor(at('example.org', '/x', 81), 0), '')
  t.is(jar.cookiesFor(at('notexample.org', '/x'), 0), '')
})

test('a cookie for a domain that is not above its host is ignored', (t) => {
  const jar = new CookieJar()
  for (const [domain, host] of [
    ['org', 'example.org'],
    ['other.org', 'example.org'],
    ['www.example.org', 'example.org'],
    ['0.0.1', '127.0.0.1'],
  ]) {
    jar.add(`a=1; domain=${domain}`, at(host as string), 0)
    t.is(jar.cookiesFor(at(host as string), 0), '', domain)
    t.is(jar.cookiesFor(at(domain as string), 0), '', domain)
  }
  for (const text of ['', '=1', 'a', `a=${'x'.repeat(5_000)}`]) jar.add(text, at('example.org'), 0)
  t.is(jar.cookiesFor(at('example.org'), 0), '')
})

test('a cookie ends by Max-Age or Expires, of which Max-Age counts', (t) => {
  const jar = new CookieJar()
  jar.add('a=1; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT', at('example.org'), 1_000)
  jar.add('b=2; expires=Thu, 01 Jan 1970 00:00:20 GMT', at('example.org'), 1_000)
  jar.add('c=3; expires=soon', at('example.org'), 1_000)
  t.is(jar.cookiesFor(at('example.org'), 10_999), 'a=1; b=2; c=3')
  t.is(jar.cookiesFor(at('example.org'), 11_000), 'b=2; c=3')
  t.is(jar.cookiesFor(at('example.org'), 20_000), 'c=3')
  jar.add('c=; Max-Age=-1', at('example.org'), 20_000)
  t.is(jar.cookiesFor(at('example.org'), 20_000), '')
})

test('a new value takes the place of the old one, and the oldest of too many cookies go', (t) => {
  const jar = new CookieJar()
  jar.add('a=1', at('example.org'), 0)
  jar.add('a=2', at('example.org'), 0)
  t.is(jar.cookiesFor(at('example.org'), 0), 'a=2')
  for (let number = 0; number < 3_000; number++) jar.add(`n${number}=1`, at('other.org'), 0)
  t.is(jar.cookiesFor(at('example.org'), 0), '')
  t.is(jar.cookiesFor(at('other.org'), 0).split('; ').length, 3_000)
})
