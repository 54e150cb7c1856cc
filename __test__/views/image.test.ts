// Images: the heads of each format, whole, cut and broken.
import test from 'ava'
import { rendered, shown } from '../support/view.js'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const text = (latin1: string) => Buffer.from(latin1, 'latin1')
const be32 = (number: number) => bytes(number.toString(16).padStart(8, '0'))
const chunk = (type: string, data: Buffer) => Buffer.concat([be32(data.length), text(type), data, be32(0)])

/** A TIFF structure with Make, Orientation, and an EXIF directory with an exposure. */
const tiff = Buffer.concat([
  bytes('49492a00 08000000 0300'),
  bytes('0f01 0200 06000000 32000000'),
  bytes('1201 0300 01000000 06000000'),
  bytes('6987 0400 01000000 38000000'),
  bytes('00000000'),
  text('Maker\0'),
  bytes('0100 9a82 0500 01000000 4a000000 00000000'),
  bytes('01000000 7d000000'),
])

const png = Buffer.concat([
  text('\x89PNG\r\n\x1a\n'),
  chunk('IHDR', bytes('00000280 000001e0 08 06 00 00 00')),
  chunk('tEXt', text('Title\0A picture')),
  chunk('eXIf', tiff),
  chunk('IEND', Buffer.alloc(0)),
])
const exif = Buffer.concat([text('Exif\0\0'), tiff])
const jpeg = Buffer.concat([
  bytes('ffd8 ffe1'),
  bytes((exif.length + 2).toString(16).padStart(4, '0')),
  exif,
  bytes('fffe 0004 6869 ffc2 0011 08 01e0 0280 03 012200 021101 031101 ffda'),
])
const gif = Buffer.concat([
  text('GIF89a'),
  bytes('0a00 0500 00 00 00 2c 00000000 0a000500 00 02 01 00 00 2c 00000000 0a000500 00 02 00 3b'),
])
const riff = (rest: Buffer) => Buffer.concat([text('RIFF'), bytes('00000000'), text('WEBP'), rest])
const box = (type: string, data: Buffer) => Buffer.concat([be32(data.length + 8), text(type), data])
const ispe = (width: number, height: number) => box('ispe', Buffer.concat([be32(0), be32(width), be32(height)]))
const avif = Buffer.concat([
  box('ftyp', text('avif\0\0\0\0mif1')),
  box('meta', Buffer.concat([be32(0), box('iprp', box('ipco', Buffer.concat([ispe(64, 64), ispe(640, 480)])))])),
])

const table: [string, Buffer, RegExp][] = [
  [
    'PNG',
    png,
    /^Format: PNG\nSize: 640 x 480 px\nColours: RGBA, 8 bits\nTitle: A picture\nMake: Maker\nOrientation: 6\nExposure: 1\/125\nLength: /,
  ],
  [
    'JPEG',
    jpeg,
    /^Format: JPEG\nSize: 640 x 480 px\nCoding: progressive, 3 components, 8 bits\nComment: hi\nMake: Maker\nOrientation: 6\nExposure: 1\/125\n/,
  ],
  ['GIF', gif, /^Format: GIF\nSize: 10 x 5 px\nVersion: 89a\nFrames: 2\n/],
  [
    'WebP',
    riff(Buffer.concat([text('VP8 '), bytes('00000000 000000 9d012a 8002 e001')])),
    /\nSize: 640 x 480 px\nCoding: lossy\n/,
  ],
  [
    'WebP',
    riff(Buffer.concat([text('VP8L'), bytes('00000000 2f 7fc27700')])),
    /\nSize: 640 x 480 px\nCoding: lossless\n/,
  ],
  [
    'WebP',
    riff(
      Buffer.concat([
        text('VP8X'),
        bytes('0a000000 10 000000 7f0200 df0100'),
        text('EXIF'),
        bytes(`${tiff.length.toString(16)}000000`),
        tiff,
      ]),
    ),
    /\nSize: 640 x 480 px\nCoding: extended, alpha\nMake: Maker\n/,
  ],
  [
    'BMP',
    Buffer.concat([text('BM'), bytes('00000000 00000000 36000000 28000000 80020000 20feffff 0100 1800')]),
    /\nSize: 640 x 480 px\nColours: 24 bits\n/,
  ],
  [
    'ICO',
    bytes('0000 0100 0100 10 00 00 00 0100 2000 00000000 16000000'),
    /\nImages: 1\nImage 1: 16 x 256 px, 32 bits\n/,
  ],
  ['AVIF', avif, /\nSize: 640 x 480 px\nBrand: avif \(AVIF\)\n/],
]

test('format and size, what was noted, EXIF', (t) => {
  for (const [name, content, expected] of table) {
    const [view, lines] = shown(content)
    t.is(view, 'image', name)
    t.regex(lines, expected, name)
  }
})

test('an SVG is XML, and an image where that is asked for', (t) => {
  const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="10" viewBox="0 0 10 5"><g/></svg>'
  t.is(shown(svg, { contentType: 'image/svg+xml' })[0], 'xml')
  t.regex(shown(svg, { view: 'image' })[1], /^Format: SVG\nwidth: 10\nviewBox: 0 0 10 5\n/)
})

test('images that are cut anywhere, and that are none', (t) => {
  for (const [name, content] of table) {
    for (let end = 0; end <= content.length; end++) {
      const { note } = rendered(content.subarray(0, end), { view: 'image' })
      t.true(note === undefined || /the format is unknown/.test(note), `${name} ${end} ${note}`)
    }
  }
  t.regex(shown('no image', { contentType: 'image/png' })[0], /text/)
  const loop = Buffer.from(tiff)
  loop.writeUInt32LE(8, 8 + 2 + 24 + 8)
  t.is(shown(Buffer.concat([png.subarray(0, 33), chunk('eXIf', loop)]))[0], 'image')
})
