// The heads of image formats: by which bytes each is known, and where its size stands.
import { ByteReader } from './bytes.js'
import { heif } from './image-heif.js'

export interface ImageFacts {
  readonly width?: number
  readonly height?: number
  readonly notes?: readonly (readonly [name: string, value: string])[]
  /** A TIFF structure with the fields of EXIF. */
  readonly exif?: Buffer | undefined
}

export interface ImageFormat {
  readonly name: string
  is(content: Buffer): boolean
  /** May throw where the content is cut. */
  read(content: Buffer): ImageFacts
}

/** Pieces of a file (chunks, segments, blocks) that are looked at. */
const MAX_PIECES = 10_000
/** Characters of a note, and notes. */
const MAX_NOTE = 200
const MAX_NOTES = 20

const startsWith = (text: string) => {
  const bytes = Buffer.from(text, 'latin1')
  return (content: Buffer) => content.subarray(0, bytes.length).equals(bytes)
}
const latin1 = (content: Buffer, from: number, to: number) => content.toString('latin1', from, to)

const png: ImageFormat = {
  name: 'PNG',
  is: startsWith('\x89PNG\r\n\x1a\n'),
  read(content) {
    const colors: Partial<Record<number, string>> = {
      0: 'grey',
      2: 'RGB',
      3: 'palette',
      4: 'grey and alpha',
      6: 'RGBA',
    }
    const notes: [string, string][] = [
      ['Colours', `${colors[content.readUInt8(25)] ?? 'unknown'}, ${content.readUInt8(24)} bits`],
    ]
    let exif: Buffer | undefined
    const reader = new ByteReader(content, 8)
    for (let count = 0; count < MAX_PIECES && reader.left >= 12; count++) {
      const length = reader.u32()
      const type = latin1(reader.take(4), 0, 4)
      if (length + 4 > reader.left) break
      const data = reader.take(length)
      reader.take(4)
      if (type === 'eXIf') exif = data
      if (type === 'acTL') notes.push(['Frames', `${data.readUInt32BE(0)}`])
      const zero = type === 'tEXt' ? data.indexOf(0) : -1
      if (zero > 0 && notes.length < MAX_NOTES)
        notes.push([latin1(data, 0, Math.min(zero, 79)), latin1(data, zero + 1, zero + 1 + MAX_NOTE)])
    }
    return { width: content.readUInt32BE(16), height: content.readUInt32BE(20), notes, exif }
  },
}

const jpeg: ImageFormat = {
  name: 'JPEG',
  is: startsWith('\xff\xd8\xff'),
  read(content) {
    const reader = new ByteReader(content, 2)
    const notes: [string, string][] = []
    let exif: Buffer | undefined
    for (let count = 0; count < MAX_PIECES && reader.left >= 4; count++) {
      if (reader.u8() !== 0xff) break
      const marker = reader.u8()
      if (marker === 0xff) {
        reader.at -= 1
        continue
      }
      // Markers without a segment; the picture's data follow the last one.
      if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) continue
      if (marker === 0xd9 || marker === 0xda) break
      const length = reader.u16() - 2
      if (length < 0 || length > reader.left) break
      const data = reader.take(length)
      if (marker === 0xe1 && startsWith('Exif\0\0')(data)) exif ??= data.subarray(6)
      if (marker === 0xfe && notes.length < MAX_NOTES) notes.push(['Comment', latin1(data, 0, MAX_NOTE)])
      // Start of frame (T.81, B.2.2), of whatever coding.
      if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
        notes.unshift([
          'Coding',
          `${marker === 0xc2 ? 'progressive' : 'baseline'}, ${data.readUInt8(5)} components, ${data.readUInt8(0)} bits`,
        ])
        return { width: data.readUInt16BE(3), height: data.readUInt16BE(1), notes, exif }
      }
    }
    return { notes, exif }
  },
}

const gif: ImageFormat = {
  name: 'GIF',
  is: (content) => /^GIF8[79]a/.test(latin1(content, 0, 6)),
  read: (content) => ({
    width: content.readUInt16LE(6),
    height: content.readUInt16LE(8),
    notes: [['Version', latin1(content, 3, 6)], ...frames(content)],
  }),
}

