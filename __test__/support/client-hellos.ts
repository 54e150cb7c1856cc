// ClientHellos as programs have sent them, and as tests make them up.

/** One record each, in base64. */
const CAPTURED = {
  // openssl s_client 3.0, -servername Example.ORG -alpn h2,http/1.1
  openssl: [
    'FgMBAUoBAAFGAwOKfKdz9DYnUAR/JXXH7JCYR7xdzAhvU3SZe78jU5EndSAWiHjjTtTg0G100xwWAMy36+lfMD3voyylV0a1XLXMvwA+EwITAxMB',
    'wCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5wAnAEwAzAJ0AnAA9ADwANQAvAP8BAAC/AAAAEAAOAAALRXhhbXBsZS5PUkcACwAE',
    'AwABAgAKABYAFAAdABcAHgAZABgBAAEBAQIBAwEEACMAAAAQAA4ADAJoMghodHRwLzEuMQAWAAAAFwAAAA0AKgAoBAMFAwYDCAcICAgJCAoICwgE',
    'CAUIBgQBBQEGAQMDAwEDAgQCBQIGAgArAAkIAwQDAwMCAwEALQACAQEAMwAmACQAHQAgKEk+3D9qfEpx7kH3VlVKIGJE+OQEcjHE//O0v2GvfhE=',
  ],
  // the same with -tls1_2 -noservername
  'openssl-tls12': [
    'FgMBALcBAACzAwNc74JLf2bG1wNFJOTE7VROZ+6I5GCABaGNtg/PZdfWkAAAOMAswDAAn8ypzKjMqsArwC8AnsAkwCgAa8AjwCcAZ8AKwBQAOcAJ',
    'wBMAMwCdAJwAPQA8ADUALwD/AQAAUgALAAQDAAECAAoADAAKAB0AFwAeABkAGAAjAAAAFgAAABcAAAANACoAKAQDBQMGAwgHCAgICQgKCAsIBAgF',
    'CAYEAQUBBgEDAwMBAwIEAgUCBgI=',
  ],
  // curl 7.88, https://curl.example
  curl: [
    'FgMBAgABAAH8AwNLnWHyG22mMj+PQHoPlxQMWduMdTlltn724lWJOpgXtyDyyASVMTFQn6tQ0kYK96Q22wJYU2cLbgGsoiAHLOhlrgA+EwITAxMB',
    'wCzAMACfzKnMqMyqwCvALwCewCTAKABrwCPAJwBnwArAFAA5wAnAEwAzAJ0AnAA9ADwANQAvAP8BAAF1AAAAEQAPAAAMY3VybC5leGFtcGxlAAsA',
    'BAMAAQIACgAWABQAHQAXAB4AGQAYAQABAQECAQMBBAAQAA4ADAJoMghodHRwLzEuMQAWAAAAFwAAADEAAAANACoAKAQDBQMGAwgHCAgICQgKCAsI',
    'BAgFCAYEAQUBBgEDAwMBAwIEAgUCBgIAKwAJCAMEAwMDAgMBAC0AAgEBADMAJgAkAB0AIBEhHMQlIFNG8AjdPCK1iJ5PnBa/LCtVOanndu/ENgxA',
    'ABUAsQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAA==',
  ],
  // Node 20, tls.connect
  node: [
    'FgMBAXwBAAF4AwN4t1SCrqTebubHMnXDJIY7PwdYIWl5oGS6JXjP6ngjTSC/WiSGbroWsWhSCBlb5GsQ0dIcTJMLFW1GWug3NOiVtgB2EwITAxMB',
    'wC/AK8AwwCwAnsAnAGfAKABrAKMAn8ypzKjMqsCvwK3Ao8CfwF3AYcBXwFMAosCuwKzAosCewFzAYMBWwFLAJABqwCMAQMAKwBQAOQA4wAnAEwAz',
    'ADIAncChwJ3AUQCcwKDAnMBQAD0APAA1AC8A/wEAALkAAAARAA8AAAxub2RlLmV4YW1wbGUACwAEAwABAgAKABYAFAAdABcAHgAZABgBAAEBAQIB',
    'AwEEACMAAAAQAAsACQhodHRwLzEuMQAWAAAAFwAAAA0AKgAoBAMFAwYDCAcICAgJCAoICwgECAUIBgQBBQEGAQMDAwEDAgQCBQIGAgArAAUEAwQD',
    'AwAtAAIBAQAzACYAJAAdACDRuggggrd9BdBAeOv7Lp1dnaa93laVnpWqP5Nvd3HrVg==',
  ],
  // Python 3, ssl.create_default_context
  python: [
    'FgMBAgABAAH8AwPllKtB9NaL/fuJ6QgEnztKCqtyTTkERzeU3+HC3O6EEyCn37AAAoTc1zysTj7x8lJhDFTkxSeXmUFdwHne7zhZ4wAkEwITAxMB',
    'wCzAMMArwC/MqcyowCTAKMAjwCcAnwCeAGsAZwD/AQABjwAAABMAEQAADnB5dGhvbi5leGFtcGxlAAsABAMAAQIACgAWABQAHQAXAB4AGQAYAQAB',
    'AQECAQMBBAAjAAAAFgAAABcAAAANACoAKAQDBQMGAwgHCAgICQgKCAsIBAgFCAYEAQUBBgEDAwMBAwIEAgUCBgIAKwAFBAMEAwMALQACAQEAMwAm',
    'ACQAHQAgK76AtLeYoxkC8K+9gF+jlmMn1uKFiGfewiF/OPZzNWkAFQDfAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    'AAAAAAAAAAAAAAAAAA==',
  ],
  // Chromium, with GREASE everywhere, a post-quantum key share and ECH
  chromium: [
    'FgMBB3sBAAd3AwOQQkLo1wINDRf/6rDU5u73Lxel1fxxK3XQMkUx1/bsMiB72Fb1Solrs6GtKyPRIQx2/bS3R/62FJEy0m2hcOu/XgAguroTARMC',
    'EwPAK8AvwCzAMMypzKjAE8AUAJwAnQAvADUBAAcOGhoAAAAzBO8E7crKAAEAEewEwMgyk9dAYpqodNfaxK27DxH2ZW8QB+lgj5cgoIrYuPWhmSVk',
    'hQwljpjJye5la5LrYgBVrzRIX5ckom8Yy/5DLXsIriUzEewoijC3wFS0ZTRMJjunUNoTp6n8NFhpeji3p+Tgwg4ijdFAqVHWA3/wK1CbkJqnbKWT',
    'dlojrdRVPTrMx7r5WcdCYkqSHRzcvXBJWPWnSfH6OOq3GLuHWwFDsjFodNw5a94xTVBJKEFWs6l1hE6EctuyTyq4FUCwB27AIjiVhN/rz4dMHPdr',
    'uJ+8UJc7W+grxhm2CVrGy8HFVEHwlWMgZAYKZ0qnWpr2gEIorTolDk/4RPZySs2HNtRzVKxjNEcmgllRsXViXfdsG28kswn6r5VJCyx2BVcKZC4g',
    'fKR7wPT5LcSMVfmAvIrIB7Vqc+moB+Z4G8uUJtDwueZGQAdCTQOGGBWgSHqyjlO6Ex7lV4KQCp9rGf9zYT3pe2GEu8iHrlT3WPqTRp28ha90OY/z',
    'TwKTCAaYJbJxhmUsx2+ByF9Lf/TgUhd7KgtSwOicmGIbN3BGz3jWCWe0zxD2jNejYOEjJYNCR2pRX3iTcQQIWhGQbeF7aHOBPx4mY42jZf8hM9BA',
    'RsxGVDDqwjqTXKD0OWPQvWjZTxtlLCSbtiJmwS31dwGVoq65Qdohg7xkve40QOOJGIDGvrnVI5b4UMtlVkzTSt0TKQ/mnxd3yprpUhVzK+5AOjaZ',
    'raSbLet1EtzaIu9ypDf5u09ioNEkIvF0Mda8lZQMM4eTSb/lzUznkRVwI6ejScRVOJ8rN55TnOApYUhxgN60uwnXXRa5zHlnY55zxMH3AQkoOCoo',
    'F/63jf+VyyGIN8CcbGmCm8WpS3SDd8DZm4XlMtfceHwFvMjHju3cwgsGHal0Qg8GMXoIBKPlua20aZWTM+KHp354voDSbIdydvqgEBIInw+nOkmV',
    'QZ4FP4lCsF8kyA0zX/fWWN3JGjGyuKbVpEncvicFYSwoHtx2LYa7di08jhaICO+QlRSGFIY7cbRYHz3YH90BK7Upjkc1zZbyo5nRf6TxjFSgED9U',
    'W93sM50mWJ1TOnKYRHj2oFahEm4Adk9LRptWfD/IhdRnlPfSepXzqnJ6wVMno0TmfMsJyVFZlhOHGiupVolsKjkQexQFhz22zeqMfjFbpWxVDiH2',
    'V3XWnU61FXMGVKuBJrOnqycgwWPUzSPqQ4VStt5aC4uskXVyd5cXevTgzdosJFy6nBEYq2M5tXtBMQsUE+EUXBAknRuqywTcteOaudlVCDsGpwvp',
    'Jx3EJ+98X2D8kyDqdUcwsmFFlJEbrJmqIUaJS5P5ExuckxVbklA7TyAgWO0kc89wsnsIKJhld7K1epccAOWylCZMoliLNd73F0J3altDOn9APdXQ',
    'dgqVAuwkrkFwTAgEg/1VgBcxCwtLfTTpUFWWcPFLvXkQFuJZjnpre9xGR5+zJF1II8TLDw14nD0Rb1sZe7MZJqmysQ1pizdhrWRKY5amMiN4yMuy',
    'NgJaKtLmlrdIzHWTcKVYC94XjIqDyepbrtNMPw+Xv70byIGxxyXcTwHVJnW44MAl7Ok9KaBNDOvY7AUZXlIXESakrepeOy/JnXACVraCW7lA/gdx',
    'L50HQSkAHQAgAsyELxJqFDUzcI+p4k7TPKMQWDWudArzb0L6pLZXuxoACgAMAArKyhHsAB0AFwAY/wEAAQAAEAAOAAwCaDIIaHR0cC8xLjFEzQAF',
    'AAMCaDIAIwAAyjQAugC4BYLfEwIBBYLfEwIGBYLfEwINBYLfEwIOBYLfEwIPBYLfEwISBYLfEwITBYLfEwIUCIOaZIybLQEHCIOaZIybLQEICIOa',
    'ZIybLQEJCIOaZIybLQEKCIOaZIybLQELCIOaZIybLQEMCIOaZIybLQENCIOaZIybLQESCIOaZIybLQETBNZ5CQEE1nkJBATWeQkFBNZ5CQYE1nkJ',
    'BwTWeQkIBNZ5CQoE1nkJCwTWeQkMBNZ5CQ0E1nkJDwAFAAUBAAAAAAAtAAIBAQANABoAGIqKCQQJBQkGBAMIBAQBBQMIBQUBCAYGAf4NALoAAAEA',
    'AYYAIFHB0EyLAwBHZcvm1dtAU0nDYNJVDyqMUkqWMNF9zs9OAJAc77PY/7C6IuujbrE8TIKDiOCgLRWRjvjkGYwtqfnIhkXOEMrDhzRgwwwF0Rap',
    '6DIlFuMKAmUyz+2Ervf4Z9VsK0kX3gveQKlkrEvCk76CNHCBVb2dqVYMzsv7qBF9TG/d5/omaiXRb4Y6mKUL5DEZlCNzMNuhiaajsoqbeqtIOHTe',
    'iULwHKW3lfUiDiXY/GkACwACAQAAFwAAABsAAwIAAgAAABEADwAADHNob3AuZXhhbXBsZQASAAAAKwAHBoqKAwQDA/r6AAEA',
  ],
}

