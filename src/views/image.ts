// Images: format, size in pixels, and what else their heads say. Nothing is decoded.
import { writeExif } from './exif.js'
import { FORMATS, type ImageFacts } from './image-formats.js'
import { mediaType, type View } from './view.js'

export const image: View = {
  name: 'image',
  help: 'images: format, size in pixels, EXIF',
  priority(content, { contentType }) {
    const type = mediaType(contentType)
    if (content.length === 0) return 0
    // An SVG is text, which the view of XML shows.
    if (type === 'image/svg+xml') return 0.5
    return FORMATS.some(({ is, name }) => name !== 'SVG' && is(content)) ? 1 : type.startsWith('image/') ? 0.05 : 0
  },
  render(content, _, page) {
    const format = FORMATS.find(({ is }) => is(content))
    if (!format) throw new Error('the format is unknown')
    page.field('Format', format.name)
    let facts: ImageFacts
    try {
      facts = format.read(content)
    } catch {
      facts = { notes: [['Broken', 'the head is not complete']] }
    }
    const { width, height, notes = [], exif } = facts
    if (width !== undefined && height !== undefined) page.field('Size', `${width} x ${height} px`, 'number')
    for (const [name, value] of notes) page.field(name, value)
    if (exif) writeExif(page, exif)
    page.field('Length', `${content.length} bytes`, 'number')
    return undefined
  },
}