/** The number of frames of a GIF that has several. */
function frames(content: Buffer): [string, string][] {
  const flags = content.readUInt8(10)
  const reader = new ByteReader(content, 13 + (flags & 0x80 ? 3 << ((flags & 7) + 1) : 0))
  let count = 0
  const blocks = () => {
    for (let size = reader.u8(); size > 0; size = reader.u8()) reader.take(size)
  }
  try {
    for (let piece = 0; piece < MAX_PIECES && reader.left > 0; piece++) {
      const kind = reader.u8()
      if (kind === 0x21) {
        reader.u8()
        blocks()
      } else if (kind === 0x2c) {
        count += 1
        const own = reader.take(9).readUInt8(8)
        reader.take((own & 0x80 ? 3 << ((own & 7) + 1) : 0) + 1)
        blocks()
      } else break
    }
  } catch {
    // The file is cut: what was counted is what is here.
  }
  return count > 1 ? [['Frames', `${count}`]] : []
}

const webp: ImageFormat = {
  name: 'WebP',
  is: (content) => latin1(content, 0, 4) === 'RIFF' && latin1(content, 8, 12) === 'WEBP',
  read(content) {
    const kind = latin1(content, 12, 16)
    if (kind === 'VP8 ') {
      return {
        width: content.readUInt16LE(26) & 0x3fff,
        height: content.readUInt16LE(28) & 0x3fff,
        notes: [['Coding', 'lossy']],
      }
    }
    if (kind === 'VP8L') {
      const bits = content.readUInt32LE(21)
      return { width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1, notes: [['Coding', 'lossless']] }
    }
    const flags = content.readUInt8(20)
    const features = [flags & 0x10 && 'alpha', flags & 0x02 && 'animation'].filter(Boolean)
    return {
      width: content.readUIntLE(24, 3) + 1,
      height: content.readUIntLE(27, 3) + 1,
      notes: [['Coding', ['extended', ...features].join(', ')]],
      exif: riffExif(content),
    }
  },
}

function riffExif(content: Buffer): Buffer | undefined {
  let at = 12
  for (let count = 0; count < MAX_PIECES && at + 8 <= content.length; count++) {
    const length = content.readUInt32LE(at + 4)
    if (latin1(content, at, at + 4) === 'EXIF') {
      const data = content.subarray(at + 8, at + 8 + length)
      return startsWith('Exif\0\0')(data) ? data.subarray(6) : data
    }
    at += 8 + length + (length & 1)
  }
  return undefined
}

const bmp: ImageFormat = {
  name: 'BMP',
  // Its head has four bytes that are 0, and a length of its second part that is known.
  is: (content) =>
    content.length >= 26 &&
    latin1(content, 0, 2) === 'BM' &&
    content.readUInt32LE(6) === 0 &&
    [12, 40, 52, 56, 64, 108, 124].includes(content.readUInt32LE(14)),
  read(content) {
    if (content.readUInt32LE(14) === 12) return { width: content.readUInt16LE(18), height: content.readUInt16LE(20) }
    const notes: [string, string][] = [['Colours', `${content.readUInt16LE(28)} bits`]]
    return { width: content.readInt32LE(18), height: Math.abs(content.readInt32LE(22)), notes }
  },
}

const ico: ImageFormat = {
  name: 'ICO',
  is: (content) =>
    content.length >= 22 &&
    content.readUInt16LE(0) === 0 &&
    [1, 2].includes(content.readUInt16LE(2)) &&
    content.readUInt16LE(4) > 0 &&
    content[9] === 0,
  read(content) {
    const count = content.readUInt16LE(4)
    const side = (at: number) => content.readUInt8(at) || 256
    const notes: [string, string][] = []
    for (let index = 0; index < Math.min(count, MAX_NOTES) && 22 + 16 * index <= content.length; index++) {
      const at = 6 + 16 * index
      notes.push([`Image ${index + 1}`, `${side(at)} x ${side(at + 1)} px, ${content.readUInt16LE(at + 6)} bits`])
    }
    return { notes: [['Images', `${count}`], ...notes] }
  },
}

/** Characters in which the root of an SVG has to stand. */
const SVG_HEAD = 4096

const svg: ImageFormat = {
  name: 'SVG',
  is: (content) => /<svg[\s>]/.test(content.subarray(0, SVG_HEAD).toString()),
  read(content) {
    const tag = /<svg[^>]{0,2000}/.exec(content.subarray(0, 2 * SVG_HEAD).toString())?.[0] ?? ''
    const notes: [string, string][] = []
    for (const name of ['width', 'height', 'viewBox']) {
      const value = new RegExp(`\\s${name}=["']([^"']{1,100})["']`).exec(tag)?.[1]
      if (value !== undefined) notes.push([name, value])
    }
    return { notes }
  },
}

export const FORMATS: readonly ImageFormat[] = [png, jpeg, gif, webp, heif, bmp, ico, svg]
