// The list of midwire's own views. Of two that fit equally well the first is taken.
import { hex } from './hex.js'
import { json } from './json.js'
import { text } from './text.js'
import type { View } from './view.js'
import { xml } from './xml.js'

export const BUILT_IN: readonly View[] = [json, xml, text, hex]
