// MessagePack and CBOR: samples of their specifications, and what is broken or cut.
import test from 'ava'
import { rendered, shown } from '../support/view.js'

const msgpack = { contentType: 'application/msgpack' }
const cbor = { contentType: 'application/cbor' }
const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const show = (hex: string, options: object) => shown(bytes(hex), options)[1]

test('MessagePack: every form', (t) => {
  const table: [string, string][] = [
    ['00', '0'],
    ['7f', '127'],
    ['ff', '-1'],
    ['c0 c2 c3', 'null\nfalse\ntrue'],
    ['cc80 cd0100 ce00010000', '128\n256\n65536'],
    ['cfffffffffffffffff', '18446744073709551615'],
    ['d080 d18000 d280000000 d38000000000000000', '-128\n-32768\n-2147483648\n-9223372036854775808'],
    ['ca3fc00000 cb3ff0000000000000', '1.5\n1.0'],
    ['a26869 d9026869 da00026869 db000000026869', '"hi"\n"hi"\n"hi"\n"hi"'],
    ['c40100 c5000100 c60000000100', "h'00'\nh'00'\nh'00'"],
    ['d40500 c7020500ff c8000105aa', "ext(5, h'00')\next(5, h'00ff')\next(5, h'aa')"],
    ['d6ff65000000', 'timestamp(1694498816)'],
    ['d7ff0000000465000000', 'timestamp(1694498816.000000001)'],
    ['c70cff00000001ffffffffffffffff', 'timestamp(-1.000000001)'],
    ['90 80', '[]\n{}'],
    ['93 01 a161 90', '[\n  1,\n  "a",\n  []\n]'],
    ['82 a161 01 02 81 c3 c0', '{\n  "a": 1,\n  2: {\n    true: null\n  }\n}'],
    ['dc000101 dd0000000101 de00010102 df000000010102', '[\n  1\n]\n[\n  1\n]\n{\n  1: 2\n}\n{\n  1: 2\n}'],
  ]
  for (const [hex, text] of table) t.is(show(hex, msgpack), text, hex)
})

test('CBOR: every major type (RFC 8949, appendix A)', (t) => {
  const table: [string, string][] = [
    ['00 17 1818 1903e8 1a000f4240', '0\n23\n24\n1000\n1000000'],
    ['1bffffffffffffffff 3bffffffffffffffff', '18446744073709551615\n-18446744073709551616'],
    ['c249010000000000000000 c349010000000000000000', '18446744073709551616\n-18446744073709551617'],
    ['20 3903e7', '-1\n-1000'],
    ['f93c00 f93e00 f97bff f90001', '1.0\n1.5\n65504.0\n5.960464477539063e-8'],
    ['fa47c35000 fb3ff199999999999a f97c00 f9fc00 f97e00', '100000.0\n1.1\nInfinity\n-Infinity\nNaN'],
    ['f4 f5 f6 f7 f0 f8ff', 'false\ntrue\nnull\nundefined\nsimple(16)\nsimple(255)'],
    ['c11a514b67b0', '1(1363896240)'],
    ['d818456449455446', "24(h'6449455446')"],
    ['40 4401020304 60 6161 62c3bc', 'h\'\'\nh\'01020304\'\n""\n"a"\n"ü"'],
    ['80 83010203 a0 a201020304', '[]\n[\n  1,\n  2,\n  3\n]\n{}\n{\n  1: 2,\n  3: 4\n}'],
    ['9f0102ff bf616101ff', '[\n  1,\n  2\n]\n{\n  "a": 1\n}'],
    ['5f42010243030405ff 7f6161 6162ff', 'h\'0102030405\'\n"ab"'],
  ]
  for (const [hex, text] of table) t.is(show(hex, cbor), text, hex)
  t.is(shown(bytes('01'), { contentType: 'application/senml+cbor' })[0], 'cbor')
})

test('what is broken or cut is shown as far as it goes, with the place', (t) => {
  t.is(show('93 01', msgpack), '[\n  1,\n(broken at byte 2: it ends too early)')
  t.regex(show('01 c1 02', msgpack), /^1\n\(broken at byte 2: 0xc1 is never used\)\n00000000 {2}02/)
  t.regex(show('91'.repeat(200), msgpack), /more than 64 levels/)
  t.regex(show('ddffffffff', msgpack), /^\[\n/)
  t.regex(show('c6ffffffff00', msgpack), /too early/)
  t.regex(show('81'.repeat(200), cbor), /more than 64 levels/)
  t.regex(show('c1'.repeat(200), cbor), /more than 16 tags/)
  for (const hex of ['ff', '1c', 'fc', '1f', '5f6161ff', '5bffffffffffffffff', '9bffffffffffffffff', '5f5fff', 'c2']) {
    t.regex(show(hex, cbor), /broken at byte/, hex)
  }
  t.true(rendered(Buffer.alloc(1 << 20, 0x90), msgpack).cut)
})
