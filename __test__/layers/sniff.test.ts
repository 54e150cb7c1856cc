// What first bytes look like: each sample, its neighbours, and every beginning of it.
import test from 'ava'
import {
  knownProtocol,
  type Look,
  looksLikeDtls,
  looksLikeHttp,
  looksLikeQuic,
  looksLikeTls,
} from '../../src/layers/sniff.js'

const latin1 = (text: string) => Buffer.from(text, 'latin1')

/** Each beginning is `more` until it is what the whole is, and that it stays. */
function settles(look: (bytes: Buffer) => string | undefined, bytes: Buffer): boolean {
  let before: string | undefined = 'more'
  for (let end = 1; end <= bytes.length; end++) {
    const now = look(bytes.subarray(0, end))
    if (before !== 'more' && now !== before) return false
    before = now
  }
  return true
}

const TLS: [text: string, look: Look][] = [
  ['', 'more'],
  ['\x16', 'more'],
  ['\x16\x03', 'more'],
  ['\x16\x03\x00', 'yes'],
  ['\x16\x03\x01\x02', 'yes'],
  ['\x16\x03\x03', 'yes'],
  ['\x16\x03\x04', 'no'],
  ['\x16\x02\x01', 'no'],
  ['\x16\x04', 'no'],
  ['\x15\x03\x01', 'no'],
  ['\x17', 'no'],
  ['\x80\x2e\x01', 'no'],
]
const DTLS: [text: string, look: Look][] = [
  ['\x16\xfe', 'more'],
  ['\x16\xfe\xfd', 'yes'],
  ['\x16\xfe\xfe', 'yes'],
  ['\x16\xfe\xff', 'yes'],
  ['\x16\xfe\xfc', 'no'],
  ['\x16\xfd', 'no'],
  ['\x16\x03\x01', 'no'],
  ['\x17\xfe\xfd', 'no'],
]
const HTTP: [text: string, look: Look][] = [
  ['', 'more'],
  ['G', 'more'],
  ['GET', 'more'],
  ['GET ', 'yes'],
  ['GET x', 'yes'],
  ['get / HTTP/1.1\r\n', 'yes'],
  ['CONNECT a:443 HTTP/1.1', 'yes'],
  ['OPTIONS * HTTP/1.1', 'yes'],
  ['VERSION-CONTROL /a HTTP/1.1', 'yes'],
  ['NEWWORD http://a/ HTTP/1.1', 'yes'],
  ['NEWWORD HTTPS://a/ HTTP/1.1', 'yes'],
  ['NEWWORD htt', 'more'],
  ['NEWWORD ', 'more'],
  ['NEWWORD httx', 'no'],
  ['NICK midwire\r\n', 'no'],
  ['HELLO world', 'no'],
  ['GE /', 'no'],
  ['G3T / HTTP/1.1', 'no'],
  ['\r\nGET / HTTP/1.1', 'no'],
  ['GET\r\n', 'no'],
  ['GET\t/', 'no'],
  ['abc\0', 'no'],
  ['{"a": 1}', 'no'],
  ['\x16\x03\x01', 'no'],
  ['A'.repeat(32), 'more'],
  [`${'A'.repeat(32)} /`, 'yes'],
  ['A'.repeat(33), 'no'],
]
const KNOWN: [text: string, protocol: string | undefined][] = [
  ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'HTTP/2 with prior knowledge, and http2 is off'],
  ['PRI * HTTP/2.0', 'more'],
  ['PRI /', undefined],
  ['SSH-2.0-OpenSSH_9.6p1 Debian-4\r\n', 'SSH'],
  ['SSH / HTTP/1.1', undefined],
  ['\0\0\0\x08\x04\xd2\x16\x2f', 'PostgreSQL'],
  ['\0\0\0\x08\x04\xd2\x16\x30', 'PostgreSQL'],
  ['\0\0\0\x08\x04\xd2\x16\x31', undefined],
  ['\0\0\0\x09\0\x03', undefined],
  ['\x10\x0e\0\x04MQTT\x04', 'MQTT'],
  ['\x10\xff\xff\x7f\0\x04MQTT\x05', 'MQTT'],
  ['\x10\xff\xff\xff\x7f\0\x06MQIsdp\x03', 'MQTT'],
  ['\x10\xff\xff\xff\xff\0\x04MQTT', undefined],
  ['\x10\x0e\0\x04MQTX', undefined],
  ['\x11\x0e\0\x04MQTT', undefined],
  ['EHLO mail.example\r\n', 'mail'],
  ['helo\r\n', 'mail'],
  ['EHLOS', undefined],
  ['STARTTLS\r\n', 'STARTTLS'],
  ['STARTTLS', 'more'],
  ['AUTH TLS\r\n', 'STARTTLS'],
  ['AUTH /x HTTP/1.1', undefined],
  ['NICK midwire\r\n', 'IRC or FTP'],
  ['USER anonymous\r\n', 'IRC or FTP'],
  ['CAP LS 302\r\n', 'IRC or FTP'],
  ['GET / HTTP/1.1\r\n', undefined],
  ['POST / HTTP/1.1\r\n', undefined],
]

function table(
  name: string,
  look: (bytes: Buffer) => string | undefined,
  rows: readonly [string, string | undefined][],
) {
  for (const [text, expected] of rows) {
    test(`${name}: ${JSON.stringify(text.slice(0, 40))} ${expected}`, (t) => {
      t.is(look(latin1(text)), expected)
      t.true(settles(look, latin1(text)))
    })
  }
}
table('TLS', looksLikeTls, TLS)
table('DTLS', looksLikeDtls, DTLS)
table('HTTP', looksLikeHttp, HTTP)
table('known', knownProtocol, KNOWN)

const long = (version: string, first = '\xc0') => latin1(first + version + '\0'.repeat(13))
const QUIC: [what: string, datagram: Buffer, port: number, quic: boolean][] = [
  ['version 1', long('\0\0\0\x01'), 9000, true],
  ['version 2', long('\x6b\x33\x43\xcf'), 9000, true],
  ['the draft of version 2', long('\x70\x9a\x50\xc4'), 9000, true],
  ['Q043', long('Q043'), 9000, true],
  ['Q046', long('Q046'), 9000, true],
  ['Q050', long('Q050'), 9000, true],
  ['Q044', long('Q044'), 9000, false],
  ['a greased version', long('\x1a\xfa\x0a\x5a'), 9000, true],
  ['no greased version', long('\x1a\xfa\x0a\x5b'), 9000, false],
  ['version 1 without a long header', long('\0\0\0\x01', '\x40'), 9000, false],
  ['17 bytes', long('\0\0\0\x01').subarray(0, 17), 443, false],
  ['a short header to port 443', long('abcd', '\x40'), 443, true],
  ['a short header to port 80', long('abcd', '\x40'), 80, true],
  ['a short header to port 8443', long('abcd', '\x40'), 8443, true],
  ['a short header to port 444', long('abcd', '\x40'), 444, false],
  ['DTLS to port 443', latin1(`\x16\xfe\xfd${'\0'.repeat(20)}`), 443, false],
]
for (const [what, datagram, port, quic] of QUIC) {
  test(`QUIC: ${what}`, (t) => t.is(looksLikeQuic(datagram, port), quic))
}
