// AVIF and HEIC (ISO/IEC 23008-12): boxes, among whose properties the sizes of the pictures stand.
import type { ImageFacts } from './image-formats.js'

/** Boxes that are looked at. */
const MAX_BOXES = 1000
const BRANDS: Partial<Record<string, string>> = {
  avif: 'AVIF',
  avis: 'AVIF',
  heic: 'HEIC',
  heix: 'HEIC',
  mif1: 'HEIF',
  msf1: 'HEIF',
}
/** Boxes of other boxes, and the bytes of each before them. */
const HOLDERS: Partial<Record<string, number>> = { meta: 4, iprp: 0, ipco: 0 }

export const heif = {
  name: 'AVIF or HEIC',
  is: (content: Buffer): boolean =>
    content.toString('latin1', 4, 8) === 'ftyp' && BRANDS[content.toString('latin1', 8, 12)] !== undefined,
  read(content: Buffer): ImageFacts {
    const brand = content.toString('latin1', 8, 12)
    const sizes: { width: number; height: number }[] = []
    let boxes = 0
    const walk = (from: number, to: number) => {
      for (let at = from; at + 8 <= to && boxes < MAX_BOXES; boxes++) {
        const length = content.readUInt32BE(at)
        const type = content.toString('latin1', at + 4, at + 8)
        const end = length === 0 ? to : Math.min(to, at + length)
        const skip = HOLDERS[type]
        if (skip !== undefined) walk(at + 8 + skip, end)
        if (type === 'ispe' && end - at >= 20)
          sizes.push({ width: content.readUInt32BE(at + 12), height: content.readUInt32BE(at + 16) })
        if (length < 8) return
        at = end
      }
    }
    walk(0, content.length)
    // The picture is the largest one: others are its tiles, and thumbnails.
    const largest = sizes.toSorted((one, other) => other.width * other.height - one.width * one.height)[0]
    return { ...largest, notes: [['Brand', `${brand} (${BRANDS[brand]})`]] }
  },
}
