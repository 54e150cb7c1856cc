// Every view with random and mutated bytes: it ends, its output is bounded, and it fails by a sentence of its own or not at all.
import { gzipSync } from 'node:zlib'
import test from 'ava'
import { BUILT_IN } from '../../src/views/index.js'
import { Views } from '../../src/views/render.js'
import { tcpFlow } from '../support/flows.js'
import { seeded } from '../support/seeded.js'
import { plain } from '../support/view.js'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const text = (latin1: string) => Buffer.from(latin1, 'latin1')

const gzipped = gzipSync(bytes('0801'))

/** Something for each view to begin with. */
const SAMPLES: readonly Buffer[] = [
  text('{"a":[1,-2.5e3,true,{"b":null}],"query":"query Q { a }","variables":{"x":"\\"y\\\\"}}\n[[],{}]'),
  text('<?xml version="1.0"?><a b="c"><!-- d --><e>f</e><![CDATA[g]]><h/></a>'),
  text('<!doctype html><html><script>if (a<b) c</script><ul><li>1<li>2</ul><br></html>'),
  text('@media x{a{b:url(c);d:"e"}}/* f */g{h:i}'),
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is a script of its own
  text('function a(b){return/c[/]/.test(`d${e}`)?{f:1}:[2];// g\n}'),
  text('a=1&b=%C3%BC&c&=d'),
  text(
    '--b\r\nContent-Disposition: form-data; name="a"; filename="c"\r\nContent-Type: image/png\r\n\r\nxyz\r\n--b--\r\n',
  ),
  bytes(
    '89504e470d0a1a0a 0000000d49484452 00000280000001e0 0806000000 00000000 00000008 65584966 49492a0008000000 00000000',
  ),
  bytes('ffd8 ffe1 0010 457869660000 49492a0008000000 ffc2 0011 08 01e0 0280 03 012200 021101 031101 ffda'),
  bytes('474946383961 0a00 0500 00 00 00 2c 00000000 0a000500 00 02 01 00 00 3b'),
  bytes('52494646 00000000 57454250 56503858 0a000000 10 000000 7f0200 df0100 45584946 04000000 49492a00'),
  bytes(
    '0000001066747970 6176696600000000 0000002c6d657461 00000000 000000206970727000000018 6970636f 00000014 69737065 00000000 00000280 000001e0',
  ),
  bytes('0000 0100 0100 10 00 00 00 0100 2000 00000000 16000000'),
  bytes('424d 00000000 00000000 36000000 28000000 80020000 20feffff 0100 1800'),
  bytes('08 9601 1d 0000803f 21 000000000000f03f 2a 03 616263 32 02 0801 4b 0805 4c'),
  Buffer.concat([bytes('00 00000002 0801 01 000000'), Buffer.from([gzipped.length]), gzipped, bytes('80 00000001 61')]),
  bytes('82 a161 01 92 c0 cb3ff0000000000000 c403000102 d7ff0000000465000000 dc000101'),
  bytes('bf 6161 9f 01 02 ff 62c3bc c249010000000000000000 7f 6161 ff f97e00 d818 4401020304 ff'),
  text('42/admin,12["event",{"a":1}]'),
  text('6:42["a"]1:2'),
  bytes(
    '10 16 0004 4d515454 04 c2 003c 0002 6964 0001 75 0003 707764 33 09 0003 612f62 0007 6869 82 08 0001 0003 612f23 01 c000',
  ),
  bytes('0007 8180 0001 0001 0000 0000 0161 00 0001 0001 c00c 0001 0001 0000003c 0004 c0000201'),
]

/** What no view should say: that is an error which nobody has thought of. */
const SURPRISE = /Cannot|is not a |undefined|Maximum call|Invalid|out of range|convert|serialize/

test('random and mutated bytes', (t) => {
  const chance = seeded(12)
  const below = (limit: number) => Math.floor(chance() * limit)
  const views = new Views()
  const flow = tcpFlow()
  const mutated = (sample: Buffer): Buffer => {
    const copy = Buffer.from(sample)
    for (let count = below(4); count >= 0; count--) copy[below(copy.length)] = chance() < 0.3 ? 255 : below(256)
    const from = chance() < 0.2 ? below(copy.length) : 0
    const end = chance() < 0.3 ? below(copy.length) : copy.length
    const piece = copy.subarray(from, end)
    return chance() < 0.1 ? Buffer.concat([piece, piece, copy]) : piece
  }
  const check = (view: string | undefined, content: Buffer) => {
    const rendered = views.render(content, {
      view,
      path: '/socket.io/?EIO=4&dns=AAAAAAAAAAAAAAAAAAAA',
      fromClient: true,
      flow,
    })
    const what = `${view ?? 'auto'} ${content.toString('hex')}: ${rendered.note}`
    if (SURPRISE.test(rendered.note ?? '')) t.fail(what)
    if (plain(rendered.lines).length > 500 + 100 * content.length) t.fail(`${what} ${plain(rendered.lines).length}`)
  }
  for (const { name } of BUILT_IN) {
    for (const sample of SAMPLES) {
      check(name, sample)
      for (let round = 0; round < 25; round++) check(name, mutated(sample))
    }
    for (let round = 0; round < 50; round++)
      check(name, Buffer.from(Array.from({ length: below(200) }, () => below(256))))
  }
  for (const sample of SAMPLES) for (let round = 0; round < 50; round++) check(undefined, mutated(sample))
  t.pass()
})

test('much of each byte, and of each pair of those that open something, stays within the bounds of a page', (t) => {
  const views = new Views()
  const contents = [...'[{("<`/\\\'&-=%'].flatMap((one) => [one, `${one}a`, `${one}1,`])
  const heads = [0x0a, 0x0b, 0x12, 0x81, 0x91, 0x9f, 0xa1, 0xbf, 0xc1, 0xd8, 0xdd, 0x5f, 0x00, 0x01, 0x10, 0x30, 0xff]
  for (const { name } of BUILT_IN) {
    for (const content of contents)
      t.true(views.render(text(content.repeat(40_000)), { view: name, lines: 2000 }).lines.length <= 2000)
    for (const head of heads) {
      const { lines, note } = views.render(Buffer.alloc(200_000, head), { view: name, lines: 2000 })
      t.true(lines.length <= 2000)
      t.notRegex(note ?? '', SURPRISE)
    }
  }
})
