// The fields of EXIF that people look for (CIPA DC-008), out of its TIFF structure.
import type { Page } from './page.js'

const NAMES: Partial<Record<number, string>> = {
  271: 'Make',
  272: 'Model',
  274: 'Orientation',
  305: 'Software',
  306: 'Changed',
  315: 'Artist',
  33432: 'Copyright',
  33434: 'Exposure',
  33437: 'F-number',
  34855: 'ISO',
  36867: 'Taken',
  37386: 'Focal length',
  42036: 'Lens',
}
const GPS_NAMES: Partial<Record<number, string>> = {
  1: 'Latitude ref',
  2: 'Latitude',
  3: 'Longitude ref',
  4: 'Longitude',
  6: 'Altitude',
}
/** Fields that hold the place of other fields. */
const EXIF_IFD = 34665
const GPS_IFD = 34853
/** Fields of a directory that are looked at. */
const MAX_FIELDS = 500
/** Characters of a text. */
const MAX_TEXT = 200
/** Bytes of a value by its type (TIFF 6.0, section 2). */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8]

export function writeExif(page: Page, tiff: Buffer): void {
  try {
    const little = tiff.toString('latin1', 0, 2) === 'II'
    const first = new Directory(tiff, little).read(little ? tiff.readUInt32LE(4) : tiff.readUInt32BE(4), page, NAMES)
    for (const { tag, place } of first)
      new Directory(tiff, little).read(place, page, tag === GPS_IFD ? GPS_NAMES : NAMES)
  } catch {
    page.line('(the EXIF data are broken)', 'error')
  }
}

class Directory {
  readonly #tiff: Buffer
  readonly #little: boolean

  constructor(tiff: Buffer, little: boolean) {
    this.#tiff = tiff
    this.#little = little
  }

  /** Writes the fields that have names, and returns where further directories are. Throws a RangeError where the data are cut. */
  read(start: number, page: Page, names: Partial<Record<number, string>>): { tag: number; place: number }[] {
    const places: { tag: number; place: number }[] = []
    const count = Math.min(this.#u16(start), MAX_FIELDS)
    for (let index = 0; index < count; index++) {
      const at = start + 2 + 12 * index
      const tag = this.#u16(at)
      if (tag === EXIF_IFD || tag === GPS_IFD) places.push({ tag, place: this.#u32(at + 8) })
      const name = names[tag]
      const value = name && this.#value(this.#u16(at + 2), this.#u32(at + 4), at + 8)
      if (name && value) page.field(name, value)
    }
    return places
  }

  #value(type: number, count: number, field: number): string | undefined {
    const size = SIZES[type]
    if (!size) return undefined
    const at = size * count <= 4 ? field : this.#u32(field)
    if (type === 2)
      return this.#tiff
        .toString('utf8', at, at + Math.min(count, MAX_TEXT))
        .split('\0', 1)[0]
        ?.trim()
    const values = Array.from({ length: Math.min(count, 4) }, (_, index) => this.#number(type, at + size * index))
    return values.join(' ')
  }

  #number(type: number, at: number): string {
    if (type === 3) return `${this.#u16(at)}`
    if (type === 4) return `${this.#u32(at)}`
    if (type === 5 || type === 10) {
      const [over, under] = [this.#u32(at), this.#u32(at + 4)]
      if (over > 0 && under > over) return `${over}/${under}`
      return under === 0 ? '0' : `${Number((over / under).toFixed(4))}`
    }
    return `${this.#tiff.readUInt8(at)}`
  }

  #u16 = (at: number) => (this.#little ? this.#tiff.readUInt16LE(at) : this.#tiff.readUInt16BE(at))
  #u32 = (at: number) => (this.#little ? this.#tiff.readUInt32LE(at) : this.#tiff.readUInt32BE(at))
}