export type Program = keyof typeof CAPTURED

export const PROGRAMS = Object.keys(CAPTURED) as Program[]

export const captured = (program: Program): Buffer => Buffer.from(CAPTURED[program].join(''), 'base64')

export interface Facts {
  version?: number
  sessionId?: Buffer
  ciphers?: readonly number[]
  /** Type and data, in order; `null` leaves the list out altogether. */
  extensions?: readonly (readonly [type: number, data: Buffer])[] | null
}

export const u16 = (...values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 0xff]))
export const vector8 = (data: Buffer): Buffer => Buffer.concat([Buffer.from([data.length]), data])
export const vector16 = (data: Buffer): Buffer => Buffer.concat([u16(data.length), data])

/** The data of a server_name extension. */
export const serverName = (...names: readonly (string | Buffer)[]): Buffer =>
  vector16(Buffer.concat(names.map((name) => Buffer.concat([Buffer.from([0]), vector16(Buffer.from(name))]))))

/** The data of an ALPN extension. */
export const protocols = (...names: readonly (string | Buffer)[]): Buffer =>
  vector16(Buffer.concat(names.map((name) => vector8(Buffer.from(name)))))

/** A handshake message, without records. */
export function handshake(facts: Facts = {}): Buffer {
  const { version = 0x0303, sessionId = Buffer.alloc(0), ciphers = [0x1301], extensions = [] } = facts
  const list = Buffer.concat((extensions ?? []).map(([type, data]) => Buffer.concat([u16(type), vector16(data)])))
  const body = Buffer.concat([
    u16(version),
    Buffer.alloc(32, 7),
    vector8(sessionId),
    vector16(u16(...ciphers)),
    vector8(Buffer.from([0])),
    extensions === null ? Buffer.alloc(0) : vector16(list),
  ])
  return Buffer.concat([Buffer.from([1, body.length >> 16, (body.length >> 8) & 0xff, body.length & 0xff]), body])
}

/** A handshake message in records of at most so many bytes. */
export function records(message: Buffer, size = 16_384): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < message.length; at += size) {
    parts.push(Buffer.from([22, 3, 1]), vector16(message.subarray(at, at + size)))
  }
  return Buffer.concat(parts)
}

export const clientHello = (facts: Facts = {}): Buffer => records(handshake(facts))
